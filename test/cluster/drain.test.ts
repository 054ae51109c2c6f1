import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Retryable } from "../../src/model/errors.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { WritePorts } from "../../src/model/playbook.ts";
import { drainNodeExcept } from "../../src/playbooks/drain-node-except.ts";
import { CLUSTER, manifest, protects } from "../playbooks/cluster-objects.ts";
import { eventually, type Lab } from "./lab.ts";
import { asApp, labs } from "./labs.ts";

const places = labs("No node is emptied on a real API server.");
/** The pin too: what it forbids is not done here either. */
const MANIFESTS = ["1-namespace.yaml", "4-access.yaml", "5-pin-identity.yaml"];
const WAIT = 90_000;
const ID = "a-drain-1";
const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "suspect" } as const;
const ready = (status: string) => ({ phase: "Running", conditions: [{ type: "Ready", status }] });
// No kubelet is there to take its time: without any a pod ends at once.
const podSpec = { terminationGracePeriodSeconds: 0, containers: [{ name: "web", image: "web:1" }] };

function bare(name: string): object {
  const metadata = { name, namespace: "shop", labels: { app: name } };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { ...podSpec, nodeName: "n1" } };
}

function budget(name: string, minAvailable: number, app = "web"): object {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { namespace: "shop", name },
    spec: { minAvailable, selector: { matchLabels: { app } } },
  };
}

function deployment(name: string, replicas: number, more: object = {}): object {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace: "shop", name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...podSpec, ...more } },
    },
  };
}

describe.each(places)("a node on $name", ({ open, isThere }) => {
  let lab: Lab;
  let ports: WritePorts;

  beforeAll(async () => {
    if (!isThere) return;
    lab = await open();
    const nodes = ["n1", "n2"].map((name) => ({ apiVersion: "v1", kind: "Node", metadata: { name } }));
    const shop = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
    await lab.apply(shop, ...nodes, ...MANIFESTS.flatMap(manifest));
    for (const name of ["n1", "n2"]) {
      await lab.report("nodes", name, { conditions: [{ type: "Ready", status: "True" }] });
    }
    const { reader, writer } = await asApp(lab);
    ports = { read: { kubernetes: () => reader, protects }, write: { kubernetes: () => writer } };
  }, 120_000);
  afterAll(() => (isThere ? lab.close() : undefined));

  /** Has a Deployment's pods run on the first node, ready or not; their names. */
  async function run(app: string, count: number, status = "True"): Promise<string[]> {
    await lab.apply(deployment(app, count));
    const pods = await eventually(
      () =>
        lab
          .list("pods", "shop")
          .then((all) => all.filter(({ metadata }) => metadata.labels?.["app"] === app)),
      (all) => all.length === count,
    );
    const names = pods.map(({ metadata }) => metadata.name);
    for (const name of names) {
      await lab.bind("shop", name, "n1");
      await lab.report("pods", name, ready(status), "shop");
    }
    return names;
  }

  async function onNode(): Promise<string[]> {
    const { pods } = await ports.read.kubernetes(CLUSTER).podsOnNode("n1");
    return pods.map(({ name }) => name).toSorted();
  }

  /** Waits until the budget's controller has counted. */
  function counted(name: string, allowed: number): Promise<unknown> {
    return eventually(
      () => ports.read.kubernetes(CLUSTER).disruptionBudgets("shop"),
      (all) => all.find((one) => one.name === name)?.allowed === allowed,
    );
  }

  async function planned(): Promise<Plan> {
    const outcome = await drainNodeExcept.plan({ target, parameters: {}, remediationId: ID }, ports);
    if (outcome.outcome !== "change") throw new Error(outcome.reason);
    return sealPlan(outcome.draft, { remediationId: ID, playbook: drainNodeExcept.name, target });
  }

  it.runIf(isThere)(
    "is emptied around the suspect as its budgets allow, and opened again",
    { timeout: WAIT },
    async () => {
      await lab.apply(bare("suspect"), bare("alone"), budget("web", 2));
      await lab.report("pods", "suspect", ready("True"), "shop");
      await run("web", 2);
      await run("db", 1);
      await counted("web", 0);
      const plan = await planned();
      const said = plan.limits.join(" ");
      expect(said).toContain("3 pods of Deployment shop/db (1), Deployment shop/web (2) are evicted");
      expect(said).toContain("PodDisruptionBudget shop/web lets nobody go now: 2 pods wait for it");
      expect(said).toContain("1 pod stays, since nobody controls it");
      await expect(drainNodeExcept.apply(plan, ports)).rejects.toThrow(Retryable);
      expect(await onNode()).toEqual([
        "alone",
        "suspect",
        expect.stringMatching(/^web-/),
        expect.stringMatching(/^web-/),
      ]);
      expect(await drainNodeExcept.verify(plan, ports)).toMatchObject({ verdict: "partial" });
      await lab.apply(budget("web", 0));
      await counted("web", 2);
      await drainNodeExcept.apply(plan, ports);
      await drainNodeExcept.apply(plan, ports);
      expect(await onNode()).toEqual(["alone", "suspect"]);
      expect(await drainNodeExcept.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
      const held = (await lab.list("nodes")).find(({ metadata }) => metadata.name === "n1");
      expect(held?.spec?.["unschedulable"]).toBe(true);
      expect(held?.metadata.labels?.[INCIDENT_LABEL]).toBe(ID);
      expect(
        (await lab.list("pods", "shop")).find(({ metadata }) => metadata.name === "suspect")?.metadata.uid,
      ).toBe(plan.identity);
      // Who comes back by naming the node is told.
      await lab.apply(deployment("db", 1, { nodeName: "n1" }));
      const judged = await eventually(
        () => drainNodeExcept.verify(plan, ports),
        ({ verdict }) => verdict === "partial",
      );
      expect(judged).toEqual({
        verdict: "partial",
        remains: [
          expect.stringMatching(/^Pod shop\/db-.* is left on the node: it was not evicted, or came since\.$/),
        ],
      });
      expect(await drainNodeExcept.revert(plan, ports)).toEqual({ outcome: "restored" });
      const after = (await lab.list("nodes")).find(({ metadata }) => metadata.name === "n1");
      expect(after?.spec?.["unschedulable"]).toBeUndefined();
      expect(after?.metadata.labels ?? {}).not.toHaveProperty(INCIDENT_LABEL);
    },
  );

  it.runIf(isThere)(
    "holds pods by a budget only while they are missed, and not at all by two",
    { timeout: WAIT },
    async () => {
      const writer = ports.write.kubernetes(CLUSTER);
      const reader = ports.read.kubernetes(CLUSTER);
      const asked = async (name: string) => {
        const pod = await reader.pod("shop", name);
        return pod === null ? "gone" : writer.askEviction("shop", name, pod);
      };
      await lab.apply(budget("queue", 1, "queue"));
      const [first = "", second = ""] = await run("queue", 2);
      await lab.report("pods", first, ready("False"), "shop");
      await counted("queue", 0);
      expect(await asked(second)).toBe("held");
      expect(await asked(first)).toBe("ending");
      await lab.apply(budget("queue", 2, "queue"));
      await lab.report("pods", second, ready("False"), "shop");
      await eventually(
        () => reader.pod("shop", second),
        (pod) => pod?.ready === false,
      );
      expect(await asked(second)).toBe("held");
      await lab.apply(budget("queue-too", 0, "queue"));
      await lab.report("pods", second, ready("True"), "shop");
      await expect(asked(second)).rejects.toThrow("answered 500");
    },
  );
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sealPlan } from "../../src/model/plan.ts";
import type { Verification } from "../../src/model/playbook.ts";
import { collectEvidence } from "../../src/playbooks/collect-evidence.ts";
import { createMemoryEvidence, type MemoryEvidence } from "../../src/store/memory-evidence.ts";
import { CLUSTER, manifest, policy, workload } from "../playbooks/cluster-objects.ts";
import { eventually, type Lab } from "./lab.ts";
import { asApp, labs } from "./labs.ts";

const places = labs("No evidence is collected of a real API server.");
const WAIT = 60_000;
const SECRET = "canary-of-a-variable-51c2";
let runs = 0;

describe.each(places)("evidence of $name", ({ open, isThere }) => {
  let lab: Lab;
  let kubernetes: Awaited<ReturnType<typeof asApp>>;

  beforeAll(async () => {
    if (!isThere) return;
    lab = await open();
    const shop = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
    await lab.apply(shop, ...["1-namespace.yaml", "4-access.yaml"].flatMap(manifest));
    // Everything is read with the rights of the manifest, and no others.
    kubernetes = await asApp(lab);
  }, 120_000);
  afterAll(() => (isThere ? lab.close() : undefined));

  async function collected(
    name: string,
  ): Promise<{ kept: MemoryEvidence; verification: Verification; json: (file: string) => unknown }> {
    runs += 1;
    const remediationId = `a-${runs}`;
    const kept = createMemoryEvidence();
    const { reader, writer } = kubernetes;
    const ports = {
      read: { kubernetes: () => reader, evidence: kept },
      write: { kubernetes: () => writer, evidence: kept },
    };
    const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name } as const;
    const outcome = await collectEvidence.plan({ target, parameters: {}, remediationId }, ports);
    if (outcome.outcome !== "change") throw new Error(outcome.reason);
    const plan = sealPlan(outcome.draft, { remediationId, playbook: collectEvidence.name, target });
    await collectEvidence.apply(plan, ports);
    await collectEvidence.apply(plan, ports);
    const json = (file: string): unknown =>
      JSON.parse(new TextDecoder().decode(kept.files.get(`${remediationId}/${file}`)));
    return { kept, verification: await collectEvidence.verify(plan, ports), json };
  }

  /** A pod of nobody, on a node or on none. */
  function bare(name: string, nodeName?: string): object {
    const env = [{ name: "PASSWORD", value: SECRET }];
    const containers = [{ name: "web", image: "reg.example/shop/web:1", env }];
    const spec = { containers, ...(nodeName === undefined ? {} : { nodeName }) };
    return { apiVersion: "v1", kind: "Pod", metadata: { namespace: "shop", name }, spec };
  }

  it.runIf(isThere)(
    "is whole for a pod of a Deployment that has no node yet, with the rights of the manifest",
    { timeout: WAIT },
    async () => {
      const template = {
        metadata: { labels: { app: "front" } },
        spec: { containers: [{ name: "web", image: "w:1", env: [{ name: "PASSWORD", value: SECRET }] }] },
      };
      await lab.apply(
        workload("Deployment", "front", 1, { spec: { template } }),
        policy("open-front", { podSelector: { matchLabels: { app: "front" } }, ingress: [{}] }),
      );
      const ofFront = async () =>
        (await lab.list("pods", "shop")).filter(({ metadata }) => metadata.name.startsWith("front-"));
      const [first] = await eventually(ofFront, (pods) => pods.length === 1);
      if (first === undefined) throw new Error("no pod came up");
      const { uid } = first.metadata;
      await lab.apply({
        apiVersion: "v1",
        kind: "Event",
        metadata: { namespace: "shop", name: "front.1" },
        involvedObject: { kind: "Pod", namespace: "shop", name: first.metadata.name, uid },
        reason: "BackOff",
        type: "Warning",
      });
      const { verification, json, kept } = await collected(first.metadata.name);
      expect(verification).toMatchObject({ verdict: "holds", proof: "proved" });
      expect(json("pod.json")).toMatchObject({ kind: "Pod", metadata: { uid } });
      expect(json("owners.json")).toMatchObject([{ kind: "ReplicaSet" }, { kind: "Deployment" }]);
      expect(json("events.json")).toEqual(
        expect.arrayContaining([expect.objectContaining({ reason: "BackOff" })]),
      );
      expect(json("service-account.json")).toMatchObject({ metadata: { name: "default" } });
      expect(json("network-verdict.json")).toMatchObject({
        verdict: { ingress: { covered: true, residual: [{ policy: "shop/open-front" }] } },
      });
      expect([...kept.files.keys()].filter((name) => name.includes("/logs/"))).toEqual([]);
      const all = [...kept.files.values()].map((bytes) => new TextDecoder().decode(bytes)).join();
      expect(all).toContain("PASSWORD");
      expect(all).not.toContain(SECRET);
      expect(all).not.toContain("managedFields");
    },
  );

  it.runIf(isThere)(
    "says of a node that is not registered, or that does not answer, that it gave no log",
    { timeout: WAIT },
    async () => {
      await lab.apply({ apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
      await lab.apply(bare("on-n1", "n1"), bare("on-nobody", "n9"));
      const silent = await collected("on-n1");
      expect(silent.verification).toMatchObject({
        verdict: "partial",
        remains: ["No logs/web.log: its node did not give it (500)."],
      });
      const gone = await collected("on-nobody");
      expect(gone.verification).toMatchObject({
        verdict: "partial",
        remains: [
          "No node.json: it is not there.",
          "No logs/web.log: the pod, or the node that it runs on, is not there.",
        ],
      });
    },
  );

  it.runIf(isThere)("answers a bad question about events with an error, never with all", async () => {
    expect(await kubernetes.reader.events("shop", "u,metadata.name!=x")).toEqual({
      missing: "it has no uid by which it could be asked for",
    });
    expect(await kubernetes.reader.events("shop", "nobody")).toEqual({ found: { items: [], whole: true } });
  });

  it.runIf(isThere)("lists bindings whole, over the pages of the server", async () => {
    const roles = await kubernetes.reader.clusterRoleBindings();
    if (!("found" in roles)) throw new Error(roles.missing);
    const asked = await lab.list("clusterrolebindings");
    expect(roles.found.whole).toBe(true);
    expect(roles.found.items).toHaveLength(asked.length);
  });
});

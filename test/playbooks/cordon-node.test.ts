import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { valueAt } from "../../local/kubernetes/json-value.ts";
import { Conflict } from "../../src/model/errors.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { cordonNode } from "../../src/playbooks/cordon-node.ts";
import { CLUSTER, node, workload } from "./cluster-objects.ts";
import { startCluster as start } from "./start-cluster.ts";

const ID = "a-1";
const target = { kind: "node", cluster: CLUSTER, name: "n1" } as const;

type Ports = Awaited<ReturnType<typeof start>>["ports"];

function propose(ports: Ports) {
  return cordonNode.plan({ target, parameters: {}, remediationId: ID }, ports);
}

async function planOf(ports: Ports): Promise<Plan> {
  const outcome = await propose(ports);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, { remediationId: ID, playbook: cordonNode.name, target });
}

/** The node as it stands, by what the playbook touches. */
function standing(cluster: KubernetesStandIn) {
  const found = cluster.read("nodes", "", "n1");
  return {
    label: valueAt(found, "metadata", "labels", INCIDENT_LABEL) ?? null,
    cordoned: valueAt(found, "spec", "unschedulable") ?? false,
  };
}

const looks = (label: string | null, unschedulable: boolean, more: object = {}) =>
  node("n1", {
    metadata: { labels: label === null ? {} : { [INCIDENT_LABEL]: label }, ...more },
    spec: unschedulable ? { unschedulable } : {},
  });

describe("what is not cordoned", () => {
  it.each(["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"])(
    "skips a node of the control plane: %s",
    async (role) => {
      for (const value of ["", "true", "false"]) {
        const { cluster, ports } = await start([node("n1", { metadata: { labels: { [role]: value } } })]);
        expect(await propose(ports)).toEqual({ outcome: "skip", reason: "Node n1 runs the control plane." });
        expect(cluster.effects).toEqual([]);
      }
    },
  );

  it("has nothing to do on a node that is cordoned already, so that nothing is taken back later", async () => {
    const { cluster, ports } = await start([looks(null, true)]);
    const uid = cluster.read("nodes", "", "n1")?.metadata.uid;
    expect(await propose(ports)).toEqual({
      outcome: "no-op",
      reason: "Node n1 is cordoned already.",
      identity: uid,
    });
    cluster.seed([looks("b-2", true)]);
    expect(await propose(ports)).toMatchObject({ outcome: "no-op", reason: expect.stringContaining("b-2") });
  });

  it("overwrites no label of another remediation", async () => {
    const { ports } = await start([looks("b-2", false)]);
    expect(await propose(ports)).toMatchObject({ outcome: "skip", reason: expect.stringContaining("b-2") });
  });
});

describe("the plan", () => {
  it("names cordon and label with before and after, and that what runs there goes on", async () => {
    const { ports } = await start([node("n1")]);
    const plan = await planOf(ports);
    expect(plan.steps).toMatchObject([
      { before: { unschedulable: false, label: null }, after: { unschedulable: true, label: ID } },
    ]);
    expect(plan.steps[0]?.touches).toEqual([
      `${CLUSTER.toLowerCase()}/nodes/n1#spec.unschedulable`,
      `${CLUSTER.toLowerCase()}/nodes/n1#metadata.labels.${INCIDENT_LABEL}`,
    ]);
    expect(plan.limits[0]).toContain("Pods that run on the node go on");
    expect(plan.limits.join(" ")).not.toContain("not ready");
  });

  it("says where the node is not ready", async () => {
    const { ports } = await start([
      { ...node("n1"), status: { conditions: [{ type: "Ready", status: "Unknown" }] } },
    ]);
    expect((await planOf(ports)).limits.join(" ")).toContain("The node is not ready");
  });

  it("keeps its hash while the node reports as it does every few seconds, and loses it with the node", async () => {
    const { cluster, ports } = await start([node("n1")]);
    const { hash } = await planOf(ports);
    cluster.seed([{ ...looks(null, false, { annotations: { beat: "1" } }), status: { conditions: [] } }]);
    expect((await planOf(ports)).hash).toBe(hash);
    cluster.seed([looks(null, false, { uid: "11111111-2222-3333-4444-555555555555" })]);
    expect((await planOf(ports)).hash).not.toBe(hash);
  });
});

describe("cordoning", () => {
  it("is one change that names the state it saw; no new pod comes, and those there stay", async () => {
    const { cluster, ports } = await start([node("n1"), workload("ReplicaSet", "web", 2)]);
    const plan = await planOf(ports);
    await cordonNode.apply(plan, ports);
    expect(cluster.effects).toHaveLength(1);
    expect(standing(cluster)).toEqual({ label: ID, cordoned: true });
    expect(await cordonNode.verify(plan, ports)).toEqual({ verdict: "holds", proof: "declared" });
    cluster.seed([workload("ReplicaSet", "web", 3)]);
    const nodes = cluster.readAll("pods").map(({ spec }) => JSON.stringify(spec).includes('"nodeName":"n1"'));
    expect(nodes.toSorted()).toEqual([false, true, true]);
  });

  it("leaves alone what somebody cordoned between plan and change", async () => {
    const { cluster, ports } = await start([node("n1")]);
    const plan = await planOf(ports);
    cluster.seed([looks(null, true)]);
    cluster.clear();
    await expect(cordonNode.apply(plan, ports)).rejects.toThrow(Conflict);
    await expect(cordonNode.revert(plan, ports)).rejects.toThrow(Conflict);
    expect(cluster.effects).toEqual([]);
  });
});

describe("verifying", () => {
  it.each([
    ["somebody lets pods on again", looks(ID, false)],
    ["our label is off", looks(null, true)],
    ["another remediation's label is on", looks("b-2", true)],
  ])("is absent once %s", async (_what, change) => {
    const { cluster, ports } = await start([node("n1")]);
    const plan = await planOf(ports);
    await cordonNode.apply(plan, ports);
    cluster.seed([change]);
    expect(await cordonNode.verify(plan, ports)).toMatchObject({ verdict: "absent" });
  });
});

describe("taking it back", () => {
  it("keeps what others changed on the node meanwhile", async () => {
    const { cluster, ports } = await start([node("n1")]);
    const plan = await planOf(ports);
    await cordonNode.apply(plan, ports);
    cluster.seed([
      node("n1", {
        metadata: { labels: { pool: "b", [INCIDENT_LABEL]: ID }, annotations: { mine: "1" } },
        spec: { unschedulable: true, taints: [{ key: "x", effect: "NoSchedule" }] },
      }),
    ]);
    expect(await cordonNode.revert(plan, ports)).toEqual({ outcome: "restored" });
    const after = cluster.read("nodes", "", "n1");
    expect(after?.metadata).toMatchObject({ labels: { pool: "b" }, annotations: { mine: "1" } });
    expect(after?.["spec"]).toMatchObject({ taints: [{ key: "x", effect: "NoSchedule" }] });
    expect(after?.["spec"]).not.toHaveProperty("unschedulable");
  });

  it("takes only our label off where somebody has let pods on already", async () => {
    const { cluster, ports } = await start([node("n1")]);
    const plan = await planOf(ports);
    await cordonNode.apply(plan, ports);
    cluster.seed([looks(ID, false)]);
    expect(await cordonNode.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(standing(cluster)).toEqual({ label: null, cordoned: false });
  });

  it("lifts a cordon only under our own label, whatever the node looks like by then", async () => {
    const { cluster, ports } = await start([node("n1")]);
    const plan = await planOf(ports);
    await cordonNode.apply(plan, ports);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(ID, "b-2", `${ID}-x`, "", null),
        fc.boolean(),
        async (label, cordoned) => {
          cluster.seed([looks(label, cordoned)]);
          const before = standing(cluster);
          const [taken] = await Promise.allSettled([cordonNode.revert(plan, ports)]);
          const after = standing(cluster);
          if (label === ID) {
            expect(after).toEqual({ label: null, cordoned: false });
          } else {
            expect(after).toEqual(before);
            const isAsBefore = label === null && !cordoned;
            expect(taken.status).toBe(isAsBefore ? "fulfilled" : "rejected");
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("does nothing to a node that came back under its name", async () => {
    const { cluster, ports } = await start([node("n1")]);
    const plan = await planOf(ports);
    await cordonNode.apply(plan, ports);
    cluster.seed([looks(ID, true, { uid: "11111111-2222-3333-4444-555555555555" })]);
    cluster.clear();
    expect(await cordonNode.revert(plan, ports)).toMatchObject({ outcome: "gone" });
    expect(cluster.effects).toEqual([]);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { Conflict, Retryable } from "../../src/model/errors.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { terminatePod } from "../../src/playbooks/terminate-pod.ts";
import { CLUSTER, node, pod, workload } from "./cluster-objects.ts";
import { startCluster } from "./start-cluster.ts";

const ID = "a-1";

function start(objects: readonly object[], controllers = true) {
  return startCluster(objects, { controllers });
}

type Ports = Awaited<ReturnType<typeof start>>["ports"];
type By = "eviction" | "delete";

const targetOf = (name = "web-1") => ({ kind: "pod", cluster: CLUSTER, namespace: "shop", name }) as const;

function propose(ports: Ports, name?: string, parameters: unknown = {}) {
  return terminatePod.plan({ target: targetOf(name), parameters, remediationId: ID }, ports);
}

async function planOf(ports: Ports, name?: string, by: By = "eviction"): Promise<Plan> {
  const outcome = await propose(ports, name, { by });
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, {
    remediationId: ID,
    playbook: terminatePod.name,
    target: targetOf(name),
  });
}

const owned = (kind: string, apiVersion = "apps/v1") => ({
  metadata: {
    labels: { app: "web" },
    ownerReferences: [{ apiVersion, kind, name: "web", uid: "uid-of-web", controller: true }],
  },
});
const budget = (minAvailable: number) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { namespace: "shop", name: "web" },
  spec: { minAvailable, selector: { matchLabels: { app: "web" } } },
});
const WAYS: unknown[] = ["eviction", "delete"];
const kept = { metadata: { labels: { app: "web" }, finalizers: ["x.example/keep"] } };
const writes = (cluster: KubernetesStandIn) =>
  cluster.requests
    .filter(({ method }) => method !== "GET")
    .map(({ method, path }) => `${method} ${path.split("/").slice(5).join("/")}`);

describe("what it is asked", () => {
  it("knows two ways to end a pod, evicts unless told otherwise, and takes no other word", () => {
    expect(terminatePod.parameters.parse({})).toEqual({ by: "eviction" });
    expect(terminatePod.parameters.parse({ by: "delete" })).toEqual({ by: "delete" });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.dictionary(fc.string(), fc.anything(), { minKeys: 1 }),
          fc.record({ by: fc.anything() }),
          fc.record({ by: fc.constant("eviction"), gracePeriodSeconds: fc.integer() }),
        ),
        (words) => {
          // What is not there and what is undefined are one: no YAML tells them apart.
          const said = Object.entries(words).filter(([, value]) => value !== undefined);
          const isKnown = said.every(([word, value]) => word === "by" && WAYS.includes(value));
          return isKnown || !terminatePod.parameters.safeParse(words).success;
        },
      ),
    );
  });

  it("cannot be taken back, and destroys evidence: a person decides, after the evidence is stored", () => {
    expect(terminatePod).toMatchObject({ kind: "remediation", reversible: false, destroysEvidence: true });
  });
});

describe("what is not ended", () => {
  it.each([
    ["static pod", { metadata: { annotations: { "kubernetes.io/config.mirror": "abc" } } }],
    ["static pod", owned("Node", "v1")],
  ])("skips a pod for this reason: %s", async (reason, more) => {
    const { ports } = await start([pod("web-1", more)], false);
    expect(await propose(ports)).toMatchObject({ outcome: "skip", reason: expect.stringContaining(reason) });
  });

  it.each(["Succeeded", "Failed"])(
    "skips a pod that has %s by itself, and leaves it for the investigation",
    async (phase) => {
      const { ports } = await start([{ ...pod("web-1"), status: { phase } }]);
      expect(await propose(ports)).toMatchObject({
        outcome: "skip",
        reason: expect.stringContaining("evidence"),
      });
    },
  );

  it("has nothing to do where the pod is being deleted already", async () => {
    const { cluster, ports } = await start([pod("web-1", kept)]);
    await terminatePod.apply(await planOf(ports), ports);
    cluster.clear();
    expect(await propose(ports)).toMatchObject({
      outcome: "no-op",
      identity: cluster.read("pods", "shop", "web-1")?.metadata.uid,
    });
    expect(cluster.effects).toEqual([]);
  });
});

describe("the plan", () => {
  it.each([
    ["ReplicaSet", "apps/v1", "ReplicaSet web, starts another in its place."],
    ["StatefulSet", "apps/v1", "StatefulSet web, starts another of the same name"],
    ["DaemonSet", "apps/v1", "DaemonSet web, starts another on the same node."],
    ["Job", "batch/v1", "Job web, may start another"],
    ["Rollout", "argoproj.io/v1alpha1", "Rollout web, starts another in its place."],
  ])(
    "says what a %s does when its pod ends, and that it has the same weaknesses",
    async (kind, api, words) => {
      const { ports } = await start([pod("web-1", owned(kind, api))], false);
      const plan = await planOf(ports);
      expect(plan.impact).toContain(words);
      expect(plan.limits.join(" ")).toContain("same image, rights and weaknesses");
    },
  );

  it("says of a bare pod that nothing starts another", async () => {
    const { ports } = await start([pod("web-1")]);
    const plan = await planOf(ports);
    expect(plan.impact).toContain("nothing starts another");
    expect(plan.limits.join(" ")).not.toContain("weaknesses");
  });

  it("is another one where the pod has got an owner, or is to be ended in the other way", async () => {
    const bare = { metadata: { uid: "11111111-2222-3333-4444-555555555555" } };
    const alone = await start([pod("web-1", bare)], false);
    const plan = await planOf(alone.ports);
    expect((await planOf(alone.ports, "web-1", "delete")).hash).not.toBe(plan.hash);
    const adopted = { metadata: { ...owned("ReplicaSet").metadata, ...bare.metadata } };
    const { ports } = await start([pod("web-1", adopted)], false);
    expect((await planOf(ports)).hash).not.toBe(plan.hash);
  });

  it("names who is asked: the budgets by an eviction, nobody by a deletion", async () => {
    const { ports } = await start([pod("web-1")]);
    expect(await planOf(ports)).toMatchObject({
      steps: [{ sentence: "evict pod shop/web-1", before: null, after: "deleted" }],
      limits: expect.arrayContaining([expect.stringContaining("may forbid it")]),
    });
    expect(await planOf(ports, "web-1", "delete")).toMatchObject({
      steps: [{ sentence: "delete pod shop/web-1" }],
      limits: expect.arrayContaining([expect.stringContaining("No PodDisruptionBudget is asked")]),
    });
  });
});

describe("ending a pod", () => {
  it.each([
    ["eviction", "POST pods/web-1/eviction"],
    ["delete", "DELETE pods/web-1"],
  ] as const)("is one request by %s, and leaves the pod its own time to end", async (by, request) => {
    const { cluster, ports } = await start([pod("web-1", kept)]);
    await terminatePod.apply(await planOf(ports, "web-1", by), ports);
    expect(writes(cluster)).toEqual([request]);
    expect(cluster.read("pods", "shop", "web-1")?.metadata["deletionGracePeriodSeconds"]).toBe(30);
  });

  it("asks for no second deletion while the first is under way", async () => {
    const { cluster, ports } = await start([pod("web-1", kept)]);
    const plan = await planOf(ports, "web-1", "delete");
    await terminatePod.apply(plan, ports);
    await terminatePod.apply(plan, ports);
    expect(writes(cluster)).toHaveLength(1);
  });

  it("ends that pod and not the one that a StatefulSet makes of the same name", async () => {
    const { cluster, ports } = await start([node("n1"), workload("StatefulSet", "web", 2)]);
    const before = cluster.read("pods", "shop", "web-1")?.metadata.uid;
    const plan = await planOf(ports);
    await terminatePod.apply(plan, ports);
    const after = cluster.read("pods", "shop", "web-1")?.metadata.uid;
    expect(after).toBeDefined();
    expect(after).not.toBe(before);
    await terminatePod.apply(plan, ports);
    expect(cluster.read("pods", "shop", "web-1")?.metadata.uid).toBe(after);
    expect(await terminatePod.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
  });

  it("is tried again by and by where a disruption budget forbids it, and works by deletion", async () => {
    const { cluster, ports } = await start([node("n1"), budget(2), workload("ReplicaSet", "web", 2)]);
    const [first] = cluster.readAll("pods");
    const name = first?.metadata.name ?? "";
    const refusal = terminatePod.apply(await planOf(ports, name), ports);
    await expect(refusal).rejects.toThrow(Retryable);
    await expect(refusal).rejects.toMatchObject({
      retryAfterMs: 30_000,
      undone: true,
      advice: expect.stringContaining("by: delete"),
    });
    expect(cluster.readAll("pods").map(({ metadata }) => metadata.name)).toContain(name);
    await terminatePod.apply(await planOf(ports, name, "delete"), ports);
    expect(cluster.readAll("pods").map(({ metadata }) => metadata.name)).not.toContain(name);
  });
});

describe("verifying", () => {
  it("is not proved before the pod is gone, however long something keeps it", async () => {
    const { cluster, ports } = await start([pod("web-1", kept)]);
    const plan = await planOf(ports);
    await terminatePod.apply(plan, ports);
    for (let time = 0; time < 3; time++) {
      expect(await terminatePod.verify(plan, ports)).toMatchObject({
        verdict: "not-yet",
        retryAfterMs: 5_000,
      });
    }
    cluster.seed([pod("web-1", { metadata: { labels: { app: "web" }, finalizers: [] } })]);
    expect(cluster.read("pods", "shop", "web-1")).toBeUndefined();
    expect(await terminatePod.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
  });
});

describe("taking it back", () => {
  it("says that what has gone cannot be brought back, and that nobody stops what is ending", async () => {
    const { cluster, ports } = await start([pod("web-1", kept), pod("web-2")]);
    const [ending, gone] = [await planOf(ports), await planOf(ports, "web-2")];
    await terminatePod.apply(ending, ports);
    await terminatePod.apply(gone, ports);
    cluster.clear();
    await expect(terminatePod.revert(ending, ports)).rejects.toThrow(Conflict);
    expect(await terminatePod.revert(gone, ports)).toMatchObject({
      outcome: "gone",
      reason: expect.stringContaining("cannot be brought back"),
    });
    expect(cluster.effects).toEqual([]);
  });
});

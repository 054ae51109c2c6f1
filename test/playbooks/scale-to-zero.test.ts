import { afterEach, describe, expect, it } from "vitest";
import { type KubernetesStandIn, startKubernetes } from "../../local/kubernetes/index.ts";
import { Conflict } from "../../src/model/errors.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { scaleToZero } from "../../src/playbooks/scale-to-zero.ts";
import { CLUSTER, portsOf, workload } from "./cluster-objects.ts";

const open: KubernetesStandIn[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((cluster) => cluster.close()));
});

async function start(objects: readonly object[], controllers = true) {
  const cluster = await startKubernetes({ controllers });
  open.push(cluster);
  cluster.seed(objects);
  cluster.clear();
  return { cluster, ports: portsOf(cluster) };
}

type Ports = Awaited<ReturnType<typeof start>>["ports"];
type Kind = "Deployment" | "StatefulSet" | "ReplicaSet" | "DaemonSet" | "Job" | "CronJob";

const targetOf = (workloadKind: Kind, name = "web") =>
  ({ kind: "workload", cluster: CLUSTER, namespace: "shop", workloadKind, name }) as const;

function propose(ports: Ports, target: ReturnType<typeof targetOf>) {
  return scaleToZero.plan({ target, parameters: {}, remediationId: "a-1" }, ports);
}

async function planOf(ports: Ports, target = targetOf("Deployment")): Promise<Plan> {
  const outcome = await propose(ports, target);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, { remediationId: "a-1", playbook: scaleToZero.name, target });
}

const ownedBy = (kind: string, apiVersion: string) => ({
  metadata: {
    ownerReferences: [
      { apiVersion, kind, name: "top", uid: "11111111-2222-3333-4444-555555555555", controller: true },
    ],
  },
});

describe("what is not scaled", () => {
  it.each(["DaemonSet", "Job", "CronJob"] as const)("skips a %s, without a single request", async (kind) => {
    const { cluster, ports } = await start([]);
    expect(await propose(ports, targetOf(kind))).toMatchObject({
      outcome: "skip",
      reason: expect.stringContaining(kind),
    });
    expect(cluster.requests).toEqual([]);
  });

  it("skips what a Deployment would scale up again, and names the owner", async () => {
    const { ports } = await start(
      [workload("ReplicaSet", "web", 2, ownedBy("Deployment", "apps/v1"))],
      false,
    );
    expect(await propose(ports, targetOf("ReplicaSet"))).toMatchObject({
      outcome: "skip",
      reason: expect.stringMatching(/Deployment top.*scale its owner/),
    });
  });

  it("skips a StatefulSet whose volume claims would be deleted with its pods", async () => {
    const { ports } = await start([
      workload("StatefulSet", "web", 2, {
        spec: { persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" } },
      }),
    ]);
    expect(await propose(ports, targetOf("StatefulSet"))).toMatchObject({
      outcome: "skip",
      reason: expect.stringContaining("volume claims"),
    });
  });

  it("has nothing to do where the number is zero already", async () => {
    const { cluster, ports } = await start([workload("Deployment", "web", 0)]);
    expect(await propose(ports, targetOf("Deployment"))).toMatchObject({
      outcome: "no-op",
      identity: cluster.read("deployments", "shop", "web")?.metadata.uid,
    });
  });
});

describe("the plan", () => {
  it("remembers the number, and warns of an owner that is not known", async () => {
    const { ports } = await start([
      workload("Deployment", "web", 3, ownedBy("Rollout", "argoproj.io/v1alpha1")),
    ]);
    const plan = await planOf(ports);
    expect(plan.steps).toMatchObject([{ before: 3, after: 0 }]);
    expect(plan.data).toEqual({ replicas: 3 });
    expect(plan.limits.join(" ")).toContain("Rollout top");
  });
});

describe("scaling", () => {
  it("ends the pods, is proved only when they are gone, and brings back as many", async () => {
    const { cluster, ports } = await start([workload("Deployment", "web", 3)]);
    const plan = await planOf(ports);
    await scaleToZero.apply(plan, ports);
    expect(cluster.readAll("pods")).toEqual([]);
    expect(await scaleToZero.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    expect(await scaleToZero.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(cluster.readAll("pods")).toHaveLength(3);
  });

  it("asks again in a few seconds while pods are still there", async () => {
    const { ports } = await start([{ ...workload("Deployment", "web", 3), status: { replicas: 2 } }], false);
    const plan = await planOf(ports);
    await scaleToZero.apply(plan, ports);
    expect(await scaleToZero.verify(plan, ports)).toEqual({
      verdict: "not-yet",
      reason: "Deployment shop/web still has 2 pods.",
      retryAfterMs: 5_000,
    });
  });

  it("plans anew rather than undo what somebody scaled since the plan was made", async () => {
    const { cluster, ports } = await start([workload("Deployment", "web", 3)]);
    const plan = await planOf(ports);
    cluster.seed([workload("Deployment", "web", 4)]);
    cluster.clear();
    await expect(scaleToZero.apply(plan, ports)).rejects.toThrow(Conflict);
    expect(cluster.effects).toEqual([]);
  });

  it("names the number that somebody else has set when it cannot be taken back", async () => {
    const { cluster, ports } = await start([workload("Deployment", "web", 3)]);
    const plan = await planOf(ports);
    await scaleToZero.apply(plan, ports);
    cluster.seed([workload("Deployment", "web", 7)]);
    await expect(scaleToZero.revert(plan, ports)).rejects.toMatchObject({
      remains: [expect.stringMatching(/^Deployment shop\/web stays at 7 pods \(set by administrator at /)],
    });
    expect(await scaleToZero.verify(plan, ports)).toMatchObject({ verdict: "absent" });
  });
});

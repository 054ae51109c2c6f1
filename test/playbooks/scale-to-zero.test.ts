import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { OPT_OUT } from "../../src/engine/guard.ts";
import { Conflict } from "../../src/model/errors.ts";
import { BEFORE_LABEL, INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import type { WorkloadKind } from "../../src/model/kubernetes-objects.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { STOP_KEY } from "../../src/model/workload-state.ts";
import { scaleToZero } from "../../src/playbooks/scale-to-zero.ts";
import { node, pod, workload } from "./cluster-objects.ts";
import { startCluster } from "./start-cluster.ts";
import { nightly, running, workloadTarget } from "./workload-objects.ts";

function start(objects: readonly object[], controllers = true) {
  return startCluster(objects, { controllers });
}

type Ports = Awaited<ReturnType<typeof start>>["ports"];

const targetOf = (kind: WorkloadKind, name = "web") => workloadTarget(kind, name);

function propose(ports: Ports, target: ReturnType<typeof targetOf>) {
  return scaleToZero.plan({ target, parameters: {}, remediationId: "a-1" }, ports);
}

async function planOf(ports: Ports, target = targetOf("Deployment")): Promise<Plan> {
  const outcome = await propose(ports, target);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, { remediationId: "a-1", playbook: scaleToZero.name, target });
}

const UID = "11111111-2222-3333-4444-555555555555";
const ownedBy = (kind: string, apiVersion: string, name = "top", uid = UID) => ({
  ownerReferences: [{ apiVersion, kind, name, uid, controller: true }],
});

function merge(cluster: KubernetesStandIn, path: string, manager: string, body: object): Promise<Response> {
  return fetch(`${cluster.url}${path}?fieldManager=${manager}`, {
    method: "PATCH",
    headers: { authorization: "Bearer stand-in-token", "content-type": "application/merge-patch+json" },
    body: JSON.stringify(body),
  });
}

const WEB = "/apis/apps/v1/namespaces/shop/deployments/web";

describe("what is not scaled", () => {
  it.each([
    ["ReplicaSet", "Deployment", "apps/v1"],
    ["ReplicaSet", "Rollout", "argoproj.io/v1alpha1"],
    ["ReplicationController", "DeploymentConfig", "apps.openshift.io/v1"],
    ["Job", "CronJob", "batch/v1"],
  ] as const)(
    "skips a %s that a %s would start again, and names the owner",
    async (kind, owner, apiVersion) => {
      const { ports } = await start([running(kind, "web", ownedBy(owner, apiVersion))], false);
      expect(await propose(ports, targetOf(kind))).toMatchObject({
        outcome: "skip",
        reason: expect.stringMatching(new RegExp(`belongs to ${owner} top, .*: stop its owner`)),
      });
    },
  );

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

  it("skips a Job that has ended by itself", async () => {
    const done = { conditions: [{ type: "Complete", status: "True" }] };
    const { ports } = await start([{ ...running("Job", "web"), status: done }]);
    expect(await propose(ports, targetOf("Job"))).toMatchObject({
      outcome: "skip",
      reason: expect.stringContaining("has ended by itself"),
    });
  });

  it("has nothing to do where the number is zero already", async () => {
    const { cluster, ports } = await start([workload("Deployment", "web", 0)]);
    expect(await propose(ports, targetOf("Deployment"))).toMatchObject({
      outcome: "no-op",
      identity: cluster.read("deployments", "shop", "web")?.metadata.uid,
    });
  });

  it("has nothing to do where it is suspended already", async () => {
    const job = running("Job", "web");
    const { ports } = await start([{ ...job, spec: { ...Reflect.get(job, "spec"), suspend: true } }]);
    expect(await propose(ports, targetOf("Job"))).toMatchObject({ outcome: "no-op" });
  });
});

describe("the plan", () => {
  it("remembers the number, and warns of an owner that is not known", async () => {
    const { ports } = await start([
      workload("Deployment", "web", 3, { metadata: ownedBy("Revision", "serving.knative.dev/v1") }),
    ]);
    const plan = await planOf(ports);
    expect(plan.steps).toMatchObject([{ before: 3, after: 0 }]);
    expect(plan.limits.join(" ")).toContain("Revision top, may start it again");
  });

  it("says that no disruption budget is asked, and who scales it", async () => {
    const autoscaler = {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { namespace: "shop", name: "web" },
      spec: {
        minReplicas: 2,
        maxReplicas: 9,
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      },
    };
    const { cluster, ports } = await start([workload("Deployment", "web", 3), autoscaler]);
    const plan = await planOf(ports);
    expect(plan.limits).toEqual(
      expect.arrayContaining([
        "No disruption budget is asked: these guard evictions only.",
        "HorizontalPodAutoscaler web leaves a workload at zero alone, and takes over again once it is scaled up.",
      ]),
    );
    await scaleToZero.apply(plan, ports);
    expect(await scaleToZero.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    expect(cluster.read("horizontalpodautoscalers", "shop", "web")).toMatchObject({
      status: { conditions: [{ type: "ScalingActive", status: "False" }] },
    });
  });
});

describe("the disruption budgets of the pods", () => {
  const asks = (name: string, selector?: object, namespace = "shop") => ({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { namespace, name },
    spec: { minAvailable: 2, ...(selector === undefined ? {} : { selector }) },
    status: { disruptionsAllowed: 1 },
  });
  // Its controller has counted: without a kubelet no pod is ready.
  const words = (name: string) =>
    `PodDisruptionBudget shop/${name}, which lets 0 of its pods go now, counts these and is not asked: the availability that it promises ends.`;

  it("are named in the plan where they count its pods, and hold nothing up", async () => {
    const { cluster, ports } = await start([
      workload("Deployment", "web", 3),
      asks("web", { matchLabels: { app: "web" } }),
      asks("all", {}),
      asks("some", { matchExpressions: [{ key: "app", operator: "In", values: ["web", "api"] }] }),
      asks("other", { matchLabels: { app: "api" } }),
      asks("none"),
      asks("elsewhere", { matchLabels: { app: "web" } }, "bank"),
    ]);
    const plan = await planOf(ports);
    const named = plan.limits.filter((limit) => limit.startsWith("PodDisruptionBudget "));
    expect(named.toSorted()).toEqual([words("all"), words("some"), words("web")]);
    await scaleToZero.apply(plan, ports);
    expect(await scaleToZero.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    expect(cluster.effects.every(({ plural }) => plural !== "poddisruptionbudgets")).toBe(true);
  });

  it("change nothing of what was approved when they count anew", async () => {
    const objects = [workload("Deployment", "web", 3), asks("web", { matchLabels: { app: "web" } })];
    const { cluster, ports } = await start(objects, false);
    const { hash, limits } = await planOf(ports);
    expect(limits.join(" ")).toContain("which lets 1 of its pods go now");
    cluster.seed([{ ...asks("web", { matchLabels: { app: "web" } }), status: { disruptionsAllowed: 0 } }]);
    const anew = await planOf(ports);
    expect(anew.hash).toBe(hash);
    expect(anew.limits.join(" ")).toContain("which lets 0 of its pods go now");
  });
});

describe("scaling", () => {
  it.each([
    ["Deployment", 3],
    ["StatefulSet", 3],
    ["ReplicaSet", 3],
    ["ReplicationController", 3],
    ["DaemonSet", 1],
    ["Job", 2],
  ] as const)(
    "ends the pods of a %s, is proved only when they are gone, and brings back %i",
    async (kind, count) => {
      const { cluster, ports } = await start([node("n1"), running(kind, "web")]);
      expect(cluster.readAll("pods")).toHaveLength(count);
      const plan = await planOf(ports, targetOf(kind));
      await scaleToZero.apply(plan, ports);
      expect(
        cluster.readAll("pods").filter(({ metadata }) => metadata["deletionTimestamp"] === undefined),
      ).toEqual([]);
      // The finalizer with which a Job counts keeps its pods until its controller takes it off, which is not here.
      for (const { metadata } of cluster.readAll("pods")) {
        await merge(cluster, `/api/v1/namespaces/shop/pods/${metadata.name}`, "job", {
          metadata: { finalizers: null },
        });
      }
      expect(await scaleToZero.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
      expect(await scaleToZero.revert(plan, ports)).toEqual({ outcome: "restored" });
      expect(cluster.readAll("pods")).toHaveLength(count);
    },
  );

  it("marks what it stops with the remediation and what was there, in the same write", async () => {
    const { cluster, ports } = await start([
      node("n1"),
      running("Deployment", "web"),
      running("DaemonSet", "agent"),
    ]);
    for (const [kind, name, before, spec] of [
      ["Deployment", "web", "3", { replicas: 0 }],
      ["DaemonSet", "agent", "none", { template: { spec: { nodeSelector: { [STOP_KEY]: "a-1" } } } }],
    ] as const) {
      cluster.clear();
      await scaleToZero.apply(await planOf(ports, targetOf(kind, name)), ports);
      expect(cluster.effects).toHaveLength(1);
      expect(cluster.read(kind, "shop", name)).toMatchObject({
        metadata: { labels: { [INCIDENT_LABEL]: "a-1", [BEFORE_LABEL]: before } },
        spec,
      });
    }
  });

  it("asks again in a few seconds while pods are still counted", async () => {
    const { ports } = await start([{ ...workload("Deployment", "web", 3), status: { replicas: 2 } }], false);
    const plan = await planOf(ports);
    await scaleToZero.apply(plan, ports);
    expect(await scaleToZero.verify(plan, ports)).toEqual({
      verdict: "not-yet",
      reason: "Deployment shop/web still has 2 pods.",
      retryAfterMs: 5_000,
    });
  });

  it("asks again while a pod is ending that its controller counts no more", async () => {
    const { cluster, ports } = await start([running("StatefulSet", "web")], false);
    const uid = cluster.read("statefulsets", "shop", "web")?.metadata.uid;
    const owner = ownedBy("StatefulSet", "apps/v1", "web", uid);
    cluster.seed([pod("web-0", { metadata: { ...owner, finalizers: ["a.example/b"] } }), pod("other")]);
    const plan = await planOf(ports, targetOf("StatefulSet"));
    await scaleToZero.apply(plan, ports);
    expect(await scaleToZero.verify(plan, ports)).toMatchObject({
      verdict: "not-yet",
      reason: "StatefulSet shop/web still has 1 pod: web-0.",
    });
  });

  it("looks through what stands between a workload and its pods, by uid and not by name", async () => {
    const { cluster, ports } = await start([running("Rollout", "web"), running("ReplicaSet", "any")], false);
    const uid = cluster.read("rollouts", "shop", "web")?.metadata.uid;
    cluster.seed([running("ReplicaSet", "any", ownedBy("Rollout", "argoproj.io/v1alpha1", "web", uid))]);
    const set = cluster.read("replicasets", "shop", "any")?.metadata.uid;
    cluster.seed([
      pod("any-1", { metadata: ownedBy("ReplicaSet", "apps/v1", "any", set) }),
      pod("web-1", { metadata: ownedBy("ReplicaSet", "apps/v1", "web", UID) }),
    ]);
    const plan = await planOf(ports, targetOf("Rollout"));
    await scaleToZero.apply(plan, ports);
    expect(await scaleToZero.verify(plan, ports)).toMatchObject({
      verdict: "not-yet",
      reason: "Rollout shop/web still has 1 pod: any-1.",
    });
  });

  it("plans anew rather than undo what somebody scaled since the plan was made", async () => {
    const { cluster, ports } = await start([workload("Deployment", "web", 3)]);
    for (const replicas of [4, 0]) {
      cluster.seed([workload("Deployment", "web", 3)]);
      const plan = await planOf(ports);
      cluster.seed([workload("Deployment", "web", replicas)]);
      cluster.clear();
      await expect(scaleToZero.apply(plan, ports)).rejects.toThrow(Conflict);
      expect(cluster.effects).toEqual([]);
    }
  });

  it("does not fight whoever has started it again: it says who, and is not written anew", async () => {
    const { cluster, ports } = await start([workload("Deployment", "web", 3)]);
    const plan = await planOf(ports);
    await scaleToZero.apply(plan, ports);
    await merge(cluster, WEB, "argocd-controller", { spec: { replicas: 3 } });
    expect(await scaleToZero.verify(plan, ports)).toMatchObject({
      verdict: "absent",
      reason: expect.stringMatching(/^Deployment shop\/web wants 3 pods \(set by argocd-controller at /),
    });
    await expect(scaleToZero.apply(plan, ports)).rejects.toThrow(Conflict);
  });
});

describe("taking it back", () => {
  it("names the number that somebody else has set when it cannot be taken back", async () => {
    const { cluster, ports } = await start([workload("Deployment", "web", 3)]);
    const plan = await planOf(ports);
    await scaleToZero.apply(plan, ports);
    cluster.seed([workload("Deployment", "web", 7)]);
    await expect(scaleToZero.revert(plan, ports)).rejects.toMatchObject({
      remains: [expect.stringMatching(/^Deployment shop\/web wants 7 pods \(set by administrator at /)],
    });
    expect(await scaleToZero.verify(plan, ports)).toMatchObject({ verdict: "absent" });
  });

  it("only takes the mark off where somebody has started it again as it was", async () => {
    const { cluster, ports } = await start([workload("Deployment", "web", 3)]);
    const plan = await planOf(ports);
    await scaleToZero.apply(plan, ports);
    await merge(cluster, WEB, "helm", { spec: { replicas: 3 } });
    expect(await scaleToZero.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(cluster.read("deployments", "shop", "web")?.metadata["labels"]).toBeUndefined();
  });

  it("leaves it stopped where our mark has gone", async () => {
    const { cluster, ports } = await start([workload("Deployment", "web", 3)]);
    const plan = await planOf(ports);
    await scaleToZero.apply(plan, ports);
    await merge(cluster, WEB, "an-owner", { metadata: { labels: { [INCIDENT_LABEL]: null } } });
    cluster.clear();
    expect(await scaleToZero.verify(plan, ports)).toMatchObject({
      verdict: "absent",
      reason: "Deployment shop/web is stopped, but not under our mark.",
    });
    await expect(scaleToZero.revert(plan, ports)).rejects.toThrow(Conflict);
    expect(cluster.effects).toEqual([]);
  });

  it("keeps the other keys of a node selector, and leaves none where there was none", async () => {
    const agent = running("DaemonSet", "agent");
    const spec = Reflect.get(agent, "spec");
    const picky = { ...spec.template, spec: { ...spec.template.spec, nodeSelector: { pool: "a" } } };
    const { cluster, ports } = await start([
      agent,
      { ...running("DaemonSet", "picky"), spec: { ...spec, template: picky } },
    ]);
    for (const [name, nodeSelector] of [
      ["agent", undefined],
      ["picky", { pool: "a" }],
    ] as const) {
      const plan = await planOf(ports, targetOf("DaemonSet", name));
      await scaleToZero.apply(plan, ports);
      await scaleToZero.revert(plan, ports);
      const back = JSON.parse(JSON.stringify(cluster.read("daemonsets", "shop", name)));
      expect(back.spec.template.spec.nodeSelector).toEqual(nodeSelector);
    }
  });
});

describe("a CronJob", () => {
  const target = targetOf("CronJob", "nightly");
  const suspended = (cluster: KubernetesStandIn) =>
    [...cluster.readAll("cronjobs"), ...cluster.readAll("jobs")].map(({ metadata, spec }) => [
      metadata.name,
      Object(spec).suspend,
    ]);

  it("is suspended first, then the Jobs that it has begun; on the way back it comes last", async () => {
    const { cluster, ports } = await start(nightly());
    const plan = await planOf(ports, target);
    await scaleToZero.apply(plan, ports);
    expect(suspended(cluster)).toEqual([
      ["nightly", true],
      ["nightly-29000001", true],
    ]);
    const written = () =>
      cluster.requests.filter(({ method }) => method === "PATCH").map(({ path }) => path.split("/").at(-2));
    expect(written()).toEqual(["cronjobs", "jobs"]);
    cluster.clear();
    await scaleToZero.revert(plan, ports);
    expect(written()).toEqual(["jobs", "cronjobs"]);
    expect(suspended(cluster)).toEqual([
      ["nightly", false],
      ["nightly-29000001", false],
    ]);
  });

  it("is partial where it began another Job meanwhile, which is named", async () => {
    const { cluster, ports } = await start(nightly(), false);
    const plan = await planOf(ports, target);
    const uid = cluster.read("cronjobs", "shop", "nightly")?.metadata.uid;
    cluster.seed([running("Job", "nightly-2", ownedBy("CronJob", "batch/v1", "nightly", uid))]);
    await scaleToZero.apply(plan, ports);
    expect(await scaleToZero.verify(plan, ports)).toEqual({
      verdict: "partial",
      remains: ["Job shop/nightly-2 was started by it and is not suspended."],
    });
  });

  it("leaves a Job alone whose owner has opted out, and says so", async () => {
    const { cluster, ports } = await start(nightly(), false);
    const uid = cluster.read("cronjobs", "shop", "nightly")?.metadata.uid;
    const owner = ownedBy("CronJob", "batch/v1", "nightly", uid);
    cluster.seed([running("Job", "kept", { ...owner, labels: { [OPT_OUT]: "true" } })]);
    const plan = await planOf(ports, target);
    expect(plan.limits).toContain("The owner of Job kept has opted out: it goes on.");
    await scaleToZero.apply(plan, ports);
    expect(suspended(cluster)).toContainEqual(["kept", false]);
  });

  it("goes on with what is left where a Job has ended since the plan was made", async () => {
    const { cluster, ports } = await start(nightly(), false);
    const plan = await planOf(ports, target);
    const uid = cluster.read("cronjobs", "shop", "nightly")?.metadata.uid;
    const ended = { conditions: [{ type: "Complete", status: "True" }] };
    const job = running("Job", "nightly-29000001", ownedBy("CronJob", "batch/v1", "nightly", uid));
    cluster.seed([
      { ...job, spec: cluster.read("jobs", "shop", "nightly-29000001")?.["spec"], status: ended },
    ]);
    await scaleToZero.apply(plan, ports);
    expect(await scaleToZero.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    expect(await scaleToZero.revert(plan, ports)).toEqual({ outcome: "restored" });
  });
});

describe("what Flux keeps", () => {
  const labels = {
    "kustomize.toolkit.fluxcd.io/name": "shop",
    "kustomize.toolkit.fluxcd.io/namespace": "apps",
  };
  const KEY = "kustomize.toolkit.fluxcd.io/reconcile";
  const annotationOf = (cluster: KubernetesStandIn) =>
    Object(cluster.read("deployments", "shop", "web")?.metadata["annotations"])[KEY];

  async function kept(annotations?: object) {
    const found = await start([workload("Deployment", "web", 1, { metadata: { labels, annotations } })]);
    await merge(found.cluster, WEB, "kustomize-controller", { spec: { replicas: 3 } });
    found.cluster.clear();
    return found;
  }

  it("is paused by its annotation in the same write, and goes on afterwards", async () => {
    const { cluster, ports } = await kept();
    const plan = await planOf(ports);
    expect(plan.steps[0]?.sentence).toBe(`scale Deployment shop/web from 3 to 0, with the annotation ${KEY}`);
    expect(plan.limits.join(" ")).toContain("Flux Kustomization apps/shop would start it again");
    await scaleToZero.apply(plan, ports);
    expect(cluster.effects).toHaveLength(1);
    expect(annotationOf(cluster)).toBe("disabled");
    await scaleToZero.revert(plan, ports);
    expect(annotationOf(cluster)).toBeUndefined();
  });

  it("gets back the value that was there, and keeps one that somebody has set since", async () => {
    const first = await kept({ [KEY]: "enabled" });
    const plan = await planOf(first.ports);
    await scaleToZero.apply(plan, first.ports);
    await scaleToZero.revert(plan, first.ports);
    expect(annotationOf(first.cluster)).toBe("enabled");

    const second = await kept();
    const other = await planOf(second.ports);
    await scaleToZero.apply(other, second.ports);
    await merge(second.cluster, WEB, "an-owner", { metadata: { annotations: { [KEY]: "enabled" } } });
    expect(await scaleToZero.verify(other, second.ports)).toEqual({
      verdict: "partial",
      remains: [`Somebody has changed the annotation ${KEY} of Deployment web: it may be started again.`],
    });
    await scaleToZero.revert(other, second.ports);
    expect(annotationOf(second.cluster)).toBe("enabled");
  });
});

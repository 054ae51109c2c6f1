import { describe, expect, it } from "vitest";
import { revert } from "../../src/engine/revert.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Permanent } from "../../src/model/errors.ts";
import type { Owner, Pod, Workload, WorkloadKind } from "../../src/model/kubernetes-objects.ts";
import type { Budgets } from "../../src/model/rule.ts";
import type { Target } from "../../src/model/target.ts";
import { pod, takeFor, usedIn } from "./budget-takings.ts";
import { ROOMY } from "./fixtures.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { another, sweepAfter } from "./processes.ts";
import { CLUSTER } from "./world.ts";

const HALF: Partial<Budgets> = { shareOfWorkload: 0.5, shareOfNamespace: 1 };
const HALF_OF_NAMESPACE: Partial<Budgets> = { shareOfWorkload: 1, shareOfNamespace: 0.5 };
const ANN = { who: "ann", id: "t/ann", why: "a drill" };
const MINUTE = 60_000;

function sharing(budgets: Partial<Budgets>): Bench {
  const b = bench({ configuration: { ...configuration("enforce"), budgets: { ...ROOMY, ...budgets } } });
  b.world.pods.clear();
  return b;
}

function owner(kind: string, name: string): Owner {
  return { apiVersion: "apps/v1", kind, name, uid: `uid-${name}` };
}

function workload(kind: WorkloadKind, name: string, more: Partial<Workload> = {}): Workload {
  return {
    namespace: "shop",
    name,
    uid: `uid-${name}`,
    resourceVersion: "1",
    labels: {},
    annotations: {},
    createdAt: "2026-03-01T00:00:00Z",
    deleting: false,
    controller: null,
    managers: [],
    kind,
    replicas: 1,
    selector: { matchLabels: { app: "web" }, matchExpressions: [] },
    templateLabels: {},
    priorityClass: null,
    claimsWhenScaled: null,
    ...more,
  };
}

/** Pods of one Deployment: so many of each of its ReplicaSets. */
function deploy(b: Bench, ...counts: readonly number[]): string[] {
  b.world.workloads.push(workload("Deployment", "web"));
  return counts.flatMap((count, set) => {
    b.world.workloads.push(
      workload("ReplicaSet", `web-${set}`, { controller: owner("Deployment", "web"), selector: null }),
    );
    return addPods(b, count, `web-${set}`, { controller: owner("ReplicaSet", `web-${set}`) });
  });
}

function addPods(b: Bench, count: number, prefix: string, more: Partial<Pod> = {}): string[] {
  return Array.from({ length: count }, (_none, index) => b.world.addPod(`${prefix}-${index}`, more).name);
}

/** An alert about each pod, taken one after another: how the remediations stand. */
async function alertsOn(b: Bench, names: readonly string[]): Promise<string[]> {
  for (const name of names) {
    await b.ingest(
      alert({ id: `a-${name}-${b.clock.now().getTime()}`, pod: name, at: b.clock.now().toISOString() }),
    );
  }
  return names.map((name) => newest(b, name).state);
}

function newest(b: Bench, name: string) {
  const [record] = b.records().filter(({ target }) => target.kind === "pod" && target.name === name);
  if (record === undefined) throw new TypeError(`there is no remediation of ${name}`);
  return record;
}

const count = (states: readonly string[], state: string): number =>
  states.filter((one) => one === state).length;

describe("the share of a workload held at a time", () => {
  it("is never exceeded without a person, also over several ReplicaSets of one Deployment", async () => {
    const b = sharing(HALF);
    const names = deploy(b, 3, 4);
    const states = await alertsOn(b, names);
    expect(states).toEqual([...Array(3).fill("in-force"), ...Array(4).fill("awaiting-approval")]);
    expect(newest(b, "web-1-3").reason).toBe(
      "more than 50 % of the 7 pods of Deployment shop/web would be held at a time without a person",
    );
  });

  it("lets one go always, even the only pod", async () => {
    const b = sharing({ shareOfWorkload: 0.1, shareOfNamespace: 0 });
    const names = deploy(b, 1);
    expect(await alertsOn(b, names)).toEqual(["in-force"]);
  });

  it("counts neither pods that have ended or are being deleted nor those that only wear the labels", async () => {
    const b = sharing(HALF);
    const names = deploy(b, 2);
    addPods(b, 3, "ended", { controller: owner("ReplicaSet", "web-0"), phase: "Succeeded" });
    addPods(b, 3, "going", { controller: owner("ReplicaSet", "web-0"), deleting: true });
    addPods(b, 3, "posing");
    expect(await alertsOn(b, names)).toEqual(["in-force", "awaiting-approval"]);
  });

  it("counts the pods of the same controller where nothing is known above it", async () => {
    const b = sharing(HALF);
    const names = addPods(b, 4, "odd", { controller: owner("Rollout", "odd") });
    addPods(b, 10, "other", { controller: owner("Rollout", "other") });
    expect(count(await alertsOn(b, names), "in-force")).toBe(2);
  });

  it("asks nothing of the cluster where the shares are whole", async () => {
    const b = sharing({});
    const asked: string[] = [];
    b.world.before = async (call) => void asked.push(call);
    const names = deploy(b, 2);
    expect(await alertsOn(b, names)).toEqual(["in-force", "in-force"]);
    expect(asked.filter((call) => call.startsWith("pods of"))).toEqual([]);
  });

  it("is a person's matter where the pods cannot be counted", async () => {
    const b = sharing(HALF);
    const names = deploy(b, 2);
    b.world.before = async (call) => {
      if (call.startsWith("pods of")) throw new Permanent("403 for pods", "Grant it.");
    };
    expect(await alertsOn(b, names.slice(0, 1))).toEqual(["awaiting-approval"]);
    expect(newest(b, "web-0-0").reason).toBe(
      "what is held of its namespace could not be counted, so a person decides: 403 for pods",
    );
  });
});

describe("the share of a namespace held at a time", () => {
  it("is never exceeded without a person, whatever the pods belong to", async () => {
    const b = sharing(HALF_OF_NAMESPACE);
    const names = [...deploy(b, 2), ...addPods(b, 2, "bare")];
    expect(count(await alertsOn(b, names), "in-force")).toBe(2);
    expect(newest(b, "bare-1").reason).toContain("50 % of the 4 pods of namespace shop");
  });

  it("gives the last place to one of two processes that isolate two pods at the same moment", async () => {
    const b = sharing(HALF_OF_NAMESPACE);
    addPods(b, 4, "p");
    await takeFor(b.engine, pod("p-0"));
    const [one, two] = [another(b), another(b)];
    await Promise.all([takeFor(one, pod("p-0")), takeFor(two, pod("p-0"))]);
    const answers = await Promise.all([takeFor(one, pod("p-1")), takeFor(two, pod("p-2"))]);
    expect(answers.filter((answer) => answer === null)).toHaveLength(1);
    expect(usedIn(b.table)["namespace"]).toContain(2);
  });

  it("weighs a workload by its pods, and lets it go where it is the only one held", async () => {
    const b = sharing(HALF_OF_NAMESPACE);
    deploy(b, 6);
    addPods(b, 4, "bare", { labels: {} });
    const web: Target = {
      kind: "workload",
      cluster: CLUSTER,
      namespace: "shop",
      workloadKind: "Deployment",
      name: "web",
    };
    expect(await takeFor(b.engine, web)).toBeNull();
    expect(usedIn(b.table)["namespace"]).toContain(6);
    expect(await takeFor(b.engine, pod("bare-0"))).toContain("50 % of the 10 pods of namespace shop");
    const other = sharing(HALF_OF_NAMESPACE);
    deploy(other, 6);
    addPods(other, 4, "bare", { labels: {} });
    expect(await takeFor(other.engine, pod("bare-0"))).toBeNull();
    expect(await takeFor(other.engine, web)).toContain("50 % of the 10 pods of namespace shop");
  });

  it("bounds no image, node or cluster", async () => {
    const b = sharing({ ...HALF_OF_NAMESPACE, shareOfNamespace: 0 });
    expect(
      await takeFor(b.engine, { kind: "image", cluster: CLUSTER, reference: "evil:1", digest: null }),
    ).toBeNull();
    expect(await takeFor(b.engine, { kind: "node", cluster: CLUSTER, name: "n1" })).toBeNull();
    expect(Object.keys(usedIn(b.table))).not.toContain("namespace");
  });
});

describe("what was held and is no more", () => {
  it("makes room as soon as it has been taken back", async () => {
    const b = sharing(HALF_OF_NAMESPACE);
    const names = addPods(b, 4, "p");
    expect(await alertsOn(b, names.slice(0, 3))).toEqual(["in-force", "in-force", "awaiting-approval"]);
    await revert(b.engine, newest(b, "p-0").id, ANN);
    b.clock.pass(1_000);
    expect(await alertsOn(b, names.slice(3))).toEqual(["in-force"]);
  });

  it("makes room once its pod has gone, though its remediation is still in force", async () => {
    const b = sharing(HALF_OF_NAMESPACE);
    const names = addPods(b, 4, "p");
    await alertsOn(b, names.slice(0, 2));
    b.world.pods.delete("shop/p-0");
    b.world.addPod("p-9");
    b.clock.pass(5 * MINUTE);
    expect(await alertsOn(b, ["p-3"])).toEqual(["in-force"]);
  });

  it("keeps its place while it is in force, however long", async () => {
    const b = sharing(HALF_OF_NAMESPACE);
    const names = addPods(b, 4, "p");
    await alertsOn(b, names.slice(0, 2));
    await sweepAfter(b, 60, 60, 60);
    expect(await alertsOn(b, names.slice(3))).toEqual(["awaiting-approval"]);
  });

  it("keeps its place between taking and claim, when the table does not show it yet", async () => {
    const b = sharing(HALF_OF_NAMESPACE);
    addPods(b, 2, "p");
    await takeFor(b.engine, pod("p-0"));
    b.clock.pass(3 * MINUTE);
    expect(await takeFor(another(b), pod("p-1"))).not.toBeNull();
    b.clock.pass(2 * MINUTE);
    expect(await takeFor(another(b), pod("p-1"))).toBeNull();
  });

  it("is noted anew by who takes again much later, so that nobody lets it go in between", async () => {
    const b = sharing(HALF_OF_NAMESPACE);
    addPods(b, 2, "p");
    await takeFor(b.engine, pod("p-0"));
    b.clock.pass(10 * MINUTE);
    expect(await takeFor(b.engine, pod("p-0"))).toBeNull();
    b.clock.pass(MINUTE);
    expect(await takeFor(another(b), pod("p-1"))).not.toBeNull();
  });

  it("leaves no row behind, and what is held keeps its own", async () => {
    const b = sharing({ ...HALF, shareOfNamespace: 0.5 });
    const names = deploy(b, 2);
    await alertsOn(b, names.slice(0, 1));
    await sweep(b.engine);
    await sweepAfter(b, 61);
    expect(Object.keys(usedIn(b.table))).toContain("workload");
    await revert(b.engine, newest(b, "web-0-0").id, ANN);
    await sweepAfter(b, 61, 25 * 60);
    expect(usedIn(b.table)["workload"]).toBeUndefined();
    expect(usedIn(b.table)["namespace"]).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";
import { createKubernetes } from "../../../src/clients/kubernetes/index.ts";
import { Retryable } from "../../../src/model/errors.ts";
import { node, pod, workload } from "../../playbooks/cluster-objects.ts";
import { startCluster } from "../../playbooks/start-cluster.ts";

async function start(objects: readonly object[], controllers = true) {
  const { cluster } = await startCluster(objects, { controllers });
  return { cluster, ...createKubernetes({ kubeconfigText: cluster.kubeconfig(), context: null }) };
}

const budget = (name: string, spec: object, namespace = "shop") => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { namespace, name },
  spec: { selector: { matchLabels: { app: "web" } }, ...spec },
});

describe("a node", () => {
  it("is listed with the others, and its pods of all namespaces with whether they keep data there", async () => {
    const containers = [{ name: "c", image: "web:1" }];
    const at = (namespace: string, name: string, volumes?: object[], nodeName = "n1") =>
      pod(name, { metadata: { namespace }, spec: { containers, nodeName, volumes } });
    const { reader } = await start([
      node("n1"),
      node("n2", { spec: { unschedulable: true } }),
      at("shop", "plain"),
      at("bank", "scratch", [{ name: "v", emptyDir: {} }]),
      at("bank", "host", [{ name: "v", hostPath: { path: "/x" } }]),
      at("shop", "mapped", [{ name: "v", configMap: { name: "x" } }]),
      at("shop", "elsewhere", undefined, "n2"),
    ]);
    expect((await reader.nodes()).map(({ name, unschedulable }) => [name, unschedulable])).toEqual([
      ["n1", false],
      ["n2", true],
    ]);
    const { pods, whole } = await reader.podsOnNode("n1");
    expect(whole).toBe(true);
    expect(pods.map(({ name, localData }) => [name, localData]).toSorted()).toEqual([
      ["host", true],
      ["mapped", false],
      ["plain", false],
      ["scratch", true],
    ]);
  });

  it("has pods that tolerate a cordon, by its taint or by all", async () => {
    const key = "node.kubernetes.io/unschedulable";
    const of = (name: string, toleration: object) =>
      pod(name, {
        spec: { containers: [{ name: "c", image: "a" }], nodeName: "n1", tolerations: [toleration] },
      });
    const { reader } = await start([
      of("named", { key, operator: "Exists" }),
      of("equal", { key, effect: "NoSchedule" }),
      of("any", { operator: "Exists" }),
      of("other", { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" }),
      of("other-effect", { operator: "Exists", effect: "NoExecute" }),
    ]);
    const { pods } = await reader.podsOnNode("n1");
    const tolerant = pods.filter(({ toleratesCordon }) => toleratesCordon).map(({ name }) => name);
    expect(tolerant.toSorted()).toEqual(["any", "equal", "named"]);
  });

  it("is asked of in pages no larger than 500", async () => {
    const { cluster, reader } = await start([], false);
    await reader.nodes();
    await reader.podsOnNode("n1");
    expect(cluster.requests.every(({ query }) => query.includes("limit=500"))).toBe(true);
  });
});

describe("disruption budgets", () => {
  it("say how many pods they let go now, in one namespace or in all", async () => {
    const { reader } = await start([
      node("n1"),
      workload("ReplicaSet", "web", 3),
      budget("two", { minAvailable: 2 }),
      budget("none", { maxUnavailable: 0 }),
      budget("far", { minAvailable: 0 }, "bank"),
    ]);
    const told = (budgets: Awaited<ReturnType<typeof reader.disruptionBudgets>>) =>
      budgets.map(({ namespace, name, allowed }) => [namespace, name, allowed]).toSorted();
    expect(told(await reader.disruptionBudgets("shop"))).toEqual([
      ["shop", "none", 0],
      ["shop", "two", 1],
    ]);
    expect(told(await reader.disruptionBudgets())).toContainEqual(["bank", "far", 0]);
    const { reader: uncounted } = await start([budget("new", { minAvailable: 2 })], false);
    expect((await uncounted.disruptionBudgets("shop")).map(({ allowed }) => allowed)).toEqual([null]);
  });
});

describe("an eviction that is asked for", () => {
  it("ends the pod, or is held by a budget, and one that has gone is ending", async () => {
    const { cluster, reader, writer } = await start([
      node("n1"),
      workload("ReplicaSet", "web", 2),
      budget("one", { minAvailable: 2 }),
    ]);
    const [first] = (await reader.podsOnNode("n1")).pods;
    if (first === undefined) throw new Error("no pod");
    expect(await writer.askEviction("shop", first.name, first)).toBe("held");
    expect(cluster.effects).toEqual([]);
    cluster.seed([budget("one", { minAvailable: 1 })]);
    await expect(writer.askEviction("shop", first.name, { uid: "another" })).rejects.toThrow(Retryable);
    expect(await writer.askEviction("shop", first.name, first)).toBe("ending");
    expect(await writer.askEviction("shop", first.name, first)).toBe("ending");
    expect(cluster.read("pods", "shop", first.name)).toBeUndefined();
  });

  it("is no budget's word where the API server has too much to do", async () => {
    const { cluster, writer } = await start([pod("web-1")]);
    cluster.faults.add({ times: 1, answer: { kind: "status", status: 429 } });
    await expect(writer.askEviction("shop", "web-1", { uid: "u" })).rejects.toThrow(Retryable);
  });
});

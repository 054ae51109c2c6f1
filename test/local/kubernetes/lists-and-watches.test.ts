import { CoreV1Api, KubeConfig, Watch } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { connect, denyAll, failureOf, pod } from "./connection.ts";

async function withPods() {
  const connection = await connect();
  connection.standIn.seed([
    { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } },
    pod("a", { app: "web", tier: "front" }),
    pod("b", { app: "web" }),
    { ...pod("c", { app: "db" }), spec: { ...pod("c").spec, nodeName: "n1" } },
    pod("d"),
  ]);
  return connection;
}

describe("lists", () => {
  it.each([
    ["app=web", ["a", "b"]],
    ["app==db", ["c"]],
    ["app!=web", ["c", "d"]],
    ["app in (web, db)", ["a", "b", "c"]],
    ["app notin (web)", ["c", "d"]],
    ["app", ["a", "b", "c"]],
    ["!app", ["d"]],
    ["app in (web,db),!tier", ["b", "c"]],
  ])("label selector %s", async (labelSelector, names) => {
    const { core } = await withPods();
    const { items } = await core.listNamespacedPod({ namespace: "shop", labelSelector });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(names);
  });

  it.each([
    ["metadata.name=a", ["a"]],
    ["spec.nodeName=n1", ["c"]],
    ["metadata.namespace=shop,metadata.name!=a", ["b", "c", "d"]],
  ])("field selector %s", async (fieldSelector, names) => {
    const { core } = await withPods();
    const { items } = await core.listPodForAllNamespaces({ fieldSelector });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(names);
  });

  it("a selector that cannot be read and a field that is not indexed are 400", async () => {
    const { core, networking } = await withPods();
    const bad = core.listNamespacedPod({ namespace: "shop", labelSelector: "app in web" });
    expect((await failureOf(bad)).code).toBe(400);
    const field = networking.listNamespacedNetworkPolicy({
      namespace: "shop",
      fieldSelector: "spec.nodeName=n1",
    });
    expect(await failureOf(field)).toMatchObject({ code: 400, reason: "BadRequest" });
  });

  it("pages show the state of the first one, however the objects change meanwhile", async () => {
    const { core, standIn } = await withPods();
    const first = await core.listNamespacedPod({ namespace: "shop", limit: 2 });
    expect(first.metadata?.remainingItemCount).toBe(2);
    await core.deleteNamespacedPod({ name: "c", namespace: "shop" });
    standIn.seed([pod("aa"), pod("e")]);
    const more = { namespace: "shop", limit: 2, _continue: first.metadata?._continue ?? "" };
    const second = await core.listNamespacedPod(more);
    expect([...first.items, ...second.items].map(({ metadata }) => metadata?.name)).toEqual([
      "a",
      "b",
      "c",
      "d",
    ]);
    expect(second.metadata?._continue).toBeUndefined();
    const bad = core.listNamespacedPod({ namespace: "shop", _continue: "nonsense" });
    expect((await failureOf(bad)).code).toBe(400);
  });

  it("resourceVersion grows over all kinds", async () => {
    const { core, networking } = await withPods();
    const policy = await networking.createNamespacedNetworkPolicy({ namespace: "shop", body: denyAll("q") });
    const made = await core.createNamespacedConfigMap({
      namespace: "shop",
      body: { metadata: { name: "m" } },
    });
    expect(Number(made.metadata?.resourceVersion)).toBe(Number(policy.metadata?.resourceVersion) + 1);
  });

  it("generateName gives a new name every time", async () => {
    const { core } = await withPods();
    const body = { metadata: { generateName: "m-" } };
    const [one, two] = [
      await core.createNamespacedConfigMap({ namespace: "shop", body }),
      await core.createNamespacedConfigMap({ namespace: "shop", body }),
    ];
    expect(one.metadata?.name).toMatch(/^m-[a-z0-9]{5}$/);
    expect(two.metadata?.name).not.toBe(one.metadata?.name);
  });
});

describe("watches", () => {
  it("give every change after a resourceVersion, and what leaves the selector as DELETED", async () => {
    const { standIn, core } = await withPods();
    const config = new KubeConfig();
    config.loadFromString(standIn.kubeconfig());
    const { metadata } = await core.listNamespacedPod({ namespace: "shop" });
    const resourceVersion = metadata?.resourceVersion ?? "";
    standIn.seed([pod("early", { app: "web" })]);
    const seen: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const query = { resourceVersion, labelSelector: "app=web" };
      const step = (type: string, object: { metadata: { name: string } }) => {
        seen.push(`${type} ${object.metadata.name}`);
        if (seen.length === 1) standIn.seed([pod("late", { app: "web" }), pod("a", { app: "other" })]);
        if (seen.length === 3) resolve();
      };
      new Watch(config).watch("/api/v1/namespaces/shop/pods", query, step, reject).catch(reject);
    });
    expect(seen).toEqual(["ADDED early", "ADDED late", "DELETED a"]);
  });

  it("without a resourceVersion begin with what is there, and end by timeoutSeconds", async () => {
    const { standIn } = await withPods();
    const url = `${standIn.url}/api/v1/namespaces/shop/pods?watch=true&timeoutSeconds=1`;
    const answer = await fetch(url, { headers: { authorization: "Bearer stand-in-token" } });
    const lines = (await answer.text()).trim().split("\n");
    const names = lines.map((line) => JSON.parse(line).object.metadata.name);
    expect(names).toEqual(["a", "b", "c", "d"]);
    expect(lines.every((line) => JSON.parse(line).object.kind === "Pod")).toBe(true);
  });
});

describe("identity of the client", () => {
  it("a second cluster with another token does not know the first one's", async () => {
    const [first, second] = [await connect({ token: "one" }), await connect({ token: "two" })];
    const config = new KubeConfig();
    config.loadFromString(first.standIn.kubeconfig().replace(first.standIn.url, second.standIn.url));
    expect((await failureOf(config.makeApiClient(CoreV1Api).listNamespace())).code).toBe(401);
    expect((await first.core.listNamespace()).items.length).toBeGreaterThan(0);
  });
});

import { describe, expect, it } from "vitest";
import { readFacts } from "../../src/engine/target-facts.ts";
import { describeTarget, type Target, targetKey, targetSchema } from "../../src/model/target.ts";
import { CLUSTER, portsOf } from "../playbooks/cluster-objects.ts";
import { account, binding, runner, user } from "../playbooks/rights-objects.ts";
import { startCluster } from "../playbooks/start-cluster.ts";

async function factsOf(target: Target, objects: readonly object[]) {
  const { cluster } = await startCluster(objects);
  return readFacts(target, portsOf(cluster).read.kubernetes);
}

const wide: Target = { kind: "role-binding", cluster: CLUSTER, namespace: null, name: "ci-admin" };
const inShop: Target = { ...wide, namespace: "shop" };

describe("a role binding as a target", () => {
  it("is one of the cluster or one of a namespace, and these two are never one", () => {
    expect(targetSchema.parse(wide)).toEqual(wide);
    expect(targetKey(wide)).not.toBe(targetKey(inShop));
    expect(targetSchema.safeParse({ ...wide, namespace: "" }).success).toBe(false);
    expect(describeTarget(wide)).toBe("ClusterRoleBinding ci-admin on prod");
    expect(describeTarget(inShop)).toBe("RoleBinding shop/ci-admin on prod");
  });

  it("has no namespace of its own where it holds in the whole cluster, but concerns those of its accounts", async () => {
    const subjects = [runner, user("ada"), { ...runner, namespace: "kube-system" }];
    expect(await factsOf(wide, [binding(null, "ci-admin", { subjects, labels: { a: "b" } })])).toMatchObject({
      resource: CLUSTER,
      namespace: null,
      name: "ci-admin",
      labels: { a: "b" },
      namespaceLabels: {},
      concerned: ["ci", "kube-system"],
    });
  });

  it("stands in its namespace, whose labels count too", async () => {
    const around = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: { team: "x" } } };
    expect(await factsOf(inShop, [around, binding("shop", "ci-admin")])).toMatchObject({
      namespace: "shop",
      namespaceLabels: { team: "x" },
      uid: expect.any(String),
    });
  });

  it("has no facts where it has gone", async () => {
    expect(await factsOf(wide, [])).toBeNull();
    expect(await factsOf(inShop, [binding(null, "ci-admin")])).toBeNull();
  });
});

describe("a service account as a target", () => {
  const target: Target = { kind: "service-account", cluster: CLUSTER, namespace: "shop", name: "ci" };
  const around = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: { team: "x" } } };

  it("is judged by itself and by its namespace", async () => {
    expect(await factsOf(target, [around, account("ci", { labels: { a: "b" } })])).toMatchObject({
      namespace: "shop",
      name: "ci",
      uid: expect.any(String),
      labels: { a: "b" },
      namespaceLabels: { team: "x" },
    });
    expect(describeTarget(target)).toBe("ServiceAccount shop/ci on prod");
    expect(targetKey(target)).not.toBe(targetKey({ ...target, kind: "pod" }));
  });

  it("is judged by its place while it is made anew, and has no facts without that", async () => {
    expect(await factsOf(target, [around])).toMatchObject({
      namespace: "shop",
      uid: null,
      createdAt: null,
      namespaceLabels: { team: "x" },
    });
    expect(await factsOf({ ...target, namespace: "nowhere" }, [])).toBeNull();
  });
});

import { describe, expect, it } from "vitest";
import { Conflict, Permanent, Refused } from "../../src/model/errors.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { removeRoleBinding } from "../../src/playbooks/remove-role-binding.ts";
import { CLUSTER, portsOf } from "./cluster-objects.ts";
import { binding, group, runner, user } from "./rights-objects.ts";
import { startCluster as start } from "./start-cluster.ts";

const ID = "a-1";

type Ports = Awaited<ReturnType<typeof start>>["ports"];

const targetOf = (name: string, namespace: string | null = null) =>
  ({ kind: "role-binding", cluster: CLUSTER, namespace, name }) as const;

function propose(ports: Ports, name = "ci-admin", parameters: unknown = {}) {
  return removeRoleBinding.plan({ target: targetOf(name), parameters, remediationId: ID }, ports);
}

async function planOf(ports: Ports, name = "ci-admin", parameters: unknown = {}): Promise<Plan> {
  const outcome = await propose(ports, name, parameters);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, {
    remediationId: ID,
    playbook: removeRoleBinding.name,
    target: targetOf(name),
  });
}

const two = { subjects: [runner, user("ada")] };

describe("what is not removed", () => {
  it.each([
    [
      "what the API server makes anew",
      "cluster-admin",
      { labels: { "kubernetes.io/bootstrapping": "rbac-defaults" } },
    ],
    [
      "what an add-on manager makes anew",
      "metrics",
      { labels: { "addonmanager.kubernetes.io/mode": "Reconcile" } },
    ],
    ["the system's own", "system:node-proxier", {}],
    ["the platform's own by its name", "aks-cluster-admin-binding", {}],
    ["what gives the nodes their rights", "nodes", { subjects: [group("system:nodes")] }],
    ["what gives administrators their rights", "admins", { subjects: [group("system:masters")] }],
    ["what gives a controller its rights", "sched", { subjects: [user("system:kube-scheduler")] }],
    ["what gives us our rights", "reflex", { subjects: [{ ...runner, namespace: "defender-reflex" }] }],
    ["what names several, unless all are meant", "ci-admin", two],
  ])("skips %s", async (_what, name, more) => {
    const { cluster, ports } = await start([binding(null, name, more)]);
    const outcome = await propose(ports, name);
    expect(outcome).toMatchObject({
      outcome: "skip",
      reason: expect.stringContaining(`ClusterRoleBinding ${name} `),
    });
    expect(cluster.effects).toEqual([]);
  });

  it.each(["system:unauthenticated", "system:anonymous", "system:authenticated", "system:serviceaccounts"])(
    "does not take %s for a part of the cluster: attackers give it rights",
    async (name) => {
      const { ports } = await start([binding(null, "ci-admin", { subjects: [group(name)] })]);
      expect(await propose(ports)).toMatchObject({ outcome: "change" });
    },
  );

  it("has nothing to do where nobody is named", async () => {
    const { ports } = await start([binding(null, "ci-admin", { subjects: [] })]);
    expect(await propose(ports)).toMatchObject({ outcome: "no-op" });
  });

  it("skips more subjects than a plan may name, and what is too large to be kept", async () => {
    const many = Array.from({ length: 101 }, (_, index) => user(`u${index}`));
    const { ports } = await start([
      binding(null, "many", { subjects: many }),
      binding(null, "large", { annotations: { a: "x".repeat(21_000) } }),
    ]);
    expect(await propose(ports, "many", { allSubjects: true })).toMatchObject({ outcome: "skip" });
    expect(await propose(ports, "large")).toMatchObject({ outcome: "skip" });
  });

  it.each(["..", "a/b", "a%2fb", "", "a b", "über"])("asks no cluster about the name %j", async (name) => {
    const { cluster, ports } = await start([]);
    await expect(propose(ports, name)).rejects.toThrow(Refused);
    expect(cluster.requests).toEqual([]);
  });
});

describe("the plan", () => {
  it("says who loses what, and holds the manifest that brings it back as it was", async () => {
    const before = binding(null, "ci-admin", { ...two, labels: { a: "b" }, annotations: { c: "d" } });
    const { cluster, ports } = await start([before]);
    const plan = await planOf(ports, "ci-admin", { allSubjects: true });
    expect(plan.steps[0]?.sentence).toBe(
      "delete ClusterRoleBinding ci-admin, which gives ClusterRole cluster-admin to ServiceAccount ci/runner, User ada",
    );
    expect(plan.impact).toContain("ServiceAccount ci/runner, User ada");
    expect(plan.steps[0]?.before).toEqual(before);
    const stored = cluster.read("clusterrolebindings", "", "ci-admin");
    await removeRoleBinding.apply(plan, ports);
    const kept = JSON.parse(JSON.stringify(plan.steps[0]?.before)) as object;
    cluster.seed([kept]);
    const { metadata: restored, ...rest } = cluster.read("clusterrolebindings", "", "ci-admin") ?? {
      metadata: {},
    };
    expect(rest).toEqual({
      apiVersion: stored?.apiVersion,
      kind: stored?.kind,
      roleRef: stored?.["roleRef"],
      subjects: stored?.["subjects"],
    });
    expect(restored).toMatchObject({ name: "ci-admin", labels: { a: "b" }, annotations: { c: "d" } });
  });

  it("is another one once somebody else is given the role by it", async () => {
    const { cluster, ports } = await start([binding(null, "ci-admin")]);
    const { hash } = await planOf(ports);
    cluster.seed([binding(null, "ci-admin", { annotations: { seen: "1" }, subjects: [user("eve")] })]);
    expect((await planOf(ports)).hash).not.toBe(hash);
  });
});

describe("removing", () => {
  it("is one deletion of that state, which a binding that moved meanwhile is spared", async () => {
    const { cluster, ports } = await start([binding(null, "ci-admin")]);
    const plan = await planOf(ports);
    cluster.seed([binding(null, "ci-admin", { uid: "11111111-2222-3333-4444-555555555555" })]);
    cluster.clear();
    await removeRoleBinding.apply(plan, ports);
    expect(cluster.effects).toEqual([]);
    expect(cluster.readAll("clusterrolebindings")).toHaveLength(1);
  });

  it("is proved when it has gone, and partial once somebody gives the same again", async () => {
    const { cluster, ports } = await start([binding(null, "ci-admin")]);
    const plan = await planOf(ports);
    await removeRoleBinding.apply(plan, ports);
    expect(await removeRoleBinding.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    cluster.seed([binding(null, "ci-admin", { subjects: [user("ada")] })]);
    expect(await removeRoleBinding.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    cluster.seed([binding(null, "ci-admin")]);
    expect(await removeRoleBinding.verify(plan, ports)).toEqual({
      verdict: "partial",
      remains: [
        "Somebody has made ClusterRoleBinding ci-admin anew, and it gives again: ClusterRole cluster-admin to ServiceAccount ci/runner.",
      ],
    });
  });

  it("waits while a finalizer keeps it, and cannot be stopped then", async () => {
    const { ports } = await start([binding(null, "ci-admin", { finalizers: ["a.example/b"] })]);
    const plan = await planOf(ports);
    await removeRoleBinding.apply(plan, ports);
    expect(await removeRoleBinding.verify(plan, ports)).toMatchObject({ verdict: "not-yet" });
    await expect(removeRoleBinding.revert(plan, ports)).rejects.toThrow(Conflict);
    expect(await propose(ports)).toMatchObject({ outcome: "no-op" });
  });
});

describe("taking it back", () => {
  it("is not ours to do, and tells an administrator how", async () => {
    const { cluster, ports } = await start([binding(null, "ci-admin")]);
    const plan = await planOf(ports);
    await removeRoleBinding.apply(plan, ports);
    cluster.clear();
    const outcome = await removeRoleBinding.revert(plan, ports);
    expect(outcome).toMatchObject({
      outcome: "gone",
      reason: expect.stringContaining("kubectl create -f FILE"),
    });
    expect(cluster.effects).toEqual([]);
  });
});

describe("the API server", () => {
  it.each([
    ["an annotation", "PATCH", "clusterrolebindings/ci-admin", { metadata: { annotations: { a: "b" } } }],
    ["fewer subjects", "PATCH", "clusterrolebindings/ci-admin", { subjects: [] }],
    ["a new one", "POST", "clusterrolebindings", binding(null, "another")],
  ])("lets nobody write a binding who may not bind its role: %s", async (_what, method, path, body) => {
    const rules = [
      {
        apiGroups: ["rbac.authorization.k8s.io"],
        resources: ["rolebindings", "clusterrolebindings"],
        verbs: ["get", "create", "patch", "delete"],
      },
    ];
    const { cluster } = await start([binding(null, "ci-admin")], { rules });
    const answer = await fetch(`${cluster.url}/apis/rbac.authorization.k8s.io/v1/${path}`, {
      method,
      headers: {
        authorization: "Bearer stand-in-token",
        "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
      },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("attempting to grant RBAC permissions not currently held");
    const ports = portsOf(cluster);
    await removeRoleBinding.apply(await planOf(ports), ports);
    expect(cluster.readAll("clusterrolebindings")).toEqual([]);
    await expect(ports.read.kubernetes("").pod("shop", "web")).rejects.toThrow(Permanent);
  });
});

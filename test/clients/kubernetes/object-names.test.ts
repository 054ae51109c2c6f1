import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type KubernetesStandIn, startKubernetes } from "../../../local/kubernetes/index.ts";
import { createKubernetes } from "../../../src/clients/kubernetes/index.ts";
import { checkName, checkNamespace } from "../../../src/clients/kubernetes/object-names.ts";
import { Refused } from "../../../src/model/errors.ts";
import { policy } from "../../playbooks/cluster-objects.ts";

const ZERO = { stop: 0, labels: {}, annotations: {} };

const bad = [
  "",
  ".",
  "..",
  "%2e%2e",
  "a/b",
  "../x",
  "A",
  "a_b",
  "-a",
  "a-",
  "a b",
  "a\n",
  "ä",
  "a".repeat(254),
];
const version = { uid: "u", resourceVersion: "1" };

let cluster: KubernetesStandIn;

beforeAll(async () => {
  cluster = await startKubernetes();
  cluster.seed([policy("keep-1", { podSelector: {} }), policy("keep-2", { podSelector: {} })]);
});
beforeEach(() => cluster.clear());
afterAll(() => cluster.close());

describe("names that Kubernetes does not allow", () => {
  it.each(bad)("refuses %j in every call, and sends nothing", async (name) => {
    const { reader, writer } = createKubernetes({ kubeconfigText: cluster.kubeconfig(), context: null });
    const labels = { x: "y" };
    const policyOf = (namespace: string, policyName: string) => ({
      namespace,
      name: policyName,
      podLabel: ["x", "y"] as const,
      labels,
      annotations: labels,
    });
    const calls = [
      ...[
        ["shop", name],
        [name, "web"],
      ].flatMap(([namespace = "", of = ""]) => [
        () => reader.pod(namespace, of),
        () => reader.workload("Deployment", namespace, of),
        () => reader.workloadState("Deployment", namespace, of),
        () => reader.networkPolicy(namespace, of),
        () => writer.createDenyAllPolicy(policyOf(namespace, of)),
        () => writer.deleteNetworkPolicy(namespace, of, version),
        () => reader.enginePolicy({ kind: "CalicoNetworkPolicy", namespace, name: of }),
        () => writer.createEngineDeny({ ...policyOf(namespace, of), kind: "CiliumNetworkPolicy", spec: {} }),
        () => writer.deleteEngineDeny({ kind: "CalicoNetworkPolicy", namespace, name: of }, version),
        () => writer.labelPod(namespace, of, version, labels),
        () => writer.deletePod(namespace, of, version),
        () => writer.evictPod(namespace, of, version),
        () => writer.askEviction(namespace, of, version),
        () => writer.changeWorkload("Deployment", namespace, of, version, ZERO),
        () => reader.serviceAccount(namespace, of),
        () => writer.deleteServiceAccount(namespace, of, version),
        () => writer.createServiceAccount(namespace, of, {}, labels),
        () => reader.service(namespace, of),
        () => writer.admitSources(namespace, of, version, { ranges: null, labels }),
      ]),
      () => reader.namespace(name),
      () => reader.node(name),
      () => reader.podsOnNode(name),
      () => reader.disruptionBudgets(name),
      () => writer.cordonNode(name, version, { unschedulable: true, labels }),
      () => reader.networkPolicies(name),
      () => reader.enginePolicy({ kind: "AdminNetworkPolicy", namespace: "", name }),
      () => reader.enginePolicies("CalicoNetworkPolicy", { namespace: name }),
      () => reader.enginePolicies("CalicoGlobalNetworkPolicy", { tier: name }),
      () => writer.createEngineDeny({ ...policyOf("", name), kind: "AdminNetworkPolicy", spec: {} }),
      () => writer.deleteEngineDeny({ kind: "AdminNetworkPolicy", namespace: "", name }, version),
      () => reader.webhooks("MutatingWebhookConfiguration", name),
      () => writer.selectObjects("MutatingWebhookConfiguration", name, version, { selectors: {}, labels }),
      () => reader.roleBinding(name, "web"),
      () => writer.deleteRoleBinding(name, "web", version),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toThrow(Refused);
    }
    expect(cluster.requests).toEqual([]);
    expect(cluster.readAll("networkpolicies")).toHaveLength(2);
  });

  it.each([
    "",
    ".",
    "..",
    "a/b",
    "../x",
    "%2e%2e",
    "-a",
    "a-",
    "a b",
    "a\n",
    "ä",
    "a?b",
    "a#b",
    "a".repeat(254),
  ])("refuses %j for a binding, whose names may hold capitals and colons", async (name) => {
    const { reader, writer } = createKubernetes({ kubeconfigText: cluster.kubeconfig(), context: null });
    for (const namespace of [null, "shop"]) {
      await expect(reader.roleBinding(namespace, name)).rejects.toThrow(Refused);
      await expect(writer.deleteRoleBinding(namespace, name, version)).rejects.toThrow(Refused);
    }
    expect(cluster.requests).toEqual([]);
    expect(await reader.roleBinding(null, "kubeadm:Get_Nodes.1")).toBeNull();
  });

  it("knows that a namespace has no dots and at most 63 characters", () => {
    expect(() => checkNamespace("a.b")).toThrow(Refused);
    expect(() => checkNamespace("a".repeat(64))).toThrow(Refused);
    expect(() => checkNamespace("a".repeat(63))).not.toThrow();
    expect(() => checkName("a.b-c.9")).not.toThrow();
    expect(() => checkName("a".repeat(253))).not.toThrow();
  });

  it("lets nothing through that a URL would read otherwise", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ab.-/%2e#?;\\A ") }), (name) => {
        const allowed = (() => {
          try {
            checkName(name);
            return true;
          } catch {
            return false;
          }
        })();
        const path = new URL(`http://x/api/v1/namespaces/shop/pods/${encodeURIComponent(name)}`).pathname;
        return !allowed || path === `/api/v1/namespaces/shop/pods/${name}`;
      }),
      { numRuns: 300 },
    );
    expect(() => checkName("..")).toThrow(Refused);
  });
});

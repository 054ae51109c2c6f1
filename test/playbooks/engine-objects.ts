import { agent, installed } from "./cilium-objects.ts";
import { node } from "./cluster-objects.ts";

/** A cluster that OVN-Kubernetes serves, as OpenShift has it: node and agent first. */
export const ovnCluster = (): object[] => [
  node("n1", { metadata: { annotations: { "k8s.ovn.org/node-chassis-id": "c1" } } }),
  agent("openshift-ovn-kubernetes", "ovnkube-node"),
  installed("policy.networking.k8s.io", "v1alpha1", "adminnetworkpolicies", "AdminNetworkPolicy", "Cluster"),
];

/** A cluster that Calico serves, with its API server and the tiers that it comes with: node and agent first. */
export const calicoCluster = (): object[] => [
  node("n1", { metadata: { annotations: { "projectcalico.org/IPv4Address": "10.0.0.4/24" } } }),
  agent("calico-system", "calico-node"),
  installed("projectcalico.org", "v3", "networkpolicies", "NetworkPolicy"),
  installed("projectcalico.org", "v3", "globalnetworkpolicies", "GlobalNetworkPolicy", "Cluster"),
  installed("projectcalico.org", "v3", "tiers", "Tier", "Cluster"),
  tier("kube-admin", 1_000),
  tier("default", 1_000_000),
];

/** A tier of Calico's. */
export function tier(name: string, order: number): object {
  return { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name }, spec: { order } };
}

/** A policy of Calico's in a tier; without a namespace a global one. */
export function calicoPolicy(
  name: string,
  {
    tier: of = "default",
    namespace,
    ...spec
  }: { tier?: string; namespace?: string; [field: string]: unknown },
): object {
  return {
    apiVersion: "projectcalico.org/v3",
    kind: namespace === undefined ? "GlobalNetworkPolicy" : "NetworkPolicy",
    metadata: {
      name: `${of}.${name}`,
      labels: { "projectcalico.org/tier": of },
      ...(namespace === undefined ? {} : { namespace }),
    },
    spec: { tier: of, selector: "all()", types: ["Ingress", "Egress"], ...spec },
  };
}

/** An AdminNetworkPolicy; it selects every pod of the namespace shop unless told otherwise. */
export function adminPolicy(
  name: string,
  priority: number,
  actions: readonly string[],
  subject: object = { namespaces: { matchLabels: { "kubernetes.io/metadata.name": "shop" } } },
): object {
  return {
    apiVersion: "policy.networking.k8s.io/v1alpha1",
    kind: "AdminNetworkPolicy",
    metadata: { name },
    spec: { priority, subject, egress: actions.map((action) => ({ action, to: [{ namespaces: {} }] })) },
  };
}

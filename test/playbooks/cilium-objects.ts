import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { node } from "./cluster-objects.ts";

/** The agent of an engine; it stays off nodes, which in these tests do not say their system. */
export function agent(namespace: string, name: string): object {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { namespace, name },
    spec: {
      selector: { matchLabels: { agent: name } },
      template: {
        metadata: { labels: { agent: name } },
        spec: {
          nodeSelector: { "kubernetes.io/os": "linux" },
          containers: [{ name: "agent", image: "reg.example/agent:1" }],
        },
      },
    },
  };
}

/** A kind that somebody has installed. */
export function installed(
  group: string,
  version: string,
  plural: string,
  kind: string,
  scope = "Namespaced",
): object {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        },
      ],
    },
  };
}

/** A cluster that Cilium serves, with a node that says so. */
export const ciliumCluster = (): object[] => [
  node("n1", { metadata: { labels: { "kubernetes.azure.com/ebpf-dataplane": "cilium" } } }),
  agent("kube-system", "cilium"),
  installed("cilium.io", "v2", "ciliumendpoints", "CiliumEndpoint"),
  installed("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy"),
];

/** What Cilium reports of a pod that it isolates for a remediation; `more` replaces parts of the status. */
export function endpoint(
  pod: string,
  remediationId: string,
  more: object = {},
  mark: string = INCIDENT_LABEL,
): object {
  const direction = { enforcing: true, state: "<status disabled>" };
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumEndpoint",
    metadata: { namespace: "shop", name: pod },
    status: {
      id: 1234,
      state: "ready",
      identity: {
        id: 40_001,
        labels: ["k8s:app=web", `k8s:${mark}=${remediationId}`, "k8s:io.kubernetes.pod.namespace=shop"],
      },
      policy: { ingress: { ...direction, allowed: [{ identity: 1 }] }, egress: direction },
      ...more,
    },
  };
}

/** A service that finds its pods by labels, or by none. */
export function service(name: string, selector?: object): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "shop", name },
    spec: { ports: [{ port: 80 }], ...(selector === undefined ? {} : { selector }) },
  };
}

/** A budget that counts pods by labels. */
export function budget(name: string, matchLabels: object): object {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { namespace: "shop", name },
    spec: { minAvailable: 1, selector: { matchLabels } },
  };
}

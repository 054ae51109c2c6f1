import { ENGINE_KINDS } from "./engine-kinds.ts";
import type { DenyKind } from "./engine-policies.ts";
import { EGRESS_LABEL } from "./incident-mark.ts";
import { WORKLOAD_KINDS } from "./kubernetes-objects.ts";
import { WORKLOAD_GROUPS } from "./workload-state.ts";

/** A kind of which a playbook marks objects with a label of ours, whose value is the id of the remediation. */
export interface MarkedKind {
  readonly apiGroup: string;
  readonly version: string;
  readonly resource: string;
  /** As the API calls it. */
  readonly kind: string;
  /** As people are told. */
  readonly title: string;
  /** The incident label unless given. */
  readonly label?: string;
}

/** The kinds that every role of ours may list, whichever playbooks are enabled. */
export const ALWAYS_LISTED: readonly MarkedKind[] = [
  { apiGroup: "", version: "v1", resource: "pods", kind: "Pod", title: "pod" },
  { apiGroup: "", version: "v1", resource: "pods", kind: "Pod", title: "pod", label: EGRESS_LABEL },
  { apiGroup: "", version: "v1", resource: "nodes", kind: "Node", title: "node" },
  {
    apiGroup: "networking.k8s.io",
    version: "v1",
    resource: "networkpolicies",
    kind: "NetworkPolicy",
    title: "network policy",
  },
  ...workloads((group) => ["apps", "batch", ""].includes(group)),
];

/** Those that a role may list where it may change them, and that not every cluster has. */
export const LISTED_WHERE_CHANGED: readonly MarkedKind[] = [
  ...workloads((group) => ["apps.openshift.io", "argoproj.io"].includes(group)),
  ...(["CiliumNetworkPolicy", "AdminNetworkPolicy", "CalicoNetworkPolicy"] as const).map(enginePolicy),
  {
    apiGroup: "",
    version: "v1",
    resource: "serviceaccounts",
    kind: "ServiceAccount",
    title: "ServiceAccount",
  },
  { apiGroup: "", version: "v1", resource: "services", kind: "Service", title: "Service" },
  {
    apiGroup: "keda.sh",
    version: "v1alpha1",
    resource: "scaledobjects",
    kind: "ScaledObject",
    title: "ScaledObject",
  },
  ...["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"].map((kind) => ({
    apiGroup: "admissionregistration.k8s.io",
    version: "v1",
    resource: `${kind.toLowerCase()}s`,
    kind,
    title: kind,
  })),
];

function workloads(isWanted: (group: string) => boolean): MarkedKind[] {
  return WORKLOAD_KINDS.filter((kind) => isWanted(WORKLOAD_GROUPS[kind])).map((kind) => ({
    apiGroup: WORKLOAD_GROUPS[kind],
    version: kind === "Rollout" ? "v1alpha1" : "v1",
    resource: `${kind.toLowerCase()}s`,
    kind,
    title: kind,
  }));
}

function enginePolicy(title: DenyKind): MarkedKind {
  const { group: apiGroup, version, plural: resource, kind } = ENGINE_KINDS[title];
  return { apiGroup, version, resource, kind, title };
}

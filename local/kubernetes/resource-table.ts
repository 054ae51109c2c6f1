/** How names of a kind are checked: RFC 1123 subdomain or label, RFC 1035 label, or any segment of a path (rights). */
export type NameRule = "subdomain" | "label" | "service" | "path";

/** One served kind. Everything that differs between kinds is a column here, never a branch elsewhere. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly nameRule: NameRule;
  /** Subresources beside the object itself. */
  readonly subresources: readonly (
    | "status"
    | "scale"
    | "eviction"
    | "log"
    | "exec"
    | "attach"
    | "portforward"
  )[];
  /** Whether metadata.generation counts changes of spec. */
  readonly generation: boolean;
  /** Path from the object to its pod template; undefined where it holds none. */
  readonly template?: readonly string[];
  /** Paths that no update may change. */
  readonly immutable: readonly string[];
  /** A delete answers with the object where true, else with a Status. */
  readonly returnsDeleted: boolean;
  /** Whether DELETE on the collection is served. */
  readonly deletesCollection: boolean;
  /** A kind that somebody installs: served only where its CustomResourceDefinition is there. */
  readonly custom: boolean;
  /** Without a Go type in the API server: stored as it is, without defaults, and without strategic merge patches. */
  readonly schemaless: boolean;
}

type Row = Pick<Resource, "plural" | "kind"> & Partial<Resource>;

function served(group: string, version: string, row: Row): Resource {
  return {
    group,
    version,
    namespaced: true,
    nameRule: "subdomain",
    subresources: [],
    generation: false,
    immutable: [],
    returnsDeleted: false,
    deletesCollection: true,
    custom: false,
    schemaless: row.custom ?? false,
    ...row,
  };
}

const template = ["spec", "template"];
const selector = ["spec.selector"];
const scaled = { subresources: ["status", "scale"], generation: true, template } as const;

const installed = { generation: true, custom: true, returnsDeleted: false } as const;

/** Every kind that the stand-in serves, or can once it is installed. */
export const resources: readonly Resource[] = [
  served("", "v1", {
    plural: "namespaces",
    kind: "Namespace",
    namespaced: false,
    nameRule: "label",
    subresources: ["status"],
    returnsDeleted: true,
    deletesCollection: false,
  }),
  served("", "v1", {
    plural: "pods",
    kind: "Pod",
    subresources: ["status", "eviction", "log", "exec", "attach", "portforward"],
    generation: true,
    returnsDeleted: true,
  }),
  served("", "v1", {
    plural: "services",
    kind: "Service",
    nameRule: "service",
    subresources: ["status"],
    returnsDeleted: true,
  }),
  served("", "v1", { plural: "nodes", kind: "Node", namespaced: false, subresources: ["status"] }),
  served("", "v1", { plural: "configmaps", kind: "ConfigMap" }),
  served("", "v1", { plural: "events", kind: "Event" }),
  served("", "v1", { plural: "serviceaccounts", kind: "ServiceAccount", returnsDeleted: true }),
  served("", "v1", {
    plural: "podtemplates",
    kind: "PodTemplate",
    template: ["template"],
    returnsDeleted: true,
  }),
  served("", "v1", { plural: "replicationcontrollers", kind: "ReplicationController", ...scaled }),
  served("apps", "v1", { plural: "deployments", kind: "Deployment", ...scaled, immutable: selector }),
  served("apps", "v1", {
    plural: "statefulsets",
    kind: "StatefulSet",
    ...scaled,
    immutable: ["spec.selector", "spec.serviceName", "spec.volumeClaimTemplates", "spec.podManagementPolicy"],
  }),
  served("apps", "v1", { plural: "replicasets", kind: "ReplicaSet", ...scaled, immutable: selector }),
  served("apps", "v1", {
    plural: "daemonsets",
    kind: "DaemonSet",
    ...scaled,
    subresources: ["status"],
    immutable: selector,
  }),
  served("batch", "v1", {
    plural: "jobs",
    kind: "Job",
    ...scaled,
    subresources: ["status"],
    immutable: ["spec.selector", "spec.template"],
  }),
  served("batch", "v1", {
    plural: "cronjobs",
    kind: "CronJob",
    subresources: ["status"],
    generation: true,
    template: ["spec", "jobTemplate", "spec", "template"],
  }),
  served("networking.k8s.io", "v1", { plural: "networkpolicies", kind: "NetworkPolicy", generation: true }),
  served("admissionregistration.k8s.io", "v1", {
    plural: "validatingadmissionpolicies",
    kind: "ValidatingAdmissionPolicy",
    namespaced: false,
    subresources: ["status"],
    generation: true,
  }),
  served("admissionregistration.k8s.io", "v1", {
    plural: "validatingadmissionpolicybindings",
    kind: "ValidatingAdmissionPolicyBinding",
    namespaced: false,
    generation: true,
  }),
  ...["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"].map((kind) =>
    served("admissionregistration.k8s.io", "v1", {
      plural: `${kind.toLowerCase()}s`,
      kind,
      namespaced: false,
      generation: true,
    }),
  ),
  ...["RoleBinding", "ClusterRoleBinding"].map((kind) =>
    served("rbac.authorization.k8s.io", "v1", {
      plural: `${kind.toLowerCase()}s`,
      kind,
      namespaced: kind === "RoleBinding",
      nameRule: "path",
      immutable: ["roleRef"],
    }),
  ),
  served("defender-reflex.dev", "v1", { plural: "admissionlists", kind: "AdmissionList", ...installed }),
  served("autoscaling", "v2", {
    plural: "horizontalpodautoscalers",
    kind: "HorizontalPodAutoscaler",
    subresources: ["status"],
  }),
  // Their own controllers are not here: what they are asked for, nobody does.
  served("apps.openshift.io", "v1", {
    plural: "deploymentconfigs",
    kind: "DeploymentConfig",
    subresources: ["status", "scale"],
    generation: true,
    schemaless: true,
  }),
  served("argoproj.io", "v1alpha1", {
    plural: "rollouts",
    kind: "Rollout",
    subresources: ["status", "scale"],
    generation: true,
    schemaless: true,
  }),
  served("policy", "v1", {
    plural: "poddisruptionbudgets",
    kind: "PodDisruptionBudget",
    subresources: ["status"],
    generation: true,
  }),
  served("apiextensions.k8s.io", "v1", {
    plural: "customresourcedefinitions",
    kind: "CustomResourceDefinition",
    namespaced: false,
    subresources: ["status"],
    generation: true,
  }),
  served("keda.sh", "v1alpha1", { plural: "scaledobjects", kind: "ScaledObject", ...installed }),
  served("cilium.io", "v2", { plural: "ciliumendpoints", kind: "CiliumEndpoint", ...installed }),
  served("cilium.io", "v2", { plural: "ciliumnetworkpolicies", kind: "CiliumNetworkPolicy", ...installed }),
  served("policy.networking.k8s.io", "v1alpha1", {
    plural: "adminnetworkpolicies",
    kind: "AdminNetworkPolicy",
    namespaced: false,
    ...installed,
    subresources: ["status"],
  }),
  // Calico's own API, which asks nobody here for the rights to a tier.
  served("projectcalico.org", "v3", { plural: "networkpolicies", kind: "NetworkPolicy", ...installed }),
  ...["GlobalNetworkPolicy", "Tier"].map((kind) =>
    served("projectcalico.org", "v3", {
      plural: kind === "Tier" ? "tiers" : "globalnetworkpolicies",
      kind,
      namespaced: false,
      ...installed,
    }),
  ),
];

/** The first row with this plural, or the one of `plural.group`. */
export function resourceNamed(name: string): Resource {
  const found =
    resources.find(({ plural }) => plural === name) ??
    resources.find(({ plural, group }) => `${plural}.${group}` === name);
  if (found === undefined) throw new Error(`The Kubernetes stand-in does not serve ${name}.`);
  return found;
}

/** The row of a kind with its apiVersion, or undefined. */
export function resourceOfKind(apiVersion: string, kind: string): Resource | undefined {
  return resources.find((resource) => resource.kind === kind && apiVersionOf(resource) === apiVersion);
}

/** "v1" for the core group, else "group/version". */
export function apiVersionOf(resource: Resource): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** The name by which status messages call a resource: "pods", "deployments.apps". */
export function groupResource(resource: Pick<Resource, "group" | "plural">): string {
  return resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
}

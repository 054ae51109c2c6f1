import { LISTED_WHERE_CHANGED, type MarkedKind } from "../model/marked-kinds.ts";
import type { AnyPlaybook, KubernetesPermission } from "../model/playbook.ts";

/**
 * What the engine reads of a cluster whichever playbooks are enabled: to find a target from an alert's entity, to
 * guard it, and to list once a day what bears our mark.
 */
export const basePermissions: readonly KubernetesPermission[] = [
  { apiGroup: "", resource: "pods", verbs: ["get", "list"] },
  { apiGroup: "", resource: "namespaces", verbs: ["get"] },
  { apiGroup: "", resource: "nodes", verbs: ["get", "list"] },
  { apiGroup: "networking.k8s.io", resource: "networkpolicies", verbs: ["list"] },
  ...["deployments", "statefulsets", "replicasets", "daemonsets"].map((resource) => ({
    apiGroup: "apps",
    resource,
    verbs: ["get", "list"],
  })),
  ...["jobs", "cronjobs"].map((resource) => ({ apiGroup: "batch", resource, verbs: ["get", "list"] })),
  { apiGroup: "", resource: "replicationcontrollers", verbs: ["get", "list"] },
  { apiGroup: "apps.openshift.io", resource: "deploymentconfigs", verbs: ["get"] },
  { apiGroup: "argoproj.io", resource: "rollouts", verbs: ["get"] },
];

/** The engine's one write, where a playbook changes anything: an Event beside it, which tells its owner. */
export const eventPermission: KubernetesPermission = { apiGroup: "", resource: "events", verbs: ["create"] };

/**
 * What the engine itself needs beside these playbooks: its reads, to list what they mark of kinds that are not among
 * these, and the Event. Entries of our lists are read with the rights of the playbooks that write them.
 */
export function enginePermissions(playbooks: readonly AnyPlaybook[]): readonly KubernetesPermission[] {
  const changes = playbooks.some(
    ({ kind, permissions }) => kind !== "evidence" && permissions.kubernetes.length > 0,
  );
  const declared = playbooks.flatMap(({ permissions }) => permissions.kubernetes);
  const marks = LISTED_WHERE_CHANGED.filter((kind) => declared.some((right) => isChangeOf(right, kind))).map(
    ({ apiGroup, resource }) => ({ apiGroup, resource, verbs: ["list"] }),
  );
  return [...basePermissions, ...marks, ...(changes ? [eventPermission] : [])];
}

function isChangeOf({ apiGroup, resource, verbs }: KubernetesPermission, kind: MarkedKind): boolean {
  const isOfKind = apiGroup === kind.apiGroup && resource === kind.resource;
  return isOfKind && verbs.some((verb) => verb === "create" || verb === "patch");
}

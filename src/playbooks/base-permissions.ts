import { LIST_GROUP, LIST_RESOURCE } from "../model/admission-list.ts";
import { BLOCK_LIST, BLOCK_POLICY, HOLD_LIST, HOLD_POLICY, OWN_NAMESPACE } from "../model/incident-mark.ts";
import type { AnyPlaybook, KubernetesPermission } from "../model/playbook.ts";
import { POD_RULE_LISTS } from "../model/pod-rules.ts";

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
  ...[BLOCK_POLICY, HOLD_POLICY].flatMap((name) =>
    ["validatingadmissionpolicies", "validatingadmissionpolicybindings"].map((resource) => ({
      apiGroup: "admissionregistration.k8s.io",
      resource,
      verbs: ["get"],
      resourceNames: [name],
    })),
  ),
  {
    apiGroup: LIST_GROUP,
    resource: LIST_RESOURCE,
    verbs: ["get"],
    resourceNames: [BLOCK_LIST],
    namespace: OWN_NAMESPACE,
  },
  {
    apiGroup: LIST_GROUP,
    resource: LIST_RESOURCE,
    verbs: ["get"],
    resourceNames: [POD_RULE_LISTS.deny, POD_RULE_LISTS.warn],
    namespace: OWN_NAMESPACE,
  },
  ...[BLOCK_LIST, HOLD_LIST].map((name) => ({
    apiGroup: "",
    resource: "configmaps",
    verbs: ["get"],
    resourceNames: [name],
    namespace: OWN_NAMESPACE,
  })),
];

/** The engine's one write, where a playbook changes anything: an Event beside it, which tells its owner. */
export const eventPermission: KubernetesPermission = { apiGroup: "", resource: "events", verbs: ["create"] };

/** What the engine itself needs beside these playbooks. */
export function enginePermissions(playbooks: readonly AnyPlaybook[]): readonly KubernetesPermission[] {
  const changes = playbooks.some(
    ({ kind, permissions }) => kind !== "evidence" && permissions.kubernetes.length > 0,
  );
  return changes ? [...basePermissions, eventPermission] : basePermissions;
}

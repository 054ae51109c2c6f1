import { canonicalJson } from "../model/canonical-json.ts";
import { OWN_NAMESPACE } from "../model/incident-mark.ts";
import type { RoleBinding, RoleSubject } from "../model/role-binding.ts";

/** On what the API server makes anew at each start, and on what an add-on manager does. */
const OF_THE_CLUSTER = [
  "kubernetes.io/bootstrapping",
  "addonmanager.kubernetes.io/mode",
  "kubernetes.azure.com/managedby",
];
/** Names under which bindings of the platform stand without such a label. */
const PLATFORM =
  /^(system:|aks-|azure-|gatekeeper-|openshift-|kubeadm:|omsagent|container-health-|cluster-admins?$)/;
/** Those of the control plane and its nodes. Anybody and every account are no part of it: that is what attackers bind. */
const CONTROL_PLANE =
  /^system:(masters|nodes?|node-proxier|node-problem-detector|kube-.+|bootstrappers?|bootstrap|apiserver|monitoring|cluster-admins)(:|$)/;
/** A plan is stored, and shown to whom it is to convince. */
const MOST_SUBJECTS = 100;
const MOST_MANIFEST = 20_000;

/** Why a binding is not deleted, for the end of a sentence; null: nothing speaks against it. */
export function bindingObstacle(binding: RoleBinding, allSubjects: boolean): string | null {
  const { name, labels, subjects, manifest } = binding;
  const label = OF_THE_CLUSTER.find((key) => Object.hasOwn(labels, key));
  if (label !== undefined) return `comes with the cluster (label ${label}), which would make it anew`;
  if (PLATFORM.test(name)) return "belongs to the platform by its name";
  const part = subjects.find(isControlPlane);
  if (part !== undefined) return `gives rights to ${part.name}, which is a part of the cluster`;
  if (subjects.some((one) => one.kind === "ServiceAccount" && one.namespace === OWN_NAMESPACE)) {
    return "gives us our own rights";
  }
  if (subjects.length > MOST_SUBJECTS) {
    return `names ${subjects.length} subjects, more than the ${MOST_SUBJECTS} that a plan may take rights from`;
  }
  if (subjects.length > 1 && !allSubjects) {
    return `names ${subjects.length} subjects, and can only be deleted for all of them: the API server lets nobody take one out who lacks the rights of the role. Run it with \`allSubjects: true\`, or take the one out by hand`;
  }
  if (canonicalJson(manifest).length > MOST_MANIFEST) {
    return "is too large to be kept in the plan, from which it would be restored";
  }
  return null;
}

function isControlPlane({ kind, name }: RoleSubject): boolean {
  return (kind === "User" || kind === "Group") && CONTROL_PLANE.test(name);
}

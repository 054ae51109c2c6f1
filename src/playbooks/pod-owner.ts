import type { Pod } from "../model/kubernetes-objects.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";

/** How a pod's controller knows it, and whether it may lose it. */
export interface PodOwner {
  /** Label keys of its selector: a pod without one of them is let go. */
  readonly ownedBy: ReadonlySet<string>;
  /** The controller must not lose the pod. */
  readonly keepsOwner: boolean;
  readonly replicaSet: { readonly name: string; readonly uid: string } | null;
}

/** What the controller makes of it that these labels go, a sentence. */
export function ownerWords({ controller }: Pod, owner: PodOwner, removed: readonly string[]): string {
  if (controller === null) return "Nothing controls the pod: nothing takes its place.";
  const name = `${controller.kind} ${controller.name}`;
  if (removed.some((key) => owner.ownedBy.has(key))) {
    return `Its ${name} lets it go and starts another pod of the same image in its place.`;
  }
  if (owner.replicaSet !== null) return `Its ${name} keeps it, and starts no other in its place.`;
  return knownKind(controller.kind) === null
    ? `Its ${name} is of a kind that is not known here: it keeps the pod with all its labels, and may undo the change.`
    : `Its ${name} keeps it with all labels of its selector: it could not replace it without harm.`;
}

/**
 * Only a ReplicaSet replaces a pod that it lets go without harm (measured): a StatefulSet cannot make the pod's number
 * anew while it is there, a DaemonSet's second pod meets the first on its node, and a Job counts wrong. Of a controller
 * whose selector cannot be read no label is taken.
 */
export async function podOwner(pod: Pod, reader: KubernetesReader): Promise<PodOwner> {
  const { controller, namespace, labels } = pod;
  if (controller === null) return { ownedBy: new Set(), keepsOwner: false, replicaSet: null };
  const kind = knownKind(controller.kind);
  const workload = kind === null ? null : await reader.workload(kind, namespace, controller.name);
  if (workload === null || workload.uid !== controller.uid || workload.selector === null) {
    return { ownedBy: new Set(Object.keys(labels)), keepsOwner: true, replicaSet: null };
  }
  const { matchLabels, matchExpressions } = workload.selector;
  const ownedBy = new Set([...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key)]);
  const isReplicaSet = kind === "ReplicaSet";
  const replicaSet = isReplicaSet ? { name: controller.name, uid: controller.uid } : null;
  return { ownedBy, keepsOwner: !isReplicaSet, replicaSet };
}

/** The kinds that make pods themselves. */
const KINDS = ["ReplicaSet", "StatefulSet", "DaemonSet", "Job"] as const;

function knownKind(kind: string): (typeof KINDS)[number] | null {
  return KINDS.find((known) => known === kind) ?? null;
}

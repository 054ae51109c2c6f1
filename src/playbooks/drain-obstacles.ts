import { isControlPlane } from "../model/control-plane.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { Node, Pod } from "../model/kubernetes-objects.ts";
import { cordonObstacle } from "./node-cordon.ts";
import { isOptedOut } from "./opted-out.ts";

/** As many as a node holds where nobody asked for more; above that it is no node but a cluster. */
export const MOST_MOVED = 110;
/** Why nobody is evicted where nobody would be taken. */
export const NO_ROOM = "No other node takes new pods: none is ready, open and outside of the control plane.";

/** The nodes, but for this one, that take new pods. */
export function takers(nodes: readonly Node[], node: string): Node[] {
  return nodes.filter(
    ({ name, ready, unschedulable, labels }) =>
      name !== node && ready && !unschedulable && !isControlPlane(labels),
  );
}

/** Why no node is emptied around a pod, for the end of "Pod x/y …"; null: it can be. */
export function suspectObstacle(pod: Pod | null): string | null {
  if (pod === null) return "has gone";
  if (pod.deleting) return "is being deleted";
  if (pod.phase === "Succeeded" || pod.phase === "Failed") return "has ended by itself: nothing of it runs";
  return pod.node === null ? "is on no node yet" : null;
}

/** Why a node is not emptied, a sentence; null: it can be. */
export function nodeObstacle(node: Node | null, name: string, remediationId: string): string | null {
  const obstacle = cordonObstacle(node, name, remediationId);
  if (node === null || obstacle !== null) return obstacle;
  if (isOptedOut(node)) return `Node ${name} opted out.`;
  const label = node.labels[INCIDENT_LABEL];
  return label === undefined || label === remediationId
    ? null
    : `Node ${name} is held by remediation ${label}, which may keep a pod there that this would evict: take that back first.`;
}

/** Why so many pods are not moved, a sentence; null: they may be. */
export function tooMany(movable: number, whole: boolean, node: string): string | null {
  if (whole && movable <= MOST_MOVED) return null;
  return `Node ${node} holds ${whole ? movable : "too many"} pods that might be moved; ${MOST_MOVED} at most are.`;
}

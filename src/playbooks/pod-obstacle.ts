import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { Pod } from "../model/kubernetes-objects.ts";

/**
 * Why no network policy of ours can act on this pod, for the end of "Pod x/y …"; null where nothing is known. `mark` is the
 * label that it would bear. An isolated pod is not restricted besides; one that is restricted may be isolated.
 */
export function podObstacle(pod: Pod, remediationId: string, mark: string): string | null {
  const label = pod.labels[mark];
  const isolatedBy = mark === INCIDENT_LABEL ? undefined : pod.labels[INCIDENT_LABEL];
  if (pod.deleting) {
    return "is being deleted";
  }
  if (pod.mirror) {
    return "is a static pod of its node, which the API can only show: contain the node";
  }
  if (pod.hostNetwork) {
    return "uses the network of its node, where network policies do not apply: end the pod, or cordon its node";
  }
  if (isolatedBy !== undefined) {
    return `is isolated by remediation ${isolatedBy}, which denies more`;
  }
  if (label !== undefined && label !== remediationId) {
    return `already carries the label of remediation ${label}, which has to be taken back first`;
  }
  return null;
}

import { changedBy } from "../model/field-managers.ts";
import { FIELD_MANAGER, INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { NetworkPolicy, Pod } from "../model/kubernetes-objects.ts";
import { byWhom } from "./foreign-change.ts";

/** Why the pod is not marked by this remediation any more, and who changed it, where that can be told; null: it is. */
export function lostMark(pod: Pod, remediationId: string, mark: string): string | null {
  const label = pod.labels[mark];
  if (label === remediationId) return null;
  const object = `Pod ${pod.namespace}/${pod.name}`;
  return label === undefined
    ? `${object} does not carry our label: it was taken off, and the cluster does not record by whom.`
    : `${object} carries the label of ${label} instead of ours${byWhom(pod, ["metadata", "labels", mark])}.`;
}

/** Why our policy is not there as it was made, and who changed it, where that can be told; null: it is. */
export function lostPolicy(
  policy: NetworkPolicy | undefined,
  name: string,
  isUnchanged: (policy: NetworkPolicy) => boolean,
): string | null {
  if (policy === undefined) {
    return `Network policy ${name} is not there as it was made: it has gone, and the cluster does not record by whom.`;
  }
  if (isUnchanged(policy)) return null;
  const whom = byWhom(policy, ["spec"], ["metadata", "labels", INCIDENT_LABEL]);
  return `Network policy ${name} is not there as it was made: it was changed${whom}.`;
}

/** Labels that were taken off and are there again, a sentence each with who put them there. */
export function labelsPutBack(pod: Pod, removed: Readonly<Record<string, string>>): string[] {
  return Object.keys(removed)
    .filter((key) => pod.labels[key] !== undefined)
    .map((key) => {
      const whom = byWhom(pod, ["metadata", "labels", key]);
      return `Pod ${pod.namespace}/${pod.name} has the label ${key}=${pod.labels[key]} again${whom}.`;
    });
}

/** Those of the policies named that were made or changed after the pod was marked, a sentence each with by whom. */
export function policiesSince(
  pod: Pod,
  policies: readonly NetworkPolicy[],
  named: ReadonlySet<string>,
  mark: string,
): string[] {
  const since = markedAt(pod, mark);
  if (since === null) return [];
  return policies.flatMap((policy) => {
    const name = `${policy.namespace}/${policy.name}`;
    const last = changedBy(policy, ["spec"]);
    if (!named.has(name) || last?.at == null || Date.parse(last.at) <= since) return [];
    const word = Date.parse(policy.createdAt) > since ? "made" : "changed";
    return [`Network policy ${name} was ${word} after the pod was marked${byWhom(policy, ["spec"])}.`];
  });
}

/** When our own label was put on, in milliseconds; null where the cluster does not say. */
function markedAt({ managers }: Pod, mark: string): number | null {
  const ours = managers.find(
    ({ name, fields }) =>
      name === FIELD_MANAGER && fields.some((field) => field.join("\0") === `metadata\0labels\0${mark}`),
  );
  return ours?.at == null ? null : Date.parse(ours.at);
}

import { BLOCK_POLICY } from "../model/incident-mark.ts";
import type { PulledList } from "../model/kubernetes-objects.ts";
import type { Verification } from "../model/playbook.ts";

/** In these states Flux says itself that it does not apply what it fetched. */
const NOT_APPLIED = ["Non-Compliant", "Suspended"];

/** What cannot be told of a block where the cluster only fetches the list, one sentence each. */
export function unseenLimits({ place, everySeconds }: PulledList): string[] {
  return [
    "Nothing of the cluster can be read: who runs the image already, the platform too, cannot be told.",
    `Assumed, and not to be checked: the cluster has the kind of the list, the admission policy ${BLOCK_POLICY} and its binding, and its Flux may write the list.`,
    `The cluster takes the list from ${place} when its Flux looks, every ${everySeconds} s; until then, and where it does not reach the container, nothing is blocked.`,
    "Declared at most: that a pod is denied cannot be tried.",
  ];
}

/** What is known once the entries lie there: never more than declared, and less where Flux says that it does not apply them. */
export function pulledProof({ everySeconds, compliance }: PulledList): Verification {
  const said =
    compliance === null
      ? "Azure shows no report of its Flux"
      : `its Flux last reported ${compliance.state}${compliance.at === null ? "" : ` (${compliance.at})`}`;
  return compliance !== null && NOT_APPLIED.includes(compliance.state)
    ? {
        verdict: "partial",
        remains: [`The list is laid out for the cluster, but ${said}: what it fetches may not be applied.`],
      }
    : {
        verdict: "holds",
        proof: "declared",
        note: `laid out for the cluster, which looks every ${everySeconds} s; ${said}`,
      };
}

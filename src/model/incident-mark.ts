import { z } from "zod";

/** The label, on pods and policies, whose value is the id of the remediation that put it there. */
export const INCIDENT_LABEL = "defender-reflex.dev/incident";

/**
 * The label by which the policy of a restriction of egress selects its pod, with the id of that remediation. It is another
 * than that of an isolation, so that both may stand on one pod.
 */
export const EGRESS_LABEL = "defender-reflex.dev/egress";

/** Under this name the API server records which fields are ours. */
export const FIELD_MANAGER = "defender-reflex";

/** Our own namespace in a cluster, where the operator's manifest puts the block list. */
export const OWN_NAMESPACE = "defender-reflex";

/** Name of the admission policy that reads the block list, and of its binding. */
export const BLOCK_POLICY = "reflex-block-images";

/** Name of the list that is the block list. */
export const BLOCK_LIST = "reflex-blocked-images";

/** Name of the admission policy that reads the list of held workloads, and of its binding. */
export const HOLD_POLICY = "reflex-hold-workloads";

/** Name of the list of held workloads. */
export const HOLD_LIST = "reflex-held-workloads";

/** The label, beside `INCIDENT_LABEL` on a workload that we stopped, whose value is what we found there. */
export const BEFORE_LABEL = "defender-reflex.dev/before";

/** Name of the admission policy that denies sessions into pods, and of its binding. */
export const SESSION_POLICY = "reflex-deny-exec";

/** Name of the list of the pods into which nobody gets a session. */
export const SESSION_LIST = "reflex-denied-sessions";

const entrySchema = z.object({ remediation: z.string().min(1) });

/** The value of a block list entry: JSON that names the remediation that owns it. */
export function blockListValue(remediationId: string): string {
  return JSON.stringify({ remediation: remediationId });
}

/** The remediation that owns a block list entry of that value; null where somebody else wrote it. */
export function ownerOfEntry(value: string): string | null {
  try {
    return entrySchema.safeParse(JSON.parse(value)).data?.remediation ?? null;
  } catch {
    return null;
  }
}

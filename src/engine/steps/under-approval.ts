import type { Plan } from "../../model/plan.ts";
import type { Remediation } from "../../model/remediation.ts";
import type { Prepared } from "../prepare.ts";

/** A verdict, how the history calls it, and what the history keeps of the approval. */
interface Judged {
  readonly what: string;
  readonly prepared: Prepared;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * What a person's approval makes of a verdict of just now. The very plan that was approved (`stored`) is begun, which
 * uses the approval up; another plan voids it and waits for a person again; every end stays an end.
 */
export function underApproval(
  { approval }: Pick<Remediation, "approval">,
  prepared: Prepared,
  stored: Plan | null,
): Judged {
  if (approval === null) return { what: "planned", prepared, details: {} };
  const { who, why, planHash } = approval;
  const details = { approval };
  const wouldGoOn = prepared.state === "applying" || prepared.state === "awaiting-approval";
  if (!wouldGoOn) return { what: "planned", prepared, details };
  if (prepared.plan?.hash === planHash && stored?.hash === planHash) {
    const reason = `approved by ${who}: ${why}`;
    return {
      what: "approval used",
      details,
      prepared: { ...prepared, state: "applying", reason, plan: stored },
    };
  }
  const reason = `the plan has changed since ${who} approved it: look at the new one`;
  const { quiet: _quiet, ...told } = prepared;
  const voided: Prepared = { ...told, state: "awaiting-approval", mode: "approve", reason };
  return { what: "approval voided", details, prepared: voided };
}

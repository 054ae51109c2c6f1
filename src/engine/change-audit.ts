import type { AuditRow, Remediation } from "../model/remediation.ts";
import { planSeal, recordSeal, sealAudit } from "../store/record-rows.ts";
import type { Change } from "./commit.ts";

/** The row of history of a change: it seals the record as it is then, and the plan that is stored with it. */
export function changeAudit(before: Remediation, change: Change, changed: Remediation): AuditRow {
  const { plan } = change;
  const stored =
    plan === undefined ? {} : { plan: { number: changed.planNumber ?? 0, seal: planSeal(plan) } };
  return sealAudit({
    sequence: before.auditSequence + 1,
    at: changed.updatedAt,
    who: change.who,
    what: change.what,
    why: change.reason,
    before: before.state,
    after: change.state,
    details: {
      planHash: plan?.plan?.hash ?? before.planHash,
      proof: change.patch?.proof ?? before.proof,
      ...change.details,
      ...stored,
      record: recordSeal(changed),
    },
    previous: before.auditHash,
  });
}

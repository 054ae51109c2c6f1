import type { Remediation, RuleAsItWas } from "./remediation.ts";

type Asked = Pick<Remediation, "rule" | "askedAt" | "createdAt">;

/** When a person who was asked at that moment is reminded: once half of the rule's time for an answer is over. */
export function reminderAfter({ approvalMs }: Pick<RuleAsItWas, "approvalMs">, askedAt: Date): Date {
  return new Date(askedAt.getTime() + Math.floor(approvalMs / 2));
}

/** When somebody is reminded of the question that a record waits for. */
export function reminderOf(record: Asked): Date {
  return reminderAfter(record.rule, askedAtOf(record));
}

/** When the question that a record waits for expires: from then on nobody may answer it. */
export function expiryOf(record: Asked): Date {
  return new Date(askedAtOf(record).getTime() + record.rule.approvalMs);
}

/** A question that was asked anew: nobody has answered it, and nobody was reminded. */
export function askedNow(now: Date): Pick<Remediation, "askedAt" | "approval" | "reminded"> {
  return { askedAt: now.toISOString(), approval: null, reminded: false };
}

function askedAtOf({ askedAt, createdAt }: Asked): Date {
  return new Date(askedAt ?? createdAt);
}

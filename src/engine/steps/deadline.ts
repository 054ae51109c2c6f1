import type { Remediation } from "../../model/remediation.ts";
import type { TargetEntry } from "../../store/target-row.ts";
import { later, RECHECK_MS } from "../engine.ts";

const WARNING_MS = 15 * 60_000;

/**
 * The deadline of a containment, counted from the last signal that joined (whoever still alerts is not let go), and
 * when to look next: the warning, then the deadline; without a deadline once a day.
 */
export function inForceDue(
  record: Pick<Remediation, "rule" | "inForceSince" | "warned" | "deadline">,
  entry: Pick<TargetEntry, "lastSignalAt"> | undefined,
  now: Date,
): { readonly deadline: Date | null; readonly warning: Date | null; readonly due: Date } {
  const { ttlMs } = record.rule;
  if (ttlMs === null || record.inForceSince === null) {
    return { deadline: null, warning: null, due: later(now, RECHECK_MS) };
  }
  const since = [record.inForceSince, entry?.lastSignalAt ?? record.inForceSince].map((at) =>
    new Date(at).getTime(),
  );
  const deadline = new Date(Math.max(...since) + ttlMs);
  // Warned of an earlier deadline is not warned of this one.
  const warned = record.warned && record.deadline === deadline.toISOString();
  const warning = later(deadline, -Math.min(WARNING_MS, ttlMs / 4));
  return { deadline, warning: warned ? null : warning, due: warned ? deadline : warning };
}

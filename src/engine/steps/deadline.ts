import type { Remediation } from "../../model/remediation.ts";
import type { TargetEntry } from "../../store/target-row.ts";
import { later, RECHECK_MS } from "../engine.ts";

const WARNING_MS = 15 * 60_000;

/**
 * The deadline of a containment: counted from the last signal that joined (whoever still alerts is not let go), or a
 * later one that a person set. And when to look next: the warning, then the deadline; without a deadline once a day.
 */
export function inForceDue(
  record: Pick<Remediation, "rule" | "inForceSince" | "warned" | "deadline" | "extendedTo">,
  entry: Pick<TargetEntry, "lastSignalAt"> | undefined,
  now: Date,
): { readonly deadline: Date | null; readonly warning: Date | null; readonly due: Date } {
  const deadline = deadlineOf(record, entry);
  if (deadline === null) return { deadline, warning: null, due: later(now, RECHECK_MS) };
  // Warned of an earlier deadline is not warned of this one.
  const warned = record.warned && record.deadline === deadline.toISOString();
  const quarter = (record.rule.ttlMs ?? Number.POSITIVE_INFINITY) / 4;
  const warning = later(deadline, -Math.min(WARNING_MS, quarter));
  return { deadline, warning: warned ? null : warning, due: warned ? deadline : warning };
}

function deadlineOf(
  { rule, inForceSince, extendedTo }: Pick<Remediation, "rule" | "inForceSince" | "extendedTo">,
  entry: Pick<TargetEntry, "lastSignalAt"> | undefined,
): Date | null {
  if (inForceSince === null) return null;
  const { ttlMs } = rule;
  const ends = ttlMs === null ? [] : [inForceSince, entry?.lastSignalAt ?? inForceSince].map(endAfter(ttlMs));
  if (extendedTo !== null) ends.push(new Date(extendedTo).getTime());
  return ends.length === 0 ? null : new Date(Math.max(...ends));
}

function endAfter(ttlMs: number): (since: string) => number {
  return (since) => new Date(since).getTime() + ttlMs;
}

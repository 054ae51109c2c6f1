import type { Remediation } from "../../model/remediation.ts";
import type { TargetEntry } from "../../store/target-row.ts";
import { later, RECHECK_MS } from "../engine.ts";

const WARNING_MS = 15 * 60_000;
/**
 * When a containment is read back after it came into force, before that becomes daily: autoscalers and operators undo
 * within a minute, what reconciles from a repository within minutes to an hour or two.
 */
const LOOKS_MS = [60_000, 15 * 60_000, 2 * 3_600_000];

/**
 * The deadline of a containment: counted from the last signal that joined (whoever still alerts is not let go), or a
 * later one that a person set. And when to look next: the warning, the deadline, or before these whether it still holds.
 */
export function inForceDue(
  record: Pick<Remediation, "rule" | "inForceSince" | "warned" | "deadline" | "extendedTo">,
  entry: Pick<TargetEntry, "lastSignalAt"> | undefined,
  now: Date,
): { readonly deadline: Date | null; readonly warning: Date | null; readonly due: Date } {
  const deadline = deadlineOf(record, entry);
  const look = nextLook(record.inForceSince, now);
  if (deadline === null) return { deadline, warning: null, due: look };
  // Warned of an earlier deadline is not warned of this one.
  const warned = record.warned && record.deadline === deadline.toISOString();
  const quarter = (record.rule.ttlMs ?? Number.POSITIVE_INFINITY) / 4;
  const warning = later(deadline, -Math.min(WARNING_MS, quarter));
  const told = warned ? deadline : warning;
  return { deadline, warning: warned ? null : warning, due: look < told ? look : told };
}

function nextLook(inForceSince: string | null, now: Date): Date {
  const since = new Date(inForceSince ?? now);
  return LOOKS_MS.map((ms) => later(since, ms)).find((at) => at > now) ?? later(now, RECHECK_MS);
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

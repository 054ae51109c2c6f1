import { Conflict, Refused } from "../model/errors.ts";
import { isOpen, type Remediation } from "../model/remediation.ts";
import type { Word } from "../model/word.ts";
import type { TargetEntry } from "../store/target-row.ts";
import type { Change } from "./commit.ts";
import { type Engine, later } from "./engine.ts";
import { heed, spokenOf } from "./heed.ts";
import { inForceDue } from "./steps/deadline.ts";
import { readBackDue } from "./steps/outcomes.ts";

/** A later end: a moment, or so much longer than it would have been in force anyway. */
export type LaterEnd = { readonly until: Date } | { readonly byMs: number };

const SOONEST_MS = 60_000;
const LONGEST_MS = 30 * 24 * 3_600_000;

/**
 * Sets a later deadline for a containment in force (where it has none, a deadline); alerts that join still move it
 * further. Raises `Refused` for an end that cannot be set, `Conflict` where it is not in force, `Retryable` while
 * somebody else drives.
 */
export async function extend(engine: Engine, id: string, end: LaterEnd, by: Word): Promise<Remediation> {
  await spokenOf(engine, id);
  return heed(engine, id, (record, entry) => extended(engine, record, entry, end, by));
}

function extended(
  engine: Engine,
  record: Remediation,
  entry: TargetEntry | undefined,
  asked: LaterEnd,
  by: Word,
): Change {
  mustBeInForce(record);
  const now = engine.clock.now();
  const present = inForceDue(record, entry, now).deadline;
  const until = "until" in asked ? asked.until : later(latest(present, now), asked.byMs);
  mustBePossible(record, until, present, now);
  const extendedTo = until.toISOString();
  const next = { ...record, extendedTo, warned: false };
  const { deadline, due } = inForceDue(next, entry, now);
  return {
    state: "in-force",
    reason: `stays in force until ${extendedTo}: ${by.why}`,
    who: by.who,
    what: "extended",
    details: { extendedTo, by },
    patch: { extendedTo, warned: false, deadline: deadline?.toISOString() ?? null },
    // After a takeover it is read back once more, whatever its deadline.
    due: earliest(due, readBackDue({ engine, record, abandoned: entry?.abandoned === true })),
    goOn: false,
  };
}

function mustBeInForce({ id, state }: Remediation): void {
  if (state === "in-force") return;
  const advice =
    state === "reverting"
      ? "It is being taken back."
      : isOpen(state)
        ? "Ask again once it is in force."
        : `It has ended; begin it anew with \`reflex retry ${id}\`.`;
  throw new Conflict(`remediation ${id} is ${state}: only what is in force has a deadline`, advice);
}

function mustBePossible({ id }: Remediation, until: Date, present: Date | null, now: Date): void {
  const ms = until.getTime() - now.getTime();
  if (!(ms >= SOONEST_MS && ms <= LONGEST_MS)) {
    throw new Refused(
      "a deadline is at least a minute and at most 30 days ahead",
      "Give an end in between; extend it again when that comes near.",
    );
  }
  if (present !== null && until <= present) {
    throw new Refused(
      `remediation ${id} stays in force until ${present.toISOString()} anyway`,
      `Give a later end; to end it now, use \`reflex revert ${id}\`.`,
    );
  }
}

function latest(one: Date | null, other: Date): Date {
  return one !== null && one > other ? one : other;
}

function earliest(one: Date, other: Date | null): Date {
  return other !== null && other < one ? other : one;
}

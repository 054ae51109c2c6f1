import { Conflict, Permanent, Refused, Retryable, sentence } from "../../model/errors.ts";
import type { Verification } from "../../model/playbook.ts";
import type { Remediation } from "../../model/remediation.ts";
import { StoreUnreachable } from "../../store/table.ts";
import { NewerSchema } from "../../store/target-row.ts";
import type { Change } from "../commit.ts";
import type { Turn } from "../drive.ts";
import { ATTEMPTS, later } from "../engine.ts";
import { TimeIsUp } from "../gate.ts";
import { guardedPorts } from "../guarded-ports.ts";
import { LeaseLost } from "../held-target.ts";
import { paceOf } from "../pace.ts";
import { inForceDue } from "./deadline.ts";
import { planOf, playbookOf } from "./turn-plan.ts";

/** One of our four errors, made of whatever was raised. Errors of the store and the lease are not outcomes and go on. */
export function asOutcome(error: unknown): Retryable | Permanent | Refused | Conflict {
  if (error instanceof StoreUnreachable || error instanceof LeaseLost || error instanceof NewerSchema)
    throw error;
  if (
    error instanceof Retryable ||
    error instanceof Permanent ||
    error instanceof Refused ||
    error instanceof Conflict
  ) {
    return error;
  }
  const name = error instanceof Error ? error.name : "unknown fault";
  return new Permanent(`an unexpected fault (${name})`, "Report it with the log line of this remediation.", {
    cause: error,
  });
}

/** May it be tried again? Running out of time is no failure, however often a busy machine does. */
export function mayTryAgain({ attempts }: Remediation, error: unknown): error is Retryable {
  return error instanceof TimeIsUp || (error instanceof Retryable && attempts + 1 < ATTEMPTS);
}

/** Stays in its state and is looked at again: at once where the target only moved by itself, else after a growing delay. */
export function defer(turn: Turn, error: Retryable, patch: Partial<Remediation> = {}): Change {
  const { engine, record, until } = turn;
  const now = engine.clock.now();
  const attempts = record.attempts + (error instanceof TimeIsUp ? 0 : 1);
  const atOnce = error.retryAfterMs === 0 && now < until;
  const delay = Math.max(error.retryAfterMs, Math.min(300_000, 1_000 * 2 ** attempts));
  return {
    state: record.state,
    reason: sentence(error),
    who: "engine",
    what: "deferred",
    patch: { ...patch, attempts },
    due: later(now, atOnce ? paceOf(engine, record.target).leaseMs : delay),
    goOn: atOnce,
  };
}

/** Ends the record without anything to take back. */
export function end(
  state: Extract<
    Remediation["state"],
    "skipped" | "refused" | "failed" | "superseded" | "expired" | "rejected"
  >,
  reason: string,
  patch: Partial<Remediation> = {},
): Change {
  const told =
    state === "refused" || state === "failed" ? [state] : state === "skipped" ? [] : (["ended"] as const);
  return { state, reason, who: "engine", what: state, patch, due: null, goOn: false, messages: told };
}

/** Goes back: what was written is taken back, then the record ends as `revertsTo`. */
export function goBack(
  turn: Turn,
  revertsTo: NonNullable<Remediation["revertsTo"]>,
  reason: string,
  remains: readonly string[] = [],
): Change {
  return {
    state: "reverting",
    reason,
    who: "engine",
    what: "reverting",
    patch: { revertsTo, remains, touched: true, attempts: 0 },
    due: later(turn.engine.clock.now(), paceOf(turn.engine, turn.record.target).leaseMs),
    goOn: true,
  };
}

/**
 * Somebody else changed what was to be taken back: it stays as it is, with the list of what is left. Where no person
 * asked for it (a deadline), one is asked now.
 */
export function leftAsItIs({ record }: Turn, error: Conflict): Change {
  const remains = error.remains.length > 0 ? error.remains : [error.message];
  return {
    ...end("superseded", sentence(error), { remains }),
    who: record.revertedBy?.who ?? "engine",
    messages: [record.revertedBy === null ? "asks" : "ended"],
  };
}

/** Why a record waits for that moment. */
export const ONE_MORE_LOOK = "a driver had vanished: it is read back once more before the end";

/** When the record may end at the earliest, if that is still to come: after a takeover not before a lease has passed. */
export function readBackDue({
  engine,
  abandoned,
  record,
}: Pick<Turn, "engine" | "abandoned" | "record">): Date | null {
  const now = engine.clock.now();
  if (abandoned) return later(now, paceOf(engine, record.target).leaseMs);
  if (record.readBackAfter === null) return null;
  const after = new Date(record.readBackAfter);
  return after > now ? after : null;
}

/** What follows a fault of apply or verify. `touched`: a write may have landed. */
export async function afterFault(turn: Turn, raised: unknown, touched: boolean): Promise<Change> {
  const error = asOutcome(raised);
  const { record } = turn;
  if (mayTryAgain(record, error)) return defer(turn, error, { touched });
  if (error instanceof Conflict) {
    return touched
      ? goBack(turn, "superseded", sentence(error), error.remains)
      : end("superseded", sentence(error), { remains: error.remains });
  }
  if (!touched) {
    return error instanceof Refused
      ? { ...end("refused", sentence(error)), climbs: true }
      : end("failed", sentence(error));
  }
  // Half a containment is better than none, and ends by its deadline; half of anything else is taken back.
  return turn.engine.playbooks.get(record.playbook)?.kind === "containment"
    ? whatStands(turn, error)
    : goBack(turn, "failed", sentence(error));
}

/**
 * A containment that failed for good is what reading back finds of it: what is not there at all is not in force. What
 * may not be touched any more cannot be taken back either: it stands as it is, with the reason.
 */
async function whatStands(turn: Turn, error: Permanent | Refused | Retryable): Promise<Change> {
  const found = await readBack(turn);
  const fault = sentence(error);
  const isClosed = error instanceof Refused;
  switch (found.verdict) {
    case "absent":
      return isClosed
        ? standing(turn, { verdict: "partial", remains: [found.reason, fault] }, true)
        : goBack(turn, "failed", fault);
    case "holds":
      return standing(turn, isClosed ? { verdict: "partial", remains: [fault] } : found, true);
    case "partial":
      return standing(turn, { ...found, remains: [...found.remains, fault] }, true);
    default:
      return standing(turn, { verdict: "unverified", remains: [found.reason, fault] }, true);
  }
}

async function readBack(
  turn: Turn,
): Promise<Verification | { readonly verdict: "unread"; readonly reason: string }> {
  try {
    return await playbookOf(turn).verify(await planOf(turn), guardedPorts(turn.engine, turn.record));
  } catch (raised) {
    return { verdict: "unread", reason: `it could not be read back: ${sentence(asOutcome(raised))}` };
  }
}

/** What reading back noted, as the end of a reason. */
export function noteOf(found: { readonly verdict: string; readonly note?: string }): string {
  return found.note === undefined ? "" : `: ${found.note}`;
}

/** The containment stands: in force with the proof that reading back gave. */
export function standing(
  turn: Turn,
  verification:
    | Extract<Verification, { verdict: "holds" | "partial" }>
    | { readonly verdict: "unverified"; readonly remains: readonly string[] },
  touched: boolean,
): Change {
  const { engine, record, held } = turn;
  const now = engine.clock.now();
  const proof = verification.verdict === "holds" ? verification.proof : verification.verdict;
  const remains = verification.verdict === "holds" ? [] : verification.remains;
  const inForceSince = record.inForceSince ?? now.toISOString();
  const next: Remediation = { ...record, inForceSince };
  const { deadline, due } = inForceDue(next, held.row.entries[record.playbook], now);
  return {
    state: "in-force",
    reason: `in force (${proof})${noteOf(verification)}`,
    who: "engine",
    what: "in-force",
    patch: {
      proof,
      remains,
      touched,
      inForceSince,
      deadline: deadline?.toISOString() ?? null,
      attempts: 0,
    },
    due: readBackDue(turn) ?? due,
    goOn: false,
    ...(proof === "partial" || proof === "unverified" ? { climbs: true } : {}),
    messages: ["in-force"],
  };
}

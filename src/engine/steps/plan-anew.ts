import { Retryable, sentence } from "../../model/errors.ts";
import type { MessageKind } from "../../model/message.ts";
import { askedNow, expiryOf, reminderAfter, reminderOf } from "../../model/question.ts";
import { isOpen, type Remediation } from "../../model/remediation.ts";
import type { TargetEntry } from "../../store/target-row.ts";
import type { Change } from "../commit.ts";
import type { Turn } from "../drive.ts";
import { ATTEMPTS, later } from "../engine.ts";
import { episodesWith } from "../next-episode.ts";
import { paceOf } from "../pace.ts";
import { type Prepared, prepare, touchesOf } from "../prepare.ts";
import { asOutcome, defer, end } from "./outcomes.ts";
import { judgedBy, storedWith } from "./turn-plan.ts";
import { underApproval } from "./under-approval.ts";

/**
 * Plans and guards again on the object as it is now, and writes the verdict with the new plan. What a person approved
 * goes on only with the very plan that was approved; a changed one voids the approval and is asked for anew.
 */
export async function planAnew(turn: Turn): Promise<Change> {
  const { engine, held } = turn;
  const entry = held.row.entries[turn.record.playbook];
  const asked = judgedBy(turn.record, entry);
  const record: Remediation = entry?.lifted === true ? { ...asked, mode: "enforce" } : asked;
  let seen: Prepared;
  try {
    seen = await prepare(engine, record, held.row);
  } catch (raised) {
    return notNow(turn, raised);
  }
  const stored = await storedWith(turn);
  const { what, prepared, details } = underApproval(record, seen, stored?.plan ?? null);
  // The same question is not asked twice, and what is stored is not stored again.
  const isKnown = record.planHash === (prepared.plan?.hash ?? null);
  const isAsked = record.state === prepared.state && isKnown && record.approval === null;
  const isStored = prepared.plan === null || prepared.plan === stored?.plan;
  // Somebody lifted it as well: the new plan needs nobody's word.
  const goesOn = prepared.state === "awaiting-approval" && record.approval !== null && entry?.lifted === true;
  return {
    state: prepared.state,
    reason: prepared.reason,
    who: "engine",
    what,
    details,
    patch: {
      mode: prepared.mode,
      proof: prepared.proof,
      planHash: prepared.plan?.hash ?? null,
      identity: prepared.identity,
      attempts: 0,
      unresolved: record.unresolved,
      ...(isStored ? {} : { planNumber: (record.planNumber ?? -1) + 1 }),
      ...(prepared.state === "awaiting-approval" && !isAsked ? askedNow(engine.clock.now()) : {}),
    },
    due: dueAfter(turn, prepared, isAsked, goesOn),
    goOn: prepared.state === "applying" || goesOn,
    prepared,
    // Who joined while we planned may have seen another object, or want more than this was planned for.
    stillRight: (fresh) =>
      fresh.newerIdentity === (entry?.newerIdentity ?? null) && fresh.lifted === (entry?.lifted ?? false),
    entry: entryAfter(turn, prepared, entry, goesOn),
    ...(isStored ? {} : { plan: { plan: prepared.plan, signal: stored?.signal ?? null, body: null } }),
    ...(prepared.unable === true ? { climbs: true } : {}),
    messages: isAsked || goesOn || prepared.quiet === true ? [] : messagesFor(prepared, record),
  };
}

/** What failed for now is tried again some times, what failed for good ends it. */
export function notNow(turn: Turn, raised: unknown): Change {
  const error = asOutcome(raised);
  if (error instanceof Retryable && turn.record.attempts + 1 < ATTEMPTS) return defer(turn, error);
  return error.kind === "refused"
    ? { ...end("refused", sentence(error)), climbs: true }
    : end("failed", sentence(error));
}

function dueAfter(
  { engine, record }: Turn,
  { state }: Prepared,
  isAsked: boolean,
  goesOn: boolean,
): Date | null {
  if (!isOpen(state)) return null;
  const now = engine.clock.now();
  if (state === "applying" || goesOn) return later(now, paceOf(engine, record.target).leaseMs);
  if (!isAsked) return reminderAfter(record.rule, now);
  return record.reminded ? expiryOf(record) : reminderOf(record);
}

function entryAfter(
  { engine }: Turn,
  { state, plan }: Prepared,
  before: TargetEntry | undefined,
  goesOn: boolean,
): Partial<TargetEntry> {
  const now = engine.clock.now();
  return {
    lifted: goesOn,
    newerIdentity: null,
    touches: isOpen(state) ? touchesOf(plan) : [],
    ...(state === "applying" ? { episodes: episodesWith(before?.episodes ?? [], now) } : {}),
  };
}

function messagesFor({ state }: Prepared, { approval }: Remediation): readonly MessageKind[] {
  switch (state) {
    case "awaiting-approval":
    case "observed":
    case "refused":
    case "failed":
      return [state];
    case "done":
      return ["notice"];
    case "applying":
      return [];
    default:
      // Somebody said yes and waits to hear what became of it.
      return approval === null ? [] : ["ended"];
  }
}

import { sentence } from "../../model/errors.ts";
import type { Proof, Verification } from "../../model/playbook.ts";
import type { Change } from "../commit.ts";
import type { Step, Turn } from "../drive.ts";
import { later } from "../engine.ts";
import { guardedPorts } from "../guarded-ports.ts";
import { paceOf } from "../pace.ts";
import { inForceDue } from "./deadline.ts";
import { knowingTheObject } from "./newer-object.ts";
import { asOutcome, defer, goBack, mayTryAgain, noteOf, readBackDue } from "./outcomes.ts";
import { planOf, playbookOf } from "./turn-plan.ts";

/** In force: warned of its deadline, ended by it, or read back to see whether it still holds. */
export const inForce: Step = (turn) => knowingTheObject(turn, (newer) => decide(turn, newer));

async function decide(turn: Turn, newer: string | null): Promise<Change> {
  const { engine, record, held } = turn;
  const now = engine.clock.now();
  const entry = held.row.entries[record.playbook];
  if (newer !== null) {
    return goBack(turn, "superseded", "an alert came for a newer object under this name");
  }
  const { deadline, warning, due } = inForceDue(record, entry, now);
  const patch = { deadline: deadline?.toISOString() ?? null };
  if (deadline !== null && deadline <= now) return atDeadline(turn, now);
  if (warning !== null && warning <= now && deadline !== null) {
    return {
      state: "in-force",
      reason: "its deadline is near",
      who: "engine",
      what: "warned",
      patch: { ...patch, warned: true },
      due: deadline,
      goOn: false,
      messages: ["deadline-warning"],
    };
  }
  return recheck(turn, patch, due);
}

function atDeadline({ engine, record }: Turn, now: Date): Change {
  return {
    state: "reverting",
    reason: "its deadline has come",
    who: "engine",
    what: "deadline",
    patch: { revertsTo: "reverted", revertedBy: null, attempts: 0 },
    due: later(engine.clock.now(), paceOf(engine, record.target).leaseMs),
    goOn: true,
    // Whoever still alerts is not let go, also where the alert joined this very moment.
    stillRight: (entry) => (inForceDue(record, entry, now).deadline ?? now) <= now,
  };
}

/** Reads back whether it still holds. What cannot be read for now is read again soon: that is nobody's doing. */
async function recheck(turn: Turn, patch: Change["patch"], due: Date): Promise<Change> {
  const { record } = turn;
  const found = await lookAgain(turn);
  if (found.verdict === "unread" && mayTryAgain(record, found.error)) {
    const again = defer(turn, found.error, patch);
    return again.due !== null && again.due < due ? { ...again, goOn: false } : { ...again, due, goOn: false };
  }
  const proof = proofOf(found);
  const weaker = proof !== record.proof && proof !== "proved";
  const undone = found.verdict === "absent" || found.verdict === "partial";
  return {
    state: "in-force",
    reason: `read back: ${proof}${noteOf(found)}`,
    who: "engine",
    what: "rechecked",
    patch: { ...patch, proof, remains: remainsOf(found), attempts: 0 },
    due: readBackDue(turn) ?? due,
    goOn: false,
    ...(weaker && undone ? { climbs: true } : {}),
    // What no longer holds as it did is news; that it still holds is not.
    messages: weaker ? ["in-force"] : [],
  };
}

type Found = Verification | { readonly verdict: "unread"; readonly error: ReturnType<typeof asOutcome> };

function proofOf(found: Found): Proof {
  if (found.verdict === "holds") return found.proof;
  return found.verdict === "partial" ? "partial" : "unverified";
}

function remainsOf(found: Found): readonly string[] {
  switch (found.verdict) {
    case "holds":
      return [];
    case "partial":
      return found.remains;
    case "unread":
      return [`it could not be read back: ${sentence(found.error)}`];
    default:
      return [found.reason];
  }
}

async function lookAgain(turn: Turn): Promise<Found> {
  try {
    return await playbookOf(turn).verify(await planOf(turn), guardedPorts(turn.engine, turn.record));
  } catch (raised) {
    return { verdict: "unread", error: asOutcome(raised) };
  }
}

import { Conflict, Refused, sentence } from "../../model/errors.ts";
import type { MessageKind } from "../../model/message.ts";
import type { Remediation } from "../../model/remediation.ts";
import { beforeTakingBack } from "../before-write.ts";
import type { Change } from "../commit.ts";
import type { Step, Turn } from "../drive.ts";
import { ATTEMPTS, later } from "../engine.ts";
import { gate } from "../gate.ts";
import { tellOwner } from "../tell-owner.ts";
import { asOutcome, defer, leftAsItIs, mayTryAgain, ONE_MORE_LOOK, readBackDue } from "./outcomes.ts";
import { planOf, playbookOf } from "./turn-plan.ts";

const HOURLY_MS = 3_600_000;

/** Takes back what was written. A revert is never given up: what cannot be taken back for now is tried hourly, and told once. */
export const reverting: Step = async (turn) => {
  try {
    const plan = await planOf(turn);
    const passage = gate(turn.engine.ports, async () => {
      const reason = await beforeTakingBack(turn, plan);
      if (reason !== null) throw mayNotBeTouched(reason);
    });
    const outcome = await playbookOf(turn).revert(plan, passage.ports);
    if (outcome.outcome === "restored") await tellOwner(turn, plan, "reverted");
    return (
      oneMoreLook(turn) ??
      takenBack(turn, outcome.outcome === "gone" ? outcome.reason : "what was touched is as it was")
    );
  } catch (raised) {
    return notTakenBack(turn, raised);
  }
};

function mayNotBeTouched(reason: string): Refused {
  return new Refused(reason, "Take it back by hand, or lift what protects it: then it goes on by itself.");
}

/** After a takeover no end is written before one more read-back, a lease later; null: it may end. */
function oneMoreLook(turn: Turn): Change | null {
  const wait = readBackDue(turn);
  const { reason } = turn.record;
  return wait === null
    ? null
    : {
        state: "reverting",
        // Why it goes back is told at its end.
        reason: reason.endsWith(ONE_MORE_LOOK) ? reason : `${reason}; ${ONE_MORE_LOOK}`,
        who: "engine",
        what: "read back",
        due: wait,
        goOn: false,
      };
}

function takenBack({ record }: Turn, what: string): Change {
  const state = record.revertsTo ?? "reverted";
  const told: Record<NonNullable<Remediation["revertsTo"]>, MessageKind> = {
    reverted: "reverted",
    failed: "failed",
    superseded: "ended",
  };
  const reason = state === "reverted" ? what : `${record.reason}; ${what}`;
  const who = record.revertedBy?.who ?? "engine";
  return {
    state,
    reason,
    who,
    what: state,
    patch: { touched: false },
    due: null,
    goOn: false,
    messages: [told[state]],
  };
}

function notTakenBack(turn: Turn, raised: unknown): Change {
  const { engine, record } = turn;
  const error = asOutcome(raised);
  if (error instanceof Conflict) return oneMoreLook(turn) ?? leftAsItIs(turn, error);
  if (mayTryAgain(record, error)) return defer(turn, error);
  const first = record.attempts < ATTEMPTS;
  return {
    state: "reverting",
    reason: `it could not be taken back and is tried again every hour: ${sentence(error)}`,
    who: "engine",
    what: "not taken back",
    patch: { attempts: ATTEMPTS, remains: [sentence(error)] },
    due: later(engine.clock.now(), HOURLY_MS),
    goOn: false,
    messages: first ? ["failed"] : [],
  };
}

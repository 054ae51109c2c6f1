import { Refused } from "../../model/errors.ts";
import type { Plan } from "../../model/plan.ts";
import { askedNow, reminderAfter } from "../../model/question.ts";
import type { Stop } from "../before-write.ts";
import type { Change } from "../commit.ts";
import type { Turn } from "../drive.ts";
import { later } from "../engine.ts";
import { wouldHave } from "../prepare.ts";
import { afterFault, end, goBack } from "./outcomes.ts";

/** What is held back is looked at again after so long, and then left alone until it may go on. */
const HELD_MS = 15_000;

/**
 * What follows where the next write may not be begun. Untouched it ends, asks a person or observes; what was begun is
 * taken back, but for a containment that is protected by now: its half stands until its deadline. What is held back
 * stays as it is, and no attempt is used up.
 */
export async function stopped(turn: Turn, plan: Plan, halt: Stop, touched: boolean): Promise<Change> {
  const { reason } = halt;
  switch (halt.stop) {
    case "held":
      return wait(turn, reason, touched);
    case "gone":
      return touched ? goBack(turn, "superseded", reason) : end("skipped", reason);
    case "replaced":
      return touched ? goBack(turn, "superseded", reason) : end("superseded", reason);
    case "excepted":
      return touched ? goBack(turn, "superseded", reason) : end("skipped", reason);
    case "refused": {
      const refusal = new Refused(reason, "What was written before stands as it is.");
      return touched ? afterFault(turn, refusal, true) : end("refused", reason);
    }
    case "lowered":
      return touched ? goBack(turn, "superseded", reason) : lowered(turn, plan, halt);
  }
}

function wait({ engine, record }: Turn, reason: string, touched: boolean): Change {
  return {
    state: record.state,
    reason,
    who: "engine",
    what: "held",
    patch: { touched },
    due: later(engine.clock.now(), HELD_MS),
    goOn: false,
  };
}

function lowered(
  turn: Turn,
  plan: Plan,
  { mode, reason, quiet }: Extract<Stop, { stop: "lowered" }>,
): Change {
  const of = { who: "engine", what: "lowered", patch: { mode }, goOn: false };
  switch (mode) {
    case "approve":
    case "enforce":
      return asking(turn, reason);
    case "observe": {
      const messages = quiet === true ? [] : (["observed"] as const);
      return { ...of, state: "observed", reason: wouldHave(plan, reason), due: null, messages };
    }
    case "off":
      return { ...of, state: "skipped", reason, due: null };
  }
}

/** Nothing was written yet: a person decides. */
export function asking({ engine, record }: Turn, reason: string): Change {
  const now = engine.clock.now();
  return {
    state: "awaiting-approval",
    reason,
    who: "engine",
    what: "lowered",
    patch: { mode: "approve", attempts: 0, ...askedNow(now) },
    due: reminderAfter(record.rule, now),
    goOn: false,
    messages: ["awaiting-approval"],
  };
}

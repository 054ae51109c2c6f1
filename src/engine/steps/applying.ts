import { lowestMode } from "../../model/mode.ts";
import type { Plan } from "../../model/plan.ts";
import type { Verification } from "../../model/playbook.ts";
import type { Change } from "../commit.ts";
import type { Step, Turn } from "../drive.ts";
import { APPROVAL_MS, later } from "../engine.ts";
import { ceilingIsLower, type Gate, gate, timeIsUp } from "../gate.ts";
import { guard } from "../guard.ts";
import { readFacts } from "../target-facts.ts";
import { afterFault, end, goBack } from "./outcomes.ts";
import { judgedBy, planOf, playbookOf } from "./turn-plan.ts";
import { afterVerification } from "./verifying.ts";

/** Carries the plan out and reads back. After any wait the guard is asked again, on the object as it is now. */
export const applying: Step = async (turn) => {
  const { engine, record } = turn;
  // Who vanished in the middle may have written: that is assumed until reading back says otherwise.
  const before = record.touched || turn.abandoned;
  let passage: Gate | null = null;
  const touched = (): boolean => before || (passage?.touched() ?? false);
  let verification: Verification;
  try {
    const playbook = playbookOf(turn);
    const plan = await planOf(turn);
    const stopped = turn.prepared === null ? await guardAgain(turn, plan, before) : null;
    if (stopped !== null) return stopped;
    passage = gate(engine.ports, async () => {
      if (engine.clock.now() >= turn.until) throw timeIsUp();
      if (lowestMode(record.mode, engine.configuration.ceiling) !== "enforce") throw ceilingIsLower();
    });
    await playbook.apply(plan, passage.ports);
    verification = await playbook.verify(plan, engine.ports);
  } catch (error) {
    return afterFault(turn, error, touched());
  }
  return afterVerification(turn, verification, touched());
};

/** Guard and identity on the re-read object; null: go on. */
async function guardAgain(turn: Turn, plan: Plan, touched: boolean): Promise<Change | null> {
  const { engine, record, held } = turn;
  const facts = await readFacts(record.target, engine.ports.read.kubernetes.bind(engine.ports.read));
  const stop = (state: "skipped" | "superseded" | "refused", reason: string): Change =>
    touched ? goBack(turn, state === "refused" ? "failed" : "superseded", reason) : end(state, reason);
  if (facts === null) return stop("skipped", "the target has gone");
  if (plan.identity !== "" && facts.uid !== null && facts.uid !== plan.identity) {
    return stop("superseded", "another object has taken the target's name");
  }
  const { ceiling, scope, protectedNamespaces } = engine.configuration;
  const entry = held.row.entries[record.playbook];
  const judged = guard({
    record: judgedBy(record, entry),
    playbook: playbookOf(turn),
    facts,
    ceiling,
    scope,
    protectedNamespaces,
    now: engine.clock.now(),
    episodes: (entry?.episodes ?? []).length,
  });
  if (judged.verdict === "refuse") return stop("refused", judged.reason);
  if (judged.mode === "enforce") return null;
  const reason = judged.lowered ?? "the ceiling was lowered";
  if (touched) return goBack(turn, "superseded", reason);
  return {
    state: "awaiting-approval",
    reason,
    who: "engine",
    what: "lowered",
    patch: { mode: judged.mode },
    due: later(engine.clock.now(), APPROVAL_MS),
    goOn: false,
    messages: ["awaiting-approval"],
  };
}

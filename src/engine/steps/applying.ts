import { Refused } from "../../model/errors.ts";
import type { Plan } from "../../model/plan.ts";
import type { AnyPlaybook, Verification } from "../../model/playbook.ts";
import { beforeKeeping, beforeWrite, judgedNow, type Stop } from "../before-write.ts";
import type { Change } from "../commit.ts";
import { confirm } from "../confirm.ts";
import type { Step, Turn } from "../drive.ts";
import { type Gate, gate } from "../gate.ts";
import { guardedPorts } from "../guarded-ports.ts";
import { heldBack } from "../held-back.ts";
import { tellOwner } from "../tell-owner.ts";
import { afterFault } from "./outcomes.ts";
import { asking, stopped } from "./stopped.ts";
import { judgedBy, planOf, playbookOf } from "./turn-plan.ts";
import { afterVerification } from "./verifying.ts";

/**
 * Carries the plan out and reads back. After any wait everything is asked again, and before each write what may have
 * changed since: pause, mode of the moment, guard and identity, on the object as it is then.
 */
export const applying: Step = async (turn) => {
  const { engine, record } = turn;
  // Who vanished in the middle may have written: that is assumed until reading back says otherwise.
  const before = record.touched || turn.abandoned;
  let passage: Gate | null = null;
  const touched = (): boolean => before || (passage?.touched() ?? false);
  const halted: { plan: Plan; halt: Stop }[] = [];
  let verification: Verification;
  try {
    const playbook = playbookOf(turn);
    const plan = await planOf(turn);
    const early = await askedAgain(turn, plan, playbook, before);
    if (early !== null) return early;
    const orStop = (halt: Stop | null): void => {
      if (halt === null) return;
      halted.push({ plan, halt });
      throw new Refused(halt.reason, "It is decided anew.");
    };
    const ports = guardedPorts(engine, record);
    passage = gate(
      ports,
      async () => orStop(await beforeWrite(turn, plan, touched())),
      async () => orStop(await beforeKeeping(turn)),
    );
    await playbook.apply(plan, passage.ports);
    const told = touched() ? tellOwner(turn, plan, "applied") : null;
    try {
      verification = await playbook.verify(plan, ports);
    } finally {
      await told;
    }
  } catch (error) {
    const [first] = halted;
    if (first !== undefined) return stopped(turn, first.plan, first.halt, touched());
    return afterFault(turn, error, touched());
  }
  return afterVerification(turn, verification, touched());
};

/** Before anything is read or written for it: held back, or, after a wait, no more to be done. Null: go on. */
async function askedAgain(
  turn: Turn,
  plan: Plan,
  playbook: AnyPlaybook,
  touched: boolean,
): Promise<Change | null> {
  const { engine, record } = turn;
  // What is begun is read through to its end as far as that needs no write; evidence does not wait, it fades.
  if (!(touched || playbook.kind === "evidence")) {
    const reason = await heldBack(engine, record);
    if (reason !== null) return stopped(turn, plan, { stop: "held", reason }, touched);
  }
  if (turn.prepared !== null) return null;
  const halt = await judgedNow(turn, plan, touched);
  // What cannot be taken back may have ended its target: then that it has gone is for reading back to judge.
  const mayHaveEnded =
    touched && !playbook.reversible && (halt?.stop === "gone" || halt?.stop === "replaced");
  if (halt !== null && !mayHaveEnded) return stopped(turn, plan, halt, touched);
  const isUnattended = !touched && record.approval === null && playbook.kind !== "evidence";
  const entry = turn.held.row.entries[record.playbook];
  const doubt = isUnattended ? await confirm(engine, judgedBy(record, entry)) : null;
  return doubt === null ? null : asking(turn, doubt);
}

import type { Plan } from "../model/plan.ts";
import { askGuard } from "./ask-guard.ts";
import type { Turn } from "./drive.ts";
import { TimeIsUp } from "./gate.ts";
import { type GuardMode, protection } from "./guard.ts";
import { heldBack } from "./held-back.ts";
import { episodesOfDay } from "./next-episode.ts";
import { judgedBy, playbookOf } from "./steps/turn-plan.ts";
import { factsAround, factsFor, type TargetFacts } from "./target-facts.ts";

/** Why a write is not begun: held back for now, or no more to be done at all. */
export type Stop =
  | { readonly stop: "held" | "gone" | "replaced" | "excepted" | "refused"; readonly reason: string }
  | ({ readonly stop: "lowered"; readonly reason: string } & GuardMode);

/**
 * Asked right before each forward write: time of the lease, kill switch, pause, then guard and identity on the target
 * as it is now. Null: go. Raises `Retryable` where the time is used up, and what reading raises: then nothing is written.
 */
export async function beforeWrite(turn: Turn, plan: Plan, touched: boolean): Promise<Stop | null> {
  const early = await haltedNow(turn);
  if (early !== null) return early;
  const judged = await judgedNow(turn, plan, touched);
  // Reading took its time.
  return judged ?? haltedNow(turn);
}

/**
 * Asked right before each file of evidence is kept: time of the lease, kill switch and pause. The target is not looked at
 * again: nothing of it is changed, and what has gone meanwhile is no reason to keep less. Null: go. Raises as `beforeWrite`.
 */
export function beforeKeeping(turn: Turn): Promise<Stop | null> {
  return haltedNow(turn);
}

/** The target as it is now, as the guard judges it. Null: go on. */
export async function judgedNow(turn: Turn, plan: Plan, touched: boolean): Promise<Stop | null> {
  const { engine, record, held } = turn;
  const facts = await factsFor(engine, record.target, record.rule);
  if (facts === null) return { stop: "gone", reason: "the target has gone" };
  if (isAnother(facts, plan)) {
    return { stop: "replaced", reason: "another object has taken the target's name" };
  }
  const entry = held.row.entries[record.playbook];
  const judged = await askGuard(engine, {
    record: judgedBy(record, entry),
    playbook: playbookOf(turn),
    facts,
    episodes: episodesOfDay(entry?.episodes ?? [], engine.clock.now()).length,
    touched,
  });
  switch (judged.verdict) {
    case "refuse":
      return { stop: "refused", reason: judged.reason };
    case "skip":
      return { stop: "excepted", reason: judged.reason };
    case "go":
      return judged.mode === "enforce"
        ? null
        : { ...judged, stop: "lowered", reason: judged.lowered ?? `no more than ${judged.mode} is allowed` };
  }
}

/**
 * Asked right before each write that takes something back: the time of the lease, and what protects the target now.
 * Null: go; else why it may not be touched. Raises as `beforeWrite` does.
 */
export async function beforeTakingBack(turn: Turn, plan: Plan): Promise<string | null> {
  const { engine, record } = turn;
  mustHaveTime(turn);
  const seen = await factsFor(engine, record.target, record.rule);
  // Its place may be protected though the object that was touched is no more.
  const facts =
    seen === null || isAnother(seen, plan) ? await factsAround(engine, record.target, record.rule) : seen;
  const { scope, protectedNamespaces } = engine.configuration;
  const reason = facts === null ? null : protection({ record, facts, scope, protectedNamespaces });
  mustHaveTime(turn);
  return reason;
}

async function haltedNow(turn: Turn): Promise<Stop | null> {
  mustHaveTime(turn);
  const reason = await heldBack(turn.engine, turn.record);
  return reason === null ? null : { stop: "held", reason };
}

function mustHaveTime({ engine, until }: Turn): void {
  if (engine.clock.now() >= until) throw new TimeIsUp();
}

function isAnother({ uid }: TargetFacts, { identity }: Plan): boolean {
  return identity !== "" && uid !== null && uid !== identity;
}

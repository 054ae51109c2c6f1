import { Retryable } from "../../model/errors.ts";
import { UNSEEN } from "../../store/target-row.ts";
import type { Change } from "../commit.ts";
import type { Turn } from "../drive.ts";
import { readFacts } from "../target-facts.ts";
import { asOutcome, defer } from "./outcomes.ts";

/**
 * Decides a step that has to know whether another object bears the target's name by now: as a joined signal noted it,
 * or looked up where that signal could not look itself. The answer is the newer object's identity, or null.
 */
export async function knowingTheObject(
  turn: Turn,
  decide: (newer: string | null) => Change | Promise<Change>,
): Promise<Change> {
  const { record, held } = turn;
  const noted = held.row.entries[record.playbook]?.newerIdentity ?? null;
  if (noted !== UNSEEN) return decide(noted === record.identity ? null : noted);
  let newer: string | null;
  try {
    newer = await seenNow(turn);
  } catch (raised) {
    const error = asOutcome(raised);
    const patient = new Retryable(error.message, error.advice, { retryAfterMs: 60_000, cause: error });
    return { ...defer(turn, patient), patch: {} };
  }
  const change = await decide(newer);
  return {
    ...change,
    entry: { newerIdentity: newer, ...change.entry },
    stillRight: (entry) => entry.newerIdentity === noted && (change.stillRight?.(entry) ?? true),
  };
}

async function seenNow({ engine, record }: Turn): Promise<string | null> {
  const facts = await readFacts(record.target, engine.ports.read.kubernetes.bind(engine.ports.read));
  const uid = facts?.uid ?? null;
  return uid === record.identity ? null : uid;
}

import { type Change, isClosed } from "../commit.ts";
import type { Step, Turn } from "../drive.ts";
import { APPROVAL_MS, later } from "../engine.ts";
import { knowingTheObject } from "./newer-object.ts";
import { end } from "./outcomes.ts";
import { planAnew } from "./pending.ts";

/** Waits for a person. Lifted by a rule that enforces, ended by a newer object, by Defender, or by its time. */
export const awaitingApproval: Step = (turn) => knowingTheObject(turn, (newer) => decide(turn, newer));

async function decide(turn: Turn, newer: string | null): Promise<Change> {
  const { engine, record, held } = turn;
  const entry = held.row.entries[record.playbook];
  if (newer !== null) return end("superseded", "an alert came for a newer object under this name");
  if (entry !== undefined && isClosed(record, entry))
    return end("superseded", "Defender says that it is over");
  if (entry?.lifted === true) return planAnew(turn);
  const expires = later(new Date(record.createdAt), APPROVAL_MS);
  if (expires <= engine.clock.now()) {
    const expired = end("expired", "nobody decided in time; nothing was changed");
    return { ...expired, stillRight: (fresh) => !fresh.lifted };
  }
  return {
    state: "awaiting-approval",
    reason: record.reason,
    who: "engine",
    what: "still waiting",
    due: expires,
    goOn: false,
  };
}

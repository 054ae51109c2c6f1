import { expiryOf, reminderOf } from "../../model/question.ts";
import { type Change, isClosed } from "../commit.ts";
import type { Step, Turn } from "../drive.ts";
import { knowingTheObject } from "./newer-object.ts";
import { end } from "./outcomes.ts";
import { planAnew } from "./plan-anew.ts";

/**
 * Waits for a person. What one has approved is planned again and goes on if that is still the same plan; else it is
 * lifted by a rule that enforces, or ended by a newer object, by Defender, or by its time, of which it reminds once.
 */
export const awaitingApproval: Step = (turn) => knowingTheObject(turn, (newer) => decide(turn, newer));

async function decide(turn: Turn, newer: string | null): Promise<Change> {
  const { engine, record, held } = turn;
  const entry = held.row.entries[record.playbook];
  if (newer !== null) return end("superseded", "an alert came for a newer object under this name");
  if (entry !== undefined && isClosed(record, entry))
    return end("superseded", "Defender says that it is over");
  if (record.approval !== null || entry?.lifted === true) return planAnew(turn);
  const now = engine.clock.now();
  const expiry = expiryOf(record);
  if (expiry <= now) {
    const expired = end("expired", "nobody decided in time; nothing was changed");
    return { ...expired, stillRight: (fresh) => !fresh.lifted };
  }
  const reminder = reminderOf(record);
  const waits = { state: "awaiting-approval", reason: record.reason, who: "engine", goOn: false } as const;
  if (record.reminded) return { ...waits, what: "still waiting", due: expiry };
  return reminder > now
    ? { ...waits, what: "still waiting", due: reminder }
    : {
        ...waits,
        what: "reminded",
        patch: { reminded: true },
        due: expiry,
        messages: ["approval-reminder"],
      };
}

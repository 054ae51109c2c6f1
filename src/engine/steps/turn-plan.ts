import { Permanent } from "../../model/errors.ts";
import type { Plan } from "../../model/plan.ts";
import type { AnyPlaybook } from "../../model/playbook.ts";
import type { Remediation } from "../../model/remediation.ts";
import { decodePlan, type StoredPlan } from "../../store/record-rows.ts";
import { planRowKey, shardOf } from "../../store/row-keys.ts";
import type { TargetEntry } from "../../store/target-row.ts";
import type { Turn } from "../drive.ts";

/** The playbook of a turn's record. Raises `Permanent` where this version has none of that name. */
export function playbookOf({ engine, record }: Turn): AnyPlaybook {
  const playbook = engine.playbooks.get(record.playbook);
  if (playbook === undefined) {
    throw new Permanent(
      `there is no playbook ${record.playbook} in this version`,
      "Deploy a version that has it, then retry.",
    );
  }
  return playbook;
}

/** What was stored with the record's present plan. */
export async function storedWith(
  { engine, record }: Turn,
  number = record.planNumber,
): Promise<StoredPlan | null> {
  if (number === null) return null;
  const row = await engine.table.get(shardOf(record.id), planRowKey(record.id, number));
  return row === null ? null : decodePlan(row);
}

/** The record's present plan, of just now or as stored. Raises `Permanent` where there is none. */
export async function planOf(turn: Turn): Promise<Plan> {
  const plan = turn.prepared?.plan ?? (await storedWith(turn))?.plan ?? null;
  if (plan === null) {
    throw new Permanent(
      `remediation ${turn.record.id} has no plan`,
      "Its rows were altered; look at its history.",
    );
  }
  return plan;
}

/**
 * The record as the guard judges it: by the last signal that joined, since whoever still alerts is not out of date.
 * What joined late, or is a sample or a copy, makes nothing older or less real.
 */
export function judgedBy(record: Remediation, entry: TargetEntry | undefined): Remediation {
  const signal = entry?.lastSignal ?? null;
  if (signal === null || (signal.unreal !== null && record.signal.unreal === null)) return record;
  const isLate = record.signal.at !== null && (signal.at === null || signal.at < record.signal.at);
  return isLate && (signal.unreal !== null || record.signal.unreal === null) ? record : { ...record, signal };
}

import { type Due, decodeDue } from "../store/record-rows.ts";
import { dueRows, SHARDS } from "../store/row-keys.ts";
import { StoreUnreachable } from "../store/table.ts";
import { NewerSchema } from "../store/target-row.ts";
import { ClusterBreaker } from "./cluster-breaker.ts";
import { type DueMessage, deliver } from "./deliver.ts";
import { drive } from "./drive.ts";
import { type Engine, later } from "./engine.ts";
import { hourlyAndDaily } from "./housekeeping.ts";
import { inParallel } from "./in-parallel.ts";

/** What a sweep did. */
export interface SweepCounts {
  readonly driven: number;
  readonly sent: number;
  /** Left for the next sweep: time was up, a cluster did not answer, or somebody else drives. */
  readonly left: number;
}

const SWEEP_MS = 25_000;
const LANES = 16;
const PER_SHARD = 500;

/**
 * What is due in all sixteen shards: drives records with bounded parallelism and a breaker per cluster, then sends
 * messages. Two sweeps at once are harmless. Raises `StoreUnreachable` only.
 */
export async function sweep(engine: Engine): Promise<SweepCounts> {
  const until = later(engine.clock.now(), SWEEP_MS);
  const due = (await Promise.all(SHARDS.map((shard) => dueOf(engine, shard)))).flat();
  const breaker = new ClusterBreaker();
  const messages: DueMessage[] = due.flatMap((one) => (one.kind === "message" ? [one] : []));
  const drives = due.flatMap((one) => (one.kind === "drive" ? [one] : []));
  let driven = 0;
  await inParallel(LANES, drives, async ({ id, lane }) => {
    if (engine.clock.now() >= until || breaker.isOpen(lane)) return;
    const outcome = await driveOne(engine, id, until);
    if (outcome === null) return;
    breaker.note(lane, outcome.deferred);
    messages.push(...outcome.messages);
    driven += 1;
  });
  await deliver(engine, messages);
  await hourlyAndDaily(engine, until);
  const counts = { driven, sent: messages.length, left: drives.length - driven };
  engine.log({ level: "info", event: "sweep", facts: counts });
  return counts;
}

async function dueOf(engine: Engine, shard: string): Promise<readonly Due[]> {
  const { rows } = await engine.table.range(shard, dueRows(engine.clock.now()), PER_SHARD);
  return rows.flatMap((row) => {
    try {
      return [decodeDue(row)];
    } catch (error) {
      // A newer version wrote it and will do it.
      if (error instanceof NewerSchema) return [];
      throw error;
    }
  });
}

/** Drives one record and what waited for its lease. Null when somebody else has it or it faulted; one fault stops nothing else. */
async function driveOne(
  engine: Engine,
  id: string,
  until: Date,
): Promise<{ readonly deferred: boolean; readonly messages: readonly DueMessage[] } | null> {
  try {
    const { outcome, record, messages } = await drive(engine, id, until);
    return outcome === "rest" ? { deferred: (record?.attempts ?? 0) > 0, messages } : null;
  } catch (error) {
    if (error instanceof StoreUnreachable) throw error;
    const fault = error instanceof Error ? `${error.name}: ${error.message}` : "unknown fault";
    engine.log({ level: "error", event: "engine fault", facts: { id, fault: fault.slice(0, 300) } });
    return null;
  }
}

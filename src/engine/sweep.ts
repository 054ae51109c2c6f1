import { type Due, decodeDue } from "../store/record-rows.ts";
import { dueRows, SHARDS } from "../store/row-keys.ts";
import { type Row, StoreUnreachable } from "../store/table.ts";
import { NewerSchema } from "../store/target-row.ts";
import { ClusterBreaker } from "./cluster-breaker.ts";
import { type DueMessage, deliver } from "./deliver.ts";
import { drive } from "./drive.ts";
import { type Engine, later } from "./engine.ts";
import { hourlyAndDaily } from "./housekeeping.ts";
import { inLanes } from "./in-lanes.ts";
import { isSlow } from "./pace.ts";

/** What a sweep did. */
export interface SweepCounts {
  readonly driven: number;
  readonly sent: number;
  /** Left for the next sweep: time was up, a cluster did not answer, or somebody else drives. */
  readonly left: number;
}

const SWEEP_MS = 25_000;
const LANES = 16;
/** Due rows that one sweep looks through in a shard, and how many of these messages it takes with it. */
const PER_SHARD = 2_000;
const PER_PAGE = 500;
const MESSAGES_PER_SHARD = 500;

/**
 * What is due in all sixteen shards, but for what `slowSweep` drives: drives records, the most severe first and among these the oldest, with bounded
 * parallelism and a breaker per cluster, then sends messages. It looks through the 2,000 oldest due rows of each shard:
 * behind more than that even a critical one waits for the next sweep. Two sweeps at once are harmless. Raises
 * `StoreUnreachable` only.
 */
export async function sweep(engine: Engine): Promise<SweepCounts> {
  const until = later(engine.clock.now(), SWEEP_MS);
  const due = await dueNow(engine);
  const breaker = new ClusterBreaker();
  const messages: DueMessage[] = [...due.messages];
  const drives = due.drives.filter(({ lane }) => !isSlow(engine, lane.cluster)).sort(byUrgency);
  let driven = 0;
  await inLanes(
    LANES,
    drives,
    ({ lane }) => lane.cluster,
    breaker,
    async ({ id, lane }) => {
      if (engine.clock.now() >= until) return;
      const outcome = await driveOne(engine, id, until);
      if (outcome === null) return;
      breaker.note(lane.cluster, outcome.deferred);
      messages.push(...outcome.messages);
      driven += 1;
    },
  );
  await deliver(engine, messages);
  await hourlyAndDaily(engine, until);
  const counts = { driven, sent: messages.length, left: drives.length - driven };
  engine.log({ level: "info", event: "sweep", facts: counts });
  return counts;
}

/** A record that is due. */
export type DueDrive = Extract<Due, { kind: "drive" }>;

/** What is due in all shards, as far as one sweep looks. Raises `StoreUnreachable`. */
export async function dueNow(engine: Engine): Promise<{ drives: DueDrive[]; messages: DueMessage[] }> {
  const due = (await Promise.all(SHARDS.map((shard) => dueOf(engine, shard)))).flat();
  return {
    drives: due.flatMap((one) => (one.kind === "drive" ? [one] : [])),
    messages: due.flatMap((one) => (one.kind === "message" ? [one] : [])),
  };
}

/** The most severe first and among these the oldest: keys of due rows begin with their time. */
export function byUrgency(a: DueDrive, b: DueDrive): number {
  return a.lane.urgency - b.lane.urgency || (a.key < b.key ? -1 : 1);
}

async function dueOf(engine: Engine, shard: string): Promise<readonly Due[]> {
  const { from, to } = dueRows(engine.clock.now());
  const due: Due[] = [];
  let next: string | undefined = from;
  let messages = 0;
  for (let seen = 0; next !== undefined && seen < PER_SHARD; ) {
    const page = await engine.table.range(shard, { from: next, to }, PER_PAGE);
    for (const one of page.rows.flatMap(ofThisVersion)) {
      if (one.kind === "message") messages += 1;
      if (one.kind === "drive" || messages <= MESSAGES_PER_SHARD) due.push(one);
    }
    next = page.next;
    seen += page.rows.length;
  }
  return due;
}

/** A newer version wrote it and will do it. */
function ofThisVersion(row: Row): readonly Due[] {
  try {
    return [decodeDue(row)];
  } catch (error) {
    if (error instanceof NewerSchema) return [];
    throw error;
  }
}

/** Drives one record and what waited for its lease. Null when somebody else has it or it faulted; one fault stops nothing else. */
export async function driveOne(
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

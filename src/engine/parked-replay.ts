import { Refused } from "../model/errors.ts";
import type { Word } from "../model/word.ts";
import { PARKED } from "../store/row-keys.ts";
import { RowConflict, type Table } from "../store/table.ts";
import { noteControl } from "./control-history.ts";
import { eachRow } from "./each-row.ts";
import { type Engine, later } from "./engine.ts";
import { type IngestCounts, ingest } from "./ingest.ts";
import { parkedNotes } from "./parked-events.ts";
import { type ParkedWithBytes, readParked } from "./parked-list.ts";

/** What became of a parked piece that was replayed. */
export interface Replayed {
  readonly id: string;
  /** `done`: everything in it was decided, joined or matched no rule, and it is parked no more. */
  readonly outcome: "done" | "parked again";
  /** Why it stays parked; empty when it is done. */
  readonly reasons: readonly string[];
  readonly counts: IngestCounts;
}

const PER_TRANSACTION = 100;
const REASONS_KEPT = 5;

/**
 * Takes a parked piece through `ingest` once more, and removes it when nothing of it was parked again; on record in the
 * control history. Null where there is none of that id. Raises `Refused` where its bytes are not whole, and
 * `StoreUnreachable`; then it may be replayed again: what was decided is not decided twice.
 */
export async function replayParked(engine: Engine, id: string, word: Word): Promise<Replayed | null> {
  const parked = await readParked(engine.table, id);
  if (parked === null) return null;
  if (!parked.complete) {
    throw new Refused(
      `The parked event ${id} is not whole: a crash cut its parking short.`,
      "Wait until the hub has delivered it again, or drop it.",
    );
  }
  const reasons = new Set<string>();
  const counts = await ingest(engine, [
    {
      body: parked.bytes,
      partition: parked.partition,
      sequence: Number(parked.sequence),
      enqueuedAt: parked.enqueuedAt,
      parkAgain: (reason) => reasons.add(reason),
    },
  ]);
  const isDone = counts.parked === 0;
  const kept = [...reasons].slice(0, REASONS_KEPT);
  const outcome = isDone ? "done" : "parked again";
  await noteControl(engine, {
    what: "parked replayed",
    word,
    details: { ...factsOf(parked), outcome, reasons: kept, counts },
  });
  if (isDone) await removeRows(engine.table, parked.keys);
  return { id, outcome, reasons: kept, counts };
}

/** Removes a parked piece for good, on record in the control history. False where there is none of that id. Raises `StoreUnreachable`. */
export async function dropParked(engine: Engine, id: string, word: Word): Promise<boolean> {
  const parked = await readParked(engine.table, id);
  if (parked === null) return false;
  await noteControl(engine, { what: "parked dropped", word, details: factsOf(parked) });
  await removeRows(engine.table, parked.keys);
  return true;
}

/** Removes what was parked longer ago than records are kept: by then the hub and Defender keep nothing of it either. */
export async function removeOldParked(engine: Engine, until: Date): Promise<void> {
  const to = later(engine.clock.now(), -engine.configuration.retentionMs);
  for await (const { key, cells } of eachRow(engine.table, PARKED, parkedNotes({ to }))) {
    if (engine.clock.now() >= until) return;
    const name = String(cells["name"]);
    const keys = [key];
    for await (const row of eachRow(engine.table, PARKED, { from: `${name}!`, to: `${name}!~` }))
      keys.push(row.key);
    await removeRows(engine.table, keys);
  }
}

function factsOf({ id, reason, at, enqueuedAt, size }: ParkedWithBytes): Readonly<Record<string, unknown>> {
  return { id, reason, at, enqueuedAt, size };
}

/** Somebody else who removed them is no matter. */
async function removeRows(table: Table, keys: readonly string[]): Promise<void> {
  for (let start = 0; start < keys.length; start += PER_TRANSACTION) {
    const some = keys.slice(start, start + PER_TRANSACTION);
    try {
      await table.transact(
        PARKED,
        some.map((key) => ({ do: "delete", key, etag: "*" })),
      );
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
      await removeSingly(table, some);
    }
  }
}

async function removeSingly(table: Table, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    try {
      await table.transact(PARKED, [{ do: "delete", key, etag: "*" }]);
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
    }
  }
}

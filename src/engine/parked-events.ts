import { createHash } from "node:crypto";
import { cellText } from "../store/cell-json.ts";
import { packBytes, unpackBytes } from "../store/compressed-cells.ts";
import { PARKED } from "../store/row-keys.ts";
import { type Row, RowConflict, type Table } from "../store/table.ts";
import { SCHEMA } from "../store/target-row.ts";
import type { Engine } from "./engine.ts";

/** One event of the hub, as bytes, with where it stood. */
export interface HubEvent {
  readonly body: Uint8Array;
  readonly partition: string;
  readonly sequence: number;
  /** ISO 8601; null where the host did not say. */
  readonly enqueuedAt: string | null;
}

/** A piece of an event that waits for a person: why, and its bytes. */
export interface ParkedEvent {
  readonly key: string;
  readonly reason: string;
  readonly at: string;
  readonly bytes: Uint8Array;
}

// What does not shrink stays under the limit of one packed row.
const PIECE_BYTES = 480 * 1024;

/**
 * Parks a piece of an event (its number, or `event` for all of it) with its reason and bytes, under hub partition,
 * sequence number and hash of the bytes, so that redelivery parks it once. Raises `StoreUnreachable`.
 */
export async function park(
  engine: Pick<Engine, "table" | "clock">,
  event: HubEvent,
  piece: number | "event",
  reason: string,
  bytes: Uint8Array,
): Promise<void> {
  const name = parkedName(event, piece, bytes);
  const rows = Math.max(1, Math.ceil(bytes.length / PIECE_BYTES));
  const about = {
    schema: SCHEMA,
    reason: cellText(reason, 1_000),
    at: engine.clock.now().toISOString(),
    enqueuedAt: event.enqueuedAt ?? "",
    rows,
  };
  // Row by row: a body may be larger than a transaction, and each row can be repeated by itself.
  for (let row = 0; row < rows; row++) {
    const cells = { ...about, ...packBytes(bytes.subarray(row * PIECE_BYTES, (row + 1) * PIECE_BYTES)) };
    const key = `${name}!${String(row).padStart(4, "0")}`;
    try {
      await engine.table.transact(PARKED, [{ do: "insert", key, cells }]);
    } catch (error) {
      // It is parked already: by an earlier delivery, or by us with the answer lost.
      if (!(error instanceof RowConflict)) throw error;
    }
  }
}

function parkedName(event: HubEvent, piece: number | "event", bytes: Uint8Array): string {
  const partition = event.partition.slice(0, 100).replaceAll(/[^\w-]/g, "_");
  const sequence = String(event.sequence).padStart(20, "0");
  // A hub that was made anew counts from the start again: other bytes are another event.
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  return `${partition}!${sequence}!${String(piece).padStart(4, "0")}!${hash}`;
}

/** Whole parked pieces with their bytes, oldest of a partition first: those of `limit` rows, and what the last lacks. */
export async function listParked(
  table: Table,
  limit: number,
  from = "",
): Promise<{ readonly events: readonly ParkedEvent[]; readonly next?: string }> {
  const page = await table.range(PARKED, { from, to: "~" }, limit);
  const rows = [...page.rows];
  let { next } = page;
  const last = rows.at(-1);
  if (next !== undefined && last !== undefined) {
    const end = `${nameOf(last)}!~`;
    while (next !== undefined && next < end) {
      const more = await table.range(PARKED, { from: next, to: end }, limit);
      rows.push(...more.rows);
      next = more.next ?? end;
    }
  }
  const events = [...Map.groupBy(rows, nameOf)].map(([key, of]) => parkedEvent(key, of));
  return { events, ...(next === undefined ? {} : { next }) };
}

function nameOf(row: Row): string {
  return row.key.slice(0, row.key.lastIndexOf("!"));
}

function parkedEvent(key: string, rows: readonly Row[]): ParkedEvent {
  const [first] = rows;
  return {
    key,
    reason: String(first?.cells["reason"]),
    at: String(first?.cells["at"]),
    bytes: Buffer.concat(rows.map((row) => unpackBytes(row.cells))),
  };
}

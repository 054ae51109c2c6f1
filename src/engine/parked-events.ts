import { createHash } from "node:crypto";
import { cellText } from "../store/cell-json.ts";
import { packBytes } from "../store/compressed-cells.ts";
import { PARKED } from "../store/row-keys.ts";
import { type Operation, type Range, RowConflict } from "../store/table.ts";
import { SCHEMA } from "../store/target-row.ts";
import { type Engine, later } from "./engine.ts";

/** One event of the hub, as bytes, with where it stood. */
export interface HubEvent {
  readonly body: Uint8Array;
  readonly partition: string;
  readonly sequence: number;
  /** ISO 8601; null where the host did not say. */
  readonly enqueuedAt: string | null;
  /** In place of parking: the event is parked already, and whoever replays it hears why it would be again. */
  readonly parkAgain?: (reason: string) => void;
}

// What does not shrink stays under the limit of one packed row.
const PIECE_BYTES = 480 * 1024;
const LATEST = 9_999_999_999_999;

/** Row key of a part of a parked piece. */
export function parkedKey(name: string, part: number): string {
  return `${name}!${String(part).padStart(4, "0")}`;
}

/** Row key of the note by which a parked piece is listed, newest first; its rows of bytes sort behind all notes. */
export function parkedNoteKey(at: Date, name: string): string {
  return `!${invertedTime(at)}!${name}`;
}

/** Notes of what was parked in `[from, to)`, newest first. Absent bounds are open. */
export function parkedNotes(parked: { from?: Date; to?: Date } = {}): Range {
  return {
    from: parked.to === undefined ? "!0" : `!${invertedTime(later(parked.to, -1))}`,
    to: parked.from === undefined ? "!~" : `!${invertedTime(later(parked.from, -1))}`,
  };
}

function invertedTime(at: Date): string {
  return String(LATEST - at.getTime()).padStart(13, "0");
}

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
  if (event.parkAgain !== undefined) {
    event.parkAgain(reason);
    return;
  }
  const name = parkedName(event, piece, bytes);
  const rows = Math.max(1, Math.ceil(bytes.length / PIECE_BYTES));
  const now = engine.clock.now();
  const about = {
    schema: SCHEMA,
    reason: cellText(reason, 1_000),
    at: now.toISOString(),
    enqueuedAt: cellText(event.enqueuedAt ?? "", 100),
    rows,
    size: bytes.length,
  };
  // Row by row: a body may be larger than a transaction, and each row can be repeated by itself.
  for (let row = 0; row < rows; row++) {
    const cells = { ...about, ...packBytes(bytes.subarray(row * PIECE_BYTES, (row + 1) * PIECE_BYTES)) };
    const first: Operation[] = [{ do: "insert", key: parkedNoteKey(now, name), cells: { ...about, name } }];
    const insert: Operation = { do: "insert", key: parkedKey(name, row), cells };
    try {
      await engine.table.transact(PARKED, [insert, ...(row === 0 ? first : [])]);
    } catch (error) {
      // It is parked already: by an earlier delivery, or by us with the answer lost.
      if (!(error instanceof RowConflict)) throw error;
    }
  }
}

function parkedName(event: HubEvent, piece: number | "event", bytes: Uint8Array): string {
  const partition = event.partition.slice(0, 100).replaceAll(/[^\w-]/g, "_") || "_";
  const sequence = String(event.sequence)
    .replaceAll(/[^\w-]/g, "_")
    // The id of a parked piece leaves zeros at the start out, however many there were.
    .replace(/^0+(?=.)/, "")
    .padStart(20, "0");
  // A hub that was made anew counts from the start again: other bytes are another event.
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  return `${partition}!${sequence}!${String(piece).padStart(4, "0")}!${hash}`;
}

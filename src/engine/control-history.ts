import { hashOf } from "../model/canonical-json.ts";
import type { Word } from "../model/word.ts";
import { packBytes, unpackBytes } from "../store/compressed-cells.ts";
import { CONTROL } from "../store/row-keys.ts";
import { type Operation, type Range, type Row, RowConflict, StoreUnreachable } from "../store/table.ts";
import { checkSchema, SCHEMA } from "../store/target-row.ts";
import type { Engine } from "./engine.ts";

/** Something that happened to the whole and not to one remediation: a pause, a trip, another configuration. */
export interface ControlNote {
  /** In a word or two: `pause`, `resume`, `trip`, `configuration`, `parked dropped`, `parked replayed`. */
  readonly what: string;
  /** Whose word it was; null: the engine's own doing. */
  readonly word: Word | null;
  /** Facts that belong to it. Never a secret. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** One row of the control history, chained like the rows of a remediation: the hash covers the row and the hash before. */
export interface ControlRow {
  readonly sequence: number;
  /** ISO 8601. */
  readonly at: string;
  readonly who: string;
  /** Tenant and object id of a person; empty where it was the engine. */
  readonly id: string;
  readonly what: string;
  readonly why: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** Tells two writers of the same note apart. */
  readonly token: string;
  readonly previous: string;
  readonly hash: string;
}

/** The row that points to the end of the control history: its number and hash. */
export const HISTORY_HEAD = "history-latest";
const TRIES = 10;
const LONGEST_WHY = 1_000;

/** All rows of the control history, or those behind one. */
export function historyRows(behind = 0): Range {
  return { from: historyKey(behind + 1), to: "history-9~" };
}

/** Row key of one row of the control history. */
export function historyKey(sequence: number): string {
  return `history-${String(sequence).padStart(8, "0")}`;
}

/** The row of the control history that a stored row holds. Raises `Permanent` and `NewerSchema`. */
export function decodeControl(row: Row): ControlRow {
  checkSchema(row);
  return JSON.parse(new TextDecoder().decode(unpackBytes(row.cells))) as ControlRow;
}

/** The hash that a row must have, computed from its content. */
export function controlHashOf({ hash: _own, ...row }: ControlRow): string {
  return hashOf(row);
}

/**
 * Adds a row to the control history; with it, in the same transaction, go the operations on `control` that are
 * handed in. Several writers get one after the other. Raises `StoreUnreachable`, and `RowConflict` where one of the
 * operations handed in was refused: then nothing was written.
 */
export async function noteControl(
  engine: Pick<Engine, "table" | "clock" | "randomness">,
  note: ControlNote,
  also: readonly Operation[] = [],
): Promise<void> {
  const at = engine.clock.now().toISOString();
  const token = engine.randomness.hex(16);
  let head = await headOf(engine);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const row = composed(note, head, at, token);
    try {
      await engine.table.transact(CONTROL, [...operationsOf(row, head), ...also]);
      return;
    } catch (error) {
      if (!(error instanceof RowConflict || error instanceof StoreUnreachable)) throw error;
      // Our own success may have been answered so: the row shows it.
      const stored = await engine.table.get(CONTROL, historyKey(row.sequence));
      if (stored?.cells["hash"] === row.hash) return;
      const now = await headOf(engine);
      const hasMoved = now.etag !== head.etag;
      if (!hasMoved && error instanceof RowConflict) throw error;
      head = now;
    }
  }
  throw new StoreUnreachable(`the control history took no row in ${TRIES} tries`);
}

interface Head {
  readonly sequence: number;
  readonly hash: string;
  /** Null: there is no history yet. */
  readonly etag: string | null;
}

async function headOf(engine: Pick<Engine, "table">): Promise<Head> {
  const row = await engine.table.get(CONTROL, HISTORY_HEAD);
  return row === null
    ? { sequence: 0, hash: "", etag: null }
    : { sequence: Number(row.cells["sequence"]), hash: String(row.cells["hash"]), etag: row.etag };
}

function composed({ what, word, details }: ControlNote, head: Head, at: string, token: string): ControlRow {
  const row = {
    sequence: head.sequence + 1,
    at,
    who: word?.who ?? "engine",
    id: word?.id ?? "",
    what,
    why: (word?.why ?? "").slice(0, LONGEST_WHY),
    // As it will be read: what JSON leaves out must not be in the hash.
    details: JSON.parse(JSON.stringify(details)) as Record<string, unknown>,
    token,
    previous: head.hash,
  };
  return { ...row, hash: hashOf(row) };
}

function operationsOf(row: ControlRow, head: Head): Operation[] {
  const cells = { schema: SCHEMA, sequence: row.sequence, hash: row.hash };
  const bytes = packBytes(new TextEncoder().encode(JSON.stringify(row)));
  return [
    { do: "insert", key: historyKey(row.sequence), cells: { schema: SCHEMA, hash: row.hash, ...bytes } },
    head.etag === null
      ? { do: "insert", key: HISTORY_HEAD, cells }
      : { do: "replace", key: HISTORY_HEAD, cells, etag: head.etag },
  ];
}

import { unpackBytes } from "../store/compressed-cells.ts";
import { PARKED } from "../store/row-keys.ts";
import type { Row, Table } from "../store/table.ts";
import { eachRow } from "./each-row.ts";
import { parkedKey, parkedNoteKey, parkedNotes } from "./parked-events.ts";

/** A piece of an event that waits for a person: where it stood in the hub, and why it was parked. */
export interface Parked {
  /** Hub partition, sequence number, place in the event and hash, with dots between. */
  readonly id: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly at: string;
  readonly partition: string;
  readonly sequence: string;
  /** Number of the record in its event; `event` for all of it. */
  readonly piece: string;
  /** ISO 8601; null where the host did not say. */
  readonly enqueuedAt: string | null;
  /** In bytes. */
  readonly size: number;
}

/** A parked piece with its bytes. */
export interface ParkedWithBytes extends Parked {
  readonly bytes: Uint8Array;
  /** False: a crash cut its parking short, and the hub has not delivered it again yet; bytes are missing. */
  readonly complete: boolean;
  /** The keys of all its rows, the note first. */
  readonly keys: readonly string[];
}

/** One page, newest first; `next` is the `after` of the next page. */
export interface ParkedPage {
  readonly events: readonly Parked[];
  readonly next: string | null;
}

const LONGEST_PAGE = 1_000;
const ID = /^([\w-]{1,100})\.([\w-]{1,40})\.(\d{1,9}|event)\.([0-9a-f]{12})$/;
const CURSOR = /^\d{13}![\w-]{1,100}![\w-]{20,40}![\w-]{4,9}![0-9a-f]{12}$/;

/** Is this text the id of a parked piece? Everything else never reaches the table. */
export function isParkedId(text: string): boolean {
  return ID.test(text);
}

/** Is this text the `next` of a page? */
export function isParkedCursor(text: string): boolean {
  return CURSOR.test(text);
}

/** Lists what is parked, newest first. Raises `StoreUnreachable`. */
export async function listParked(
  table: Table,
  limit: number,
  after: string | null = null,
): Promise<ParkedPage> {
  const all = parkedNotes();
  const from = after === null ? all.from : `!${after}~`;
  const notes: Row[] = [];
  let at: string | undefined = from;
  while (at !== undefined && notes.length <= limit) {
    const page: Awaited<ReturnType<Table["range"]>> = await table.range(
      PARKED,
      { from: at, to: all.to },
      Math.min(limit + 1, LONGEST_PAGE),
    );
    notes.push(...page.rows);
    at = page.next;
  }
  const shown = notes.slice(0, limit);
  const last = shown.at(-1);
  return {
    events: shown.map(parkedOf),
    next: notes.length > limit && last !== undefined ? last.key.slice(1) : null,
  };
}

/** A parked piece with its bytes; null where there is none of that id. Raises `StoreUnreachable`. */
export async function readParked(table: Table, id: string): Promise<ParkedWithBytes | null> {
  const [, partition, sequence, piece, hash] = ID.exec(id) ?? [];
  if (partition === undefined || sequence === undefined || piece === undefined) return null;
  return readByName(table, `${partition}!${sequence.padStart(20, "0")}!${piece.padStart(4, "0")}!${hash}`);
}

async function readByName(table: Table, name: string): Promise<ParkedWithBytes | null> {
  const parts: Row[] = [];
  for await (const row of eachRow(table, PARKED, { from: `${name}!`, to: `${name}!~` })) parts.push(row);
  const [first] = parts;
  if (first === undefined) return null;
  const complete =
    parts.length === first.cells["rows"] && parts.every(({ key }, part) => key === parkedKey(name, part));
  const note = parkedNoteKey(new Date(String(first.cells["at"])), name);
  return {
    ...parkedOf({ ...first, cells: { ...first.cells, name } }),
    bytes: Buffer.concat(parts.map((row) => unpackBytes(row.cells))),
    complete,
    keys: [note, ...parts.map(({ key }) => key)],
  };
}

function parkedOf({ cells }: Row): Parked {
  const [partition = "", sequence = "", piece = "", hash = ""] = String(cells["name"]).split("!");
  const enqueuedAt = String(cells["enqueuedAt"]);
  const short = { sequence: unpadded(sequence), piece: unpadded(piece) };
  return {
    id: [partition, short.sequence, short.piece, hash].join("."),
    reason: String(cells["reason"]),
    at: String(cells["at"]),
    partition,
    ...short,
    enqueuedAt: enqueuedAt === "" ? null : enqueuedAt,
    size: Number(cells["size"]),
  };
}

function unpadded(text: string): string {
  return text.replace(/^0+(?=.)/, "");
}

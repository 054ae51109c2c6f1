import { signalHash } from "../store/row-keys.ts";
import type { Operation, Row } from "../store/table.ts";
import { checkSchema, SCHEMA } from "../store/target-row.ts";

/** One use of a budget: by whom (a hash), how much of it, and since when, in milliseconds. */
export interface Use {
  readonly id: string;
  readonly weight: number;
  readonly at: number;
}

/** A budget row as it was read. `told`: the hour in which somebody was told that it is full. No ETag: it is not there yet. */
export interface BudgetRow {
  readonly uses: ReadonlyMap<string, Use>;
  readonly told: string;
  readonly etag: string | null;
}

/** What a row is about, for whoever reads the table. */
export interface About {
  readonly kind: string;
  readonly name: string;
}

/** Places in a row of an hour: its cell holds 32 Ki characters, and a use with a short hash takes up to 28. */
export const MOST_OF_HOUR = 1_000;
/** Places in a row of a share, where whole hashes lead to target rows: a use takes up to 46 characters. */
export const MOST_OF_SHARE = 700;
/** A row that nobody has written yet. */
export const UNUSED: BudgetRow = { uses: new Map(), told: "", etag: null };

const NAME_KEPT = 300;
const HOUR_CHARS = "2026-03-02T08".length;

/** The hour of a moment, as rows name it (UTC). */
export function hourOf(at: Date): string {
  return at.toISOString().slice(0, HOUR_CHARS);
}

/** When an hour began. */
export function startOf(hour: string): Date {
  return new Date(`${hour}:00:00.000Z`);
}

/** Key of the row of one budget in one hour; they sort by hour. */
export function hourKey(hour: string, { kind, name }: About): string {
  return `h!${hour}!${kind}!${nameHash(name)}`;
}

/** Key of the row of what is held of one workload or namespace. */
export function shareKey({ kind, name }: About): string {
  return `s!${kind}!${nameHash(name)}`;
}

function nameHash(name: string): string {
  return signalHash(name.toWellFormed());
}

/** The budget row of a stored row. Raises `NewerSchema`. */
export function decodeBudgetRow(row: Row): BudgetRow {
  checkSchema(row);
  const text = String(row.cells["uses"]);
  const uses = text === "" ? [] : text.split(",").map(decodeUse);
  return {
    uses: new Map(uses.map((use) => [use.id, use])),
    told: String(row.cells["told"]),
    etag: row.etag,
  };
}

function decodeUse(text: string): Use {
  const [id = "", weight = "", at = ""] = text.split(".");
  return { id, weight: Number(weight), at: Number.parseInt(at, 36) * 1_000 };
}

/** Inserts a budget row, or replaces the one that was read: who moved it meanwhile makes this a conflict. */
export function writeBudgetRow(key: string, { kind, name }: About, row: BudgetRow): Operation {
  const uses = [...row.uses.values()].map(
    ({ id, weight, at }) => `${id}.${weight}.${Math.floor(at / 1_000).toString(36)}`,
  );
  const cells = {
    schema: SCHEMA,
    kind,
    name: name.toWellFormed().slice(0, NAME_KEPT).toWellFormed(),
    uses: uses.join(","),
    told: row.told,
  };
  return row.etag === null ? { do: "insert", key, cells } : { do: "replace", key, cells, etag: row.etag };
}

import { hashOf } from "../model/canonical-json.ts";
import { CONTROL } from "../store/row-keys.ts";
import type { Cell, Row, Table } from "../store/table.ts";
import { checkSchema, SCHEMA } from "../store/target-row.ts";
import { eachRow } from "./each-row.ts";

/** One daily root: a hash over the heads of all histories that changed since the root before, and over that root's hash. */
export interface Root {
  /** From 1, without gaps. */
  readonly number: number;
  /** ISO 8601. */
  readonly at: string;
  readonly previous: string;
  /** How many heads it covers. */
  readonly heads: number;
  /** Hashes of the lists of heads, each of which is a row. */
  readonly lists: readonly string[];
  /** How long histories were kept when it was written; null: for ever. */
  readonly auditRetentionMs: number | null;
  readonly hash: string;
}

/** The row that shows the last root. */
export const LATEST_ROOT = "root-latest";
const FOR_EVER = -1;

/** Seals a root: the hash covers all of it. */
export function sealRoot(root: Omit<Root, "hash">): Root {
  return { ...root, hash: rootHashOf(root) };
}

/** The hash that a root must have, computed from its content. */
export function rootHashOf(root: Omit<Root, "hash">): string {
  const { number, at, previous, heads, lists, auditRetentionMs } = root;
  return hashOf({ number, at, previous, heads, lists, auditRetentionMs });
}

/** Row key of a root. */
export function rootKey(number: number): string {
  return `root-${String(number).padStart(8, "0")}`;
}

/** The cells of a root row. */
export function encodeRoot({ lists, auditRetentionMs, ...root }: Root): Record<string, Cell> {
  return {
    schema: SCHEMA,
    ...root,
    lists: JSON.stringify(lists),
    auditRetentionMs: auditRetentionMs ?? FOR_EVER,
  };
}

/** The root of a stored row. Raises `NewerSchema`, and `SyntaxError` for damaged ones. */
export function decodeRoot(row: Row): Root {
  checkSchema(row);
  const { cells } = row;
  const lists: unknown = JSON.parse(String(cells["lists"]));
  const retention = Number(cells["auditRetentionMs"]);
  return {
    number: Number(cells["number"]),
    at: String(cells["at"]),
    previous: String(cells["previous"]),
    heads: Number(cells["heads"]),
    lists: Array.isArray(lists) ? lists.map(String) : [],
    auditRetentionMs: retention === FOR_EVER ? null : retention,
    hash: String(cells["hash"]),
  };
}

/** The rows of all roots, in their order. */
export async function rootRows(table: Table): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for await (const row of eachRow(table, CONTROL, { from: "root-0", to: "root-9~" })) rows.push(row);
  return rows;
}

/**
 * What was begun before this moment may have been removed by age: the latest that any root, or the configuration as
 * it is now, allows; null where nothing may.
 */
export function removableBefore(
  roots: readonly Root[],
  now: Date,
  auditRetentionMs: number | null,
): Date | null {
  const allowed = [...roots, { at: now.toISOString(), auditRetentionMs }].flatMap((root) =>
    root.auditRetentionMs === null ? [] : [new Date(root.at).getTime() - root.auditRetentionMs],
  );
  return allowed.length === 0 ? null : new Date(Math.max(...allowed));
}

import { hashOf } from "../model/canonical-json.ts";
import { packBytes, unpackBytes } from "../store/compressed-cells.ts";
import { CONTROL } from "../store/row-keys.ts";
import { type Row, RowConflict, type Table } from "../store/table.ts";
import { checkSchema, SCHEMA } from "../store/target-row.ts";

/** The end of one history when a root was written. */
export interface Head {
  readonly id: string;
  /** Number and hash of the last audit row. */
  readonly sequence: number;
  readonly hash: string;
  /** The whole history was removed by age since the root before. */
  readonly removed: boolean;
}

/** Heads of one row: some fifty bytes each when compressed, and a row holds 512 KiB. */
export const HEADS_PER_ROW = 5_000;

/** Text of a head as the hash covers it. */
function textOf({ id, sequence, hash, removed }: Head): string {
  return `${id}:${sequence}:${hash}${removed ? ":removed" : ""}`;
}

function headOf(text: string): Head {
  const [id = "", sequence = "", hash = "", removed] = text.split(":");
  return { id, sequence: Number(sequence), hash, removed: removed === "removed" };
}

/** The hash of a list of heads, by which a root names it. */
export function headsHashOf(heads: readonly Head[]): string {
  return hashOf(heads.map(textOf));
}

/** Row key of the heads of a root. Named by their hash: two who write one root never overwrite each other. */
export function headsKey(root: number, hash: string): string {
  return `heads-${String(root).padStart(8, "0")}!${hash}`;
}

/** Stores heads for a root that will name them and returns their hash. Raises `StoreUnreachable`. */
export async function storeHeads(table: Table, root: number, heads: readonly Head[]): Promise<string> {
  const hash = headsHashOf(heads);
  const bytes = new TextEncoder().encode(JSON.stringify(heads.map(textOf)));
  const cells = { schema: SCHEMA, ...packBytes(bytes) };
  await table.transact(CONTROL, [{ do: "upsert", key: headsKey(root, hash), cells }]);
  return hash;
}

/** The heads of a stored row. Raises `NewerSchema`, and `Permanent` or `SyntaxError` for damaged ones. */
export function decodeHeads(row: Row): readonly Head[] {
  checkSchema(row);
  const texts: unknown = JSON.parse(new TextDecoder().decode(unpackBytes(row.cells)));
  return Array.isArray(texts) ? texts.map((text) => headOf(String(text))) : [];
}

/** Removes the heads of roots up to and including a number: all that they name may have been removed by age. */
export async function removeHeads(table: Table, upTo: number): Promise<void> {
  const range = { from: "heads-", to: headsKey(upTo, "~") };
  for (;;) {
    const { rows } = await table.range(CONTROL, range, 10);
    if (rows.length === 0) return;
    try {
      await table.transact(
        CONTROL,
        rows.map(({ key }) => ({ do: "delete", key, etag: "*" })),
      );
    } catch (error) {
      // Somebody else is at it.
      if (!(error instanceof RowConflict)) throw error;
      return;
    }
  }
}

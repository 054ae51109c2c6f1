import { CONTROL } from "../store/row-keys.ts";
import { type Operation, type Row, RowConflict, type Table } from "../store/table.ts";
import { SCHEMA } from "../store/target-row.ts";
import type { Head } from "./audit-heads.ts";
import { eachRow } from "./each-row.ts";

const PREFIX = "removed-";
const PER_TRANSACTION = 100;

/** A head that no record row shows any more, kept in `control` until a daily root has covered it. */
export interface RemovedHead {
  readonly head: Head;
  readonly row: Row;
}

/** Notes the head of a history whose record was removed, or which was removed itself. Raises `StoreUnreachable`. */
export async function noteRemovedHead(table: Table, { id, sequence, hash, removed }: Head): Promise<void> {
  const cells = { schema: SCHEMA, sequence, hash, removed };
  await table.transact(CONTROL, [{ do: "upsert", key: `${PREFIX}${id}`, cells }]);
}

/** The head of a history that is noted as removed and that no root covers yet; null where there is none. */
export async function removedHead(table: Table, id: string): Promise<Head | null> {
  const row = await table.get(CONTROL, `${PREFIX}${id}`);
  return row === null ? null : headOf(row);
}

/** All that wait for a root. */
export async function removedHeads(table: Table): Promise<readonly RemovedHead[]> {
  const all: RemovedHead[] = [];
  for await (const row of eachRow(table, CONTROL, { from: PREFIX, to: `${PREFIX}~` }))
    all.push({ head: headOf(row), row });
  return all;
}

function headOf({ key, cells }: Row): Head {
  return {
    id: key.slice(PREFIX.length),
    sequence: Number(cells["sequence"]),
    hash: String(cells["hash"]),
    removed: cells["removed"] === true,
  };
}

/** Forgets heads that a root covers now; one that was noted anew meanwhile stays for the next root. */
export async function forgetRemovedHeads(table: Table, covered: readonly RemovedHead[]): Promise<void> {
  for (let start = 0; start < covered.length; start += PER_TRANSACTION) {
    const deletes = covered
      .slice(start, start + PER_TRANSACTION)
      .map(({ row }): Operation => ({ do: "delete", key: row.key, etag: row.etag }));
    if (await isDone(table, deletes)) continue;
    for (const one of deletes) await isDone(table, [one]);
  }
}

async function isDone(table: Table, operations: readonly Operation[]): Promise<boolean> {
  try {
    await table.transact(CONTROL, operations);
    return true;
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
    return false;
  }
}

import { isOpen, type Remediation } from "../model/remediation.ts";
import { decodeRecord } from "../store/record-rows.ts";
import {
  CONTROL,
  recordRowKey,
  recordRows,
  rowsOf,
  SHARDS,
  signalRowsOf,
  targetHash,
  targetRowKey,
} from "../store/row-keys.ts";
import { type Operation, type Row, RowConflict } from "../store/table.ts";
import { encodeTargetRow, SCHEMA } from "../store/target-row.ts";
import { eachRow } from "./each-row.ts";
import { type Engine, later } from "./engine.ts";
import { isLeased, readTarget } from "./held-target.ts";

const PER_TRANSACTION = 90;

/** Heads of removed records stand in `control` under this, until a daily root has covered them. */
export const REMOVED = "removed-";

/** Removes remediations that ended longer ago than the configuration keeps them: whole, record row last, empty target rows with them. */
export async function retire(engine: Engine, until: Date): Promise<void> {
  const keep = later(engine.clock.now(), -engine.configuration.retentionMs);
  for (const shard of SHARDS) {
    for await (const row of eachRow(engine.table, shard, recordRows(shard, { to: keep }))) {
      if (engine.clock.now() >= until) return;
      const record = ofThisVersion(row);
      if (record === null || isOpen(record.state)) continue;
      if (new Date(record.updatedAt) < keep) await remove(engine, shard, record);
    }
  }
}

/** A newer version retires its own. */
function ofThisVersion(row: Row): Remediation | null {
  return Number(row.cells["schema"]) > SCHEMA ? null : decodeRecord(row);
}

async function remove(engine: Engine, shard: string, record: Remediation): Promise<void> {
  const hash = targetHash(record.target, record.aside);
  const keys: string[] = [];
  for (const kind of ["p", "a"] as const) {
    for await (const row of eachRow(engine.table, shard, rowsOf(kind, record.id))) keys.push(row.key);
  }
  for await (const row of eachRow(engine.table, shard, signalRowsOf(hash))) {
    if (row.cells["id"] === record.id) keys.push(row.key);
  }
  try {
    for (let start = 0; start < keys.length; start += PER_TRANSACTION) {
      const some = keys.slice(start, start + PER_TRANSACTION);
      await engine.table.transact(
        shard,
        some.map((key) => ({ do: "delete", key, etag: "*" })),
      );
    }
    const target = await withoutEntry(engine, hash, record);
    if (target === "busy") return;
    const head = { schema: SCHEMA, hash: record.auditHash, at: engine.clock.now().toISOString() };
    await engine.table.transact(CONTROL, [{ do: "upsert", key: `${REMOVED}${record.id}`, cells: head }]);
    await engine.table.transact(shard, [
      { do: "delete", key: recordRowKey(record.id), etag: "*" },
      ...target,
    ]);
  } catch (error) {
    // Somebody else is at it, or the answer was lost: the next hour finds what is left.
    if (!(error instanceof RowConflict)) throw error;
  }
}

/** Takes the record's entry out of its target row, and the row away with the last one. */
async function withoutEntry(
  engine: Engine,
  hash: string,
  record: Remediation,
): Promise<Operation[] | "busy"> {
  const seen = await readTarget(engine.table, hash);
  if (seen === null || seen.row.entries[record.playbook]?.id !== record.id) return [];
  if (isLeased(seen.row, engine.clock.now())) return "busy";
  const entries = Object.fromEntries(
    Object.entries(seen.row.entries).filter(([playbook]) => playbook !== record.playbook),
  );
  const key = targetRowKey(hash);
  return Object.keys(entries).length === 0
    ? [{ do: "delete", key, etag: seen.etag }]
    : [{ do: "replace", key, cells: encodeTargetRow({ ...seen.row, entries }), etag: seen.etag }];
}

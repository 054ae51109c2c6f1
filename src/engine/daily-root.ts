import { hashOf } from "../model/canonical-json.ts";
import { decodeRecord } from "../store/record-rows.ts";
import { CONTROL, recordRows, SHARDS } from "../store/row-keys.ts";
import type { Row } from "../store/table.ts";
import { SCHEMA } from "../store/target-row.ts";
import { eachRow } from "./each-row.ts";
import { type Engine, later } from "./engine.ts";
import { REMOVED } from "./retention.ts";

const LATEST_ROOT = "root-latest";
const PER_TRANSACTION = 100;
const SKEW_MS = 5 * 60_000;

/**
 * A root over the heads (id and hash of the last audit row) of all records that changed or were removed since the last
 * root, chained to it. Its hash goes to the log as well, where a writer of the tables cannot reach.
 */
export async function writeDailyRoot(engine: Engine): Promise<void> {
  const now = engine.clock.now().toISOString();
  const before = await engine.table.get(CONTROL, LATEST_ROOT);
  // A record may have been written by a clock that is behind; one that stands in two roots does no harm.
  const since = before === null ? "" : later(new Date(String(before.cells["at"])), -SKEW_MS).toISOString();
  const previous = before === null ? "" : String(before.cells["hash"]);
  const heads: string[] = [];
  for (const shard of SHARDS) {
    for await (const row of eachRow(engine.table, shard, recordRows(shard))) {
      // Cheap cells first: most records of four hundred days have long been at rest.
      if (String(row.cells["updatedAt"]) < since) continue;
      heads.push(headOf(row));
    }
  }
  const removed: Row[] = [];
  for await (const row of eachRow(engine.table, CONTROL, { from: REMOVED, to: `${REMOVED}~` }))
    removed.push(row);
  for (const { key, cells } of removed) heads.push(`${key.slice(REMOVED.length)}:${cells["hash"]}:removed`);
  const hash = hashOf({ previous, at: now, heads: heads.sort() });
  const cells = { schema: SCHEMA, at: now, hash, previous, heads: heads.length };
  await engine.table.transact(CONTROL, [
    { do: "upsert", key: LATEST_ROOT, cells },
    { do: "upsert", key: `root-${now}`, cells },
  ]);
  // Should we vanish here, they stand in the next root once more.
  for (let start = 0; start < removed.length; start += PER_TRANSACTION) {
    const some = removed.slice(start, start + PER_TRANSACTION);
    await engine.table.transact(
      CONTROL,
      some.map(({ key }) => ({ do: "delete", key, etag: "*" })),
    );
  }
  engine.log({ level: "info", event: "audit root", facts: { hash, previous, heads: heads.length } });
}

/** Of a row that a newer version wrote only the row itself can be told. */
function headOf(row: Row): string {
  if (Number(row.cells["schema"]) > SCHEMA) return `${row.key}:${hashOf(String(row.cells["record"]))}`;
  const { id, auditHash } = decodeRecord(row);
  return `${id}:${auditHash}`;
}

import { isOpen, type Remediation } from "../model/remediation.ts";
import { decodeRecord, encodeRecord, insertAudit, recordSeal, sealAudit } from "../store/record-rows.ts";
import {
  recordRowKey,
  recordRows,
  rowsOf,
  SHARDS,
  signalRowsOf,
  targetHash,
  targetRowKey,
  tombstoneRowKey,
} from "../store/row-keys.ts";
import { type Operation, type Row, RowConflict, type Table } from "../store/table.ts";
import { encodeTargetRow, SCHEMA } from "../store/target-row.ts";
import { RETIRED } from "./audit-faults.ts";
import type { Head } from "./audit-heads.ts";
import { claimFacts } from "./claim-facts.ts";
import { eachRow } from "./each-row.ts";
import { type Engine, later } from "./engine.ts";
import { isLeased, readTarget } from "./held-target.ts";
import { noteRemovedHead } from "./removed-heads.ts";

const PER_TRANSACTION = 90;

/**
 * Removes remediations that ended longer ago than the configuration keeps them: plan, signals, record, empty target
 * rows. Their history stays, with a last row that says so and a tombstone, until the configuration's time for
 * histories, if it names one. A crash anywhere leaves what the next hour finishes.
 */
export async function retire(engine: Engine, until: Date): Promise<void> {
  const keep = later(engine.clock.now(), -engine.configuration.retentionMs);
  for (const shard of SHARDS) {
    for await (const row of eachRow(engine.table, shard, recordRows(shard, { to: keep }))) {
      if (engine.clock.now() >= until) return;
      const record = readOrNull(row);
      if (record === null || isOpen(record.state)) continue;
      if (new Date(record.updatedAt) < keep) await orLater(() => remove(engine, shard, record, row.etag));
    }
  }
  const { auditRetentionMs } = engine.configuration;
  if (auditRetentionMs !== null) await removeHistories(engine, auditRetentionMs, until);
}

/** A newer version retires its own; what cannot be read was altered, and stays for who looks into it. */
function readOrNull(row: Row): Remediation | null {
  try {
    return decodeRecord(row);
  } catch {
    return null;
  }
}

/** Somebody else is at it, or the answer was lost: the next hour finds what is left. */
async function orLater(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
  }
}

async function remove(engine: Engine, shard: string, record: Remediation, etag: string): Promise<void> {
  const { table } = engine;
  const hash = targetHash(record.target, record.aside);
  const tombstone = await table.get(shard, tombstoneRowKey(record.id));
  const head = tombstone === null ? await beginRemoval(engine, shard, record, etag) : headOf(tombstone);
  const keys: string[] = [];
  for await (const row of eachRow(table, shard, rowsOf("p", record.id))) keys.push(row.key);
  for await (const row of eachRow(table, shard, signalRowsOf(hash))) {
    if (row.cells["id"] === record.id) keys.push(row.key);
  }
  await deleteAll(table, shard, keys);
  const target = await withoutEntry(engine, hash, record);
  if (target === "busy") return;
  await noteRemovedHead(table, head);
  await table.transact(shard, [{ do: "delete", key: recordRowKey(record.id), etag: "*" }, ...target]);
}

/** The last row of the history says why there will be no record, and the tombstone where the history ends. */
async function beginRemoval(engine: Engine, shard: string, record: Remediation, etag: string): Promise<Head> {
  const { id, state, updatedAt } = record;
  const days = Math.floor(engine.configuration.retentionMs / 86_400_000);
  const audit = sealAudit({
    sequence: record.auditSequence + 1,
    at: engine.clock.now().toISOString(),
    who: "engine",
    what: RETIRED,
    why: `it ended over ${days} days ago; record, plan and signals were removed, the history is kept`,
    before: state,
    after: state,
    details: { ...claimFacts(record), endedAt: updatedAt, record: recordSeal(record) },
    previous: record.auditHash,
  });
  const next = { ...record, auditSequence: audit.sequence, auditHash: audit.hash };
  const tombstone = { schema: SCHEMA, sequence: audit.sequence, hash: audit.hash, endedAt: updatedAt };
  await engine.table.transact(shard, [
    { do: "replace", key: recordRowKey(id), cells: encodeRecord(next), etag },
    insertAudit(id, audit),
    { do: "insert", key: tombstoneRowKey(id), cells: tombstone },
  ]);
  return { id, sequence: audit.sequence, hash: audit.hash, removed: false };
}

/** The end of the history as a tombstone shows it. */
function headOf({ key, cells }: Row): Head {
  const id = key.slice("x!".length);
  return { id, sequence: Number(cells["sequence"]), hash: String(cells["hash"]), removed: false };
}

async function deleteAll(table: Table, shard: string, keys: readonly string[]): Promise<void> {
  for (let start = 0; start < keys.length; start += PER_TRANSACTION) {
    const some = keys.slice(start, start + PER_TRANSACTION);
    await table.transact(
      shard,
      some.map((key) => ({ do: "delete", key, etag: "*" })),
    );
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

/** Removes histories whose record has gone and ended too long ago, the tombstone last. */
async function removeHistories(engine: Engine, keepMs: number, until: Date): Promise<void> {
  const keep = later(engine.clock.now(), -keepMs);
  for (const shard of SHARDS) {
    const { from } = recordRows(shard, { to: keep });
    const range = { from: tombstoneRowKey(from.slice("r!".length)), to: tombstoneRowKey("~") };
    for await (const row of eachRow(engine.table, shard, range)) {
      if (engine.clock.now() >= until) return;
      if (Number(row.cells["schema"]) > SCHEMA || new Date(String(row.cells["endedAt"])) >= keep) continue;
      await orLater(() => removeHistory(engine.table, shard, row));
    }
  }
}

async function removeHistory(table: Table, shard: string, tombstone: Row): Promise<void> {
  const { key, cells, etag } = tombstone;
  const head = headOf(tombstone);
  const { id } = head;
  // Its record must have gone first: a crash may have left it.
  if ((await table.get(shard, recordRowKey(id))) !== null) return;
  await noteRemovedHead(table, { ...head, removed: true });
  // From here on a reader of the history knows why rows are missing.
  const etags = await table.transact(shard, [
    { do: "replace", key, cells: { ...cells, removing: true }, etag },
  ]);
  const keys: string[] = [];
  for await (const row of eachRow(table, shard, rowsOf("a", id))) keys.push(row.key);
  await deleteAll(table, shard, keys);
  await table.transact(shard, [{ do: "delete", key, etag: etags.get(key) ?? "*" }]);
}

import { hashOf } from "../model/canonical-json.ts";
import { decodeRecord } from "../store/record-rows.ts";
import { CONTROL, recordRows, SHARDS } from "../store/row-keys.ts";
import { type Row, RowConflict } from "../store/table.ts";
import { HEADS_PER_ROW, type Head, removeHeads, storeHeads } from "./audit-heads.ts";
import {
  decodeRoot,
  encodeRoot,
  LATEST_ROOT,
  type Root,
  rootKey,
  rootRows,
  sealRoot,
} from "./audit-roots.ts";
import { eachRow } from "./each-row.ts";
import { type Engine, later } from "./engine.ts";
import { forgetRemovedHeads, removedHeads } from "./removed-heads.ts";

const SKEW_MS = 5 * 60_000;

/**
 * A root over the heads (id, number and hash of the last audit row) of all histories that changed or were removed since
 * the last root, chained to it. Its hash goes to the log as well, where a writer of the tables cannot reach.
 */
export async function writeDailyRoot(engine: Engine): Promise<void> {
  const { table } = engine;
  const now = engine.clock.now();
  const latest = await table.get(CONTROL, LATEST_ROOT);
  const before = latest === null ? null : decodeRoot(latest);
  const number = (before?.number ?? 0) + 1;
  // A record may have been written by a clock that is behind; one that stands in two roots does no harm.
  const since = before === null ? "" : later(new Date(before.at), -SKEW_MS).toISOString();
  const removed = await removedHeads(table);
  const { lists, heads } = await storeAll(engine, number, changedSince(engine, since, removed));
  const root = sealRoot({
    number,
    at: now.toISOString(),
    previous: before?.hash ?? "",
    heads,
    lists,
    auditRetentionMs: engine.configuration.auditRetentionMs,
  });
  const cells = encodeRoot(root);
  try {
    await table.transact(CONTROL, [
      { do: "insert", key: rootKey(number), cells },
      latest === null
        ? { do: "insert", key: LATEST_ROOT, cells }
        : { do: "replace", key: LATEST_ROOT, cells, etag: latest.etag },
    ]);
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
    // Another sweep wrote this one, or it was us and the answer was lost.
    const stored = await table.get(CONTROL, rootKey(number));
    if (stored?.cells["hash"] !== root.hash) return;
  }
  engine.log({
    level: "info",
    event: "audit root",
    facts: { number, hash: root.hash, previous: root.previous, heads },
  });
  // Should we vanish here, they stand in the next root once more.
  await forgetRemovedHeads(table, removed);
  await forgetOldHeads(engine, now);
}

/** Heads as they are found: what was removed first, then shard by shard in the order of the ids. */
async function* changedSince(
  engine: Engine,
  since: string,
  removed: readonly { readonly head: Head }[],
): AsyncGenerator<Head> {
  for (const { head } of removed) yield head;
  for (const shard of SHARDS) {
    for await (const row of eachRow(engine.table, shard, recordRows(shard))) {
      // Cheap cells first: most records of four hundred days have long been at rest.
      if (String(row.cells["updatedAt"]) >= since) yield headOf(row);
    }
  }
}

/** Of a row that a newer version wrote, or that cannot be read, only the row itself can be told; it has the number 0. */
function headOf(row: Row): Head {
  try {
    const { id, auditSequence, auditHash } = decodeRecord(row);
    return { id, sequence: auditSequence, hash: auditHash, removed: false };
  } catch {
    const hash = hashOf(String(row.cells["record"]));
    return { id: row.key.slice("r!".length), sequence: 0, hash, removed: false };
  }
}

async function storeAll(
  { table }: Engine,
  number: number,
  found: AsyncIterable<Head>,
): Promise<{ readonly lists: readonly string[]; readonly heads: number }> {
  const lists: string[] = [];
  let heads = 0;
  let list: Head[] = [];
  const flush = async (): Promise<void> => {
    if (list.length === 0) return;
    lists.push(await storeHeads(table, number, list));
    heads += list.length;
    list = [];
  };
  for await (const head of found) {
    list.push(head);
    if (list.length === HEADS_PER_ROW) await flush();
  }
  await flush();
  return { lists, heads };
}

/** Where histories are removed by age, the lists of heads that name none but such go with them; the roots stay. */
async function forgetOldHeads({ table, configuration }: Engine, now: Date): Promise<void> {
  const { auditRetentionMs } = configuration;
  if (auditRetentionMs === null) return;
  const keep = later(now, -auditRetentionMs).toISOString();
  const old: Root | undefined = (await rootRows(table)).map(decodeRoot).findLast(({ at }) => at < keep);
  if (old !== undefined) await removeHeads(table, old.number);
}

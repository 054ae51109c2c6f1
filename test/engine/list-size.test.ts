import { beforeAll, describe, expect, it } from "vitest";
import {
  type ListPage,
  type ListQuery,
  listRemediations,
  showRemediation,
} from "../../src/engine/list-remediations.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import type { Target } from "../../src/model/target.ts";
import { createMemoryTable } from "../../src/store/memory-table.ts";
import { insertDrive, writeRecord } from "../../src/store/record-rows.ts";
import { newRemediationId, SHARDS, shardOf, signalRowKey, targetHash } from "../../src/store/row-keys.ts";
import type { Operation } from "../../src/store/table.ts";
import { NO_LANE } from "./fixtures.ts";
import { alert, bench, countingRandomness } from "./harness.ts";
import { CLUSTER } from "./world.ts";

const RECORDS = 100_000;
const TARGETS = 5_000;
const OPEN = 30;
const START = new Date("2026-01-01T00:00:00.000Z").getTime();
const table = createMemoryTable();
const open: string[] = [];

function target(n: number): Target {
  return { kind: "pod", cluster: CLUSTER, namespace: "shop", name: `p-${n % TARGETS}` };
}

const at = (n: number): Date => new Date(START + n * 1_000);

/** A hundred thousand records, one a second, of which the thirty oldest are still open. */
async function fill(): Promise<void> {
  const b = bench({ mode: "observe" });
  await b.ingest(alert());
  const [like] = b.records();
  if (like === undefined) throw new Error("a record to copy is wanted");
  const randomness = countingRandomness();
  const waiting = new Map<string, Operation[]>(SHARDS.map((shard) => [shard, []]));
  const flush = async (shard: string): Promise<void> => {
    const rows = waiting.get(shard) ?? [];
    if (rows.length > 0) await table.transact(shard, rows.splice(0));
  };
  for (let n = 0; n < RECORDS; n++) {
    const hash = targetHash(target(n));
    const id = newRemediationId(hash, at(n), randomness);
    const isOpen = n < OPEN;
    const made: Remediation = {
      ...like,
      id,
      target: target(n),
      state: isOpen ? "in-force" : "done",
      createdAt: at(n).toISOString(),
      signal: { ...like.signal, id: `alert-${n}` },
    };
    const key = signalRowKey(hash, made.playbook, `${n}`);
    const rows = waiting.get(shardOf(hash)) ?? [];
    rows.push(writeRecord(made, "insert"), { do: "insert", key, cells: { id } });
    if (isOpen) {
      open.push(id);
      rows.push(insertDrive(at(n + 1_000_000), id, 1, NO_LANE));
    }
    if (rows.length > 95) await flush(shardOf(hash));
  }
  for (const shard of SHARDS) await flush(shard);
}

/** What a list read of the table. */
async function readBy(
  query: ListQuery,
): Promise<{ page: ListPage; pages: number; rows: number; reads: number }> {
  const before = table.counts();
  const page = await listRemediations(table, query);
  const { pages, rowsRead, reads } = table.counts();
  return { page, pages: pages - before.pages, rows: rowsRead - before.rowsRead, reads: reads - before.reads };
}

describe("lists over a hundred thousand records", () => {
  beforeAll(fill);

  it("read one page of each shard for the newest, and for those behind them", async () => {
    const first = await readBy({ limit: 50 });
    expect(first.page.remediations.map(({ createdAt }) => createdAt)).toEqual(
      Array.from({ length: 50 }, (_none, n) => at(RECORDS - 1 - n).toISOString()),
    );
    expect(first.pages).toBeLessThanOrEqual(16);
    expect(first.rows).toBeLessThanOrEqual(16 * 50);
    expect(first.reads).toBe(0);
    const second = await readBy({ limit: 50, after: first.page.next ?? "" });
    expect(second.page.remediations[0]?.createdAt).toBe(at(RECORDS - 51).toISOString());
    expect(second.pages).toBeLessThanOrEqual(16);
  });

  it("read only the due rows and the open records for what is open", async () => {
    const all = await readBy({ limit: 500, states: ["in-force", "pending"] });
    expect(all.page.remediations.map(({ id }) => id)).toEqual(open.toReversed());
    expect(all.pages).toBe(16);
    expect(all.reads).toBe(OPEN);
    expect(all.rows).toBe(2 * OPEN);
    const some = await readBy({ limit: 5, states: ["in-force"], after: open[20] ?? "" });
    expect(some.page.remediations.map(({ id }) => id)).toEqual(open.slice(15, 20).toReversed());
    expect(some.reads).toBe(20);
  });

  it("read only the target's own rows for one target", async () => {
    const own = await readBy({ limit: 50, target: target(7) });
    expect(own.page.remediations).toHaveLength(RECORDS / TARGETS);
    // Its own rows and those of the row beside it, for evidence.
    expect(own.pages).toBe(2);
    expect(own.reads).toBe(2 + RECORDS / TARGETS);
    expect(own.rows).toBe((2 * RECORDS) / TARGETS);
  });

  it("read only the time asked for", async () => {
    const minute = await readBy({ limit: 500, from: at(50_000), to: at(50_060) });
    expect(minute.page.remediations).toHaveLength(60);
    expect(minute.pages).toBeLessThanOrEqual(16);
    expect(minute.rows).toBe(60);
  });

  it("read each row once, in long pages, where something rare is looked for", async () => {
    const rare = await readBy({ limit: 50, signal: "alert-12345" });
    expect(rare.page.remediations.map(({ signal }) => signal.id)).toEqual(["alert-12345"]);
    expect(rare.rows).toBe(RECORDS);
    expect(rare.pages).toBeLessThanOrEqual(16 * 12);
  });

  it("read a record, its history and its plan for one id", async () => {
    const before = table.counts();
    const shown = await showRemediation(table, open[3] ?? "");
    expect(shown?.remediation.id).toBe(open[3]);
    const { reads, pages } = table.counts();
    expect([reads - before.reads, pages - before.pages]).toEqual([2, 1]);
  });
});

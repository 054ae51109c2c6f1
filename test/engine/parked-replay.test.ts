import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { decodeControl } from "../../src/engine/control-history.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { listParked, readParked } from "../../src/engine/parked-list.ts";
import { dropParked, replayParked } from "../../src/engine/parked-replay.ts";
import { Refused } from "../../src/model/errors.ts";
import { StoreUnreachable, type Table } from "../../src/store/table.ts";
import { ANN, verifyAll } from "./audit-bench.ts";
import { alert, type Bench, bench } from "./harness.ts";
import { another, sweepAfter } from "./processes.ts";

const POISON = new TextEncoder().encode("not json");
const HOUR = 60;

async function onlyId(b: Bench): Promise<string> {
  const { events } = await listParked(b.table, 10);
  expect(events).toHaveLength(1);
  return events[0]?.id ?? "";
}

/** The notes of the control history. */
function notesOf(b: Bench) {
  const rows = b.table.snapshot().filter(({ key }) => /^history-\d/.test(key));
  return rows.map((row) => decodeControl(row));
}

/** Rows of the partition of parked events. */
function parkedRows(b: Bench): number {
  return b.table.snapshot().filter(({ partition }) => partition === "parked").length;
}

/** An alert that was parked whole since the engine failed on it. */
async function failedOn(b: Bench): Promise<string> {
  const hex = (): never => {
    throw new TypeError("a defect of the engine");
  };
  const engine = another(b, { randomness: { hex } });
  await ingest(engine, [{ body: alert(), partition: "2", sequence: 7, enqueuedAt: null }]);
  expect(b.records()).toEqual([]);
  return onlyId(b);
}

describe("replaying a parked event", () => {
  it("decides it and parks it no more, once its cause has gone", async () => {
    const b = bench();
    const id = await failedOn(b);
    const replayed = await replayParked(b.engine, id, ANN);
    expect(replayed).toMatchObject({ id, outcome: "done", reasons: [], counts: { recorded: 1, parked: 0 } });
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
    expect(parkedRows(b)).toBe(0);
    expect(notesOf(b)).toMatchObject([
      { what: "parked replayed", who: "ann", id: "t/ann", why: "a drill", details: { id, outcome: "done" } },
    ]);
    expect((await verifyAll(b.engine)).faults).toEqual([]);
  });

  it("leaves it parked once where it is as bad as before, and says why", async () => {
    const b = bench();
    await b.ingest(POISON);
    const id = await onlyId(b);
    const rows = parkedRows(b);
    for (let time = 0; time < 2; time++) {
      const replayed = await replayParked(b.engine, id, ANN);
      expect(replayed).toMatchObject({ outcome: "parked again", counts: { parked: 1 } });
      expect(replayed?.reasons).toHaveLength(1);
      expect(replayed?.reasons[0]?.length).toBeGreaterThan(10);
    }
    expect(parkedRows(b)).toBe(rows);
    expect(await onlyId(b)).toBe(id);
  });

  it("decides nothing twice where the answer of the first time was lost", async () => {
    const b = bench();
    const id = await failedOn(b);
    const lost: Table = {
      ...b.table,
      transact: (partition, operations) =>
        partition === "parked"
          ? Promise.reject(new StoreUnreachable("nobody answered"))
          : b.table.transact(partition, operations),
    };
    const struck = another(b, { table: lost });
    await expect(replayParked(struck, id, ANN)).rejects.toBeInstanceOf(StoreUnreachable);
    expect(await replayParked(another(b), id, ANN)).toMatchObject({
      outcome: "done",
      counts: { recorded: 0, joined: 1 },
    });
    expect(b.world.effects).toHaveLength(1);
    expect(parkedRows(b)).toBe(0);
  });

  it("is no sign that the export still sends", async () => {
    const b = bench();
    const id = await failedOn(b);
    const before = await b.table.get("control", "last-event");
    b.clock.pass(HOUR * 60_000);
    await replayParked(another(b), id, ANN);
    expect(await b.table.get("control", "last-event")).toEqual(before);
  });

  it("is refused while bytes of it are missing; it can be dropped", async () => {
    const b = bench();
    await b.ingest(randomBytes(2 * 1024 * 1024));
    const id = await onlyId(b);
    const last = b.table.snapshot().findLast(({ partition }) => partition === "parked");
    await b.table.transact("parked", [{ do: "delete", key: last?.key ?? "", etag: "*" }]);
    await expect(replayParked(b.engine, id, ANN)).rejects.toBeInstanceOf(Refused);
    expect(await dropParked(b.engine, id, ANN)).toBe(true);
    expect(parkedRows(b)).toBe(0);
  });
});

describe("dropping a parked event", () => {
  it("removes it and keeps on record who did, why, and what it was", async () => {
    const b = bench();
    await b.ingest(POISON);
    const id = await onlyId(b);
    expect(await dropParked(b.engine, id, ANN)).toBe(true);
    expect(await readParked(b.table, id)).toBeNull();
    expect(parkedRows(b)).toBe(0);
    expect(notesOf(b)).toMatchObject([
      { what: "parked dropped", who: "ann", why: "a drill", details: { id, size: POISON.length } },
    ]);
    expect(await dropParked(b.engine, id, ANN)).toBe(false);
    expect(await replayParked(b.engine, id, ANN)).toBeNull();
    expect(notesOf(b)).toHaveLength(1);
  });
});

describe("parked events by themselves", () => {
  it("are told when they grew, at most once an hour, with count and reasons", async () => {
    const b = bench();
    const told = () => b.sent.filter(({ kind }) => kind === "parked").map(({ text }) => text);
    await b.ingest(POISON, new Uint8Array([0xff]));
    await sweepAfter(b, 10, 1);
    expect(told()).toHaveLength(1);
    expect(told()[0]).toMatch(/^2 events were parked: .*Most frequent reasons: .*\(1\); .*\(1\)\. /);
    await sweepAfter(b, HOUR, 1, HOUR, 1);
    expect(told()).toHaveLength(1);
    await b.ingest(new TextEncoder().encode("neither"));
    await sweepAfter(b, 5, 5, 5);
    expect(told()).toHaveLength(1);
    await sweepAfter(b, HOUR, 1, HOUR, 1);
    expect(told()).toHaveLength(2);
    expect(told()[1]).toMatch(/^1 event was parked since /);
  });

  it("are told though the clock of who parked them is behind, and not twice", async () => {
    const b = bench();
    await sweepAfter(b, 1);
    const behind = another(b, { clock: { now: () => new Date(b.clock.now().getTime() - 120_000) } });
    await ingest(behind, [{ body: POISON, partition: "0", sequence: 1, enqueuedAt: null }]);
    await sweepAfter(b, HOUR, 1, HOUR, 1, HOUR, 1);
    expect(b.sent.filter(({ kind }) => kind === "parked")).toHaveLength(1);
  });

  it("are kept as long as records, and not longer", async () => {
    const b = bench();
    await b.ingest(randomBytes(2 * 1024 * 1024), POISON);
    await sweepAfter(b, 399 * 24 * HOUR);
    expect((await listParked(b.table, 10)).events).toHaveLength(2);
    await sweepAfter(b, 2 * 24 * HOUR);
    expect(parkedRows(b)).toBe(0);
  });
});

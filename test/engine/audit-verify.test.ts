import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { auditVerify, isVerifyCursor } from "../../src/engine/audit-verify.ts";
import { noteControl } from "../../src/engine/control-history.ts";
import { noteRemovedHead } from "../../src/engine/removed-heads.ts";
import { retire } from "../../src/engine/retention.ts";
import { revert } from "../../src/engine/revert.ts";
import { unpackBytes } from "../../src/store/compressed-cells.ts";
import { decodeRecord, encodeRecord } from "../../src/store/record-rows.ts";
import type { Cell, Row, Table } from "../../src/store/table.ts";
import { ANN, DAY, isAudited, livedBench, tableOf, verifyAll } from "./audit-bench.ts";
import { alert, type Bench, bench } from "./harness.ts";
import { another, sweepAfter } from "./processes.ts";

/** Long histories of the tests are removed after this, where they are. */
const KEPT = (text: string): string => `retention: 2d\nauditRetention: 20d\n${text}`;

let lived: Bench;
let rows: readonly Row[];

beforeAll(async () => {
  lived = await livedBench();
  // Also what was removed by age, with its history and tombstone.
  const old = lived.records().length;
  const engine = another(lived, { configuration: { ...lived.engine.configuration, retentionMs: 0 } });
  lived.clock.pass(60_000);
  await retire(engine, new Date(lived.clock.now().getTime() + 1_000));
  expect(lived.records().length).toBeLessThan(old);
  await sweepAfter(lived, DAY);
  rows = lived.table.snapshot();
});

/** The faults of these rows. */
async function faultsOf(of: readonly Row[]): Promise<readonly string[]> {
  return (await verifyAll(another(lived, { table: await tableOf(of) }))).faults;
}

const audited = (): Row[] => rows.filter(isAudited);
const without = (row: Row): Row[] => rows.filter((one) => one !== row);
const withCells = (row: Row, cells: Row["cells"]): Row[] =>
  rows.map((one) => (one === row ? { ...row, cells } : one));

/** A cell with one character or byte changed, or another number or truth value. */
function flipped(cell: Cell, at: number): Cell {
  if (typeof cell === "number") return cell + 1 + (at % 7);
  if (typeof cell === "boolean") return !cell;
  if (cell instanceof Uint8Array) {
    const bytes = new Uint8Array(cell);
    bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 + (at % 255));
    return bytes;
  }
  if (cell === "") return "x";
  const place = at % cell.length;
  const other = cell[place] === "0" ? "1" : "0";
  return `${cell.slice(0, place)}${other}${cell.slice(place + 1)}`;
}

/** Is it the same in all that it says, though its bytes differ? Numbers of due rows are not history. */
function saysTheSame(row: Row, cells: Row["cells"]): boolean {
  try {
    if (row.key.startsWith("r!")) {
      const { dueSequence: _one, ...before } = decodeRecord(row);
      const { dueSequence: _other, ...after } = decodeRecord({ ...row, cells });
      const isSame = JSON.stringify(before) === JSON.stringify(after);
      const named = ["schema", "state", "playbook", "updatedAt"];
      return isSame && named.every((name) => row.cells[name] === cells[name]);
    }
    return (
      Buffer.compare(unpackBytes(row.cells), unpackBytes(cells)) === 0 && row.cells["hash"] === cells["hash"]
    );
  } catch {
    return false;
  }
}

describe("audit verify", () => {
  it("finds nothing where nothing was altered, having looked at everything", async () => {
    const { checked, faults } = await verifyAll(lived.engine);
    expect(faults).toEqual([]);
    const keys = rows.map(({ key }) => key);
    const count = (pattern: RegExp): number => keys.filter((key) => pattern.test(key)).length;
    expect(checked).toMatchObject({ roots: count(/^root-\d/), notes: count(/^history-\d/) });
    expect(checked.remediations).toBe(new Set(keys.flatMap((key) => /^a!(\w+)!/.exec(key)?.[1] ?? [])).size);
    expect(checked.heads).toBeGreaterThanOrEqual(checked.remediations);
    for (const kind of [/^r!/, /^x!/, /^p!/, /^heads-/]) expect(count(kind)).toBeGreaterThan(0);
    expect(new Set(lived.records().map(({ state }) => state)).size).toBeGreaterThan(0);
  });

  it("finds any one row that was deleted", async () => {
    const missed: string[] = [];
    for (const row of audited()) if ((await faultsOf(without(row))).length === 0) missed.push(row.key);
    expect(missed).toEqual([]);
  });

  it("finds any one cell that was altered, and names the row or its remediation", async () => {
    const cells = audited().flatMap((row) => Object.keys(row.cells).map((name) => ({ row, name })));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...cells), fc.nat({ max: 65_535 }), async ({ row, name }, at) => {
        const cell = row.cells[name];
        if (cell === undefined) return;
        const altered = { ...row.cells, [name]: flipped(cell, at) };
        fc.pre(!saysTheSame(row, altered));
        const faults = await faultsOf(withCells(row, altered));
        expect(faults.length, `${row.key} ${name} ${at}`).toBeGreaterThan(0);
        const names = [row.key, row.key.split("!")[1] ?? row.key, row.key.split("!")[0] ?? ""];
        expect(
          names.some((one) => faults[0]?.includes(one)),
          `${row.key} ${name}: ${faults[0]}`,
        ).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("finds a row that holds something else altogether, and does not fail on it", async () => {
    const texts = ["null", "5", "[]", "{}", "no JSON", '{"details":null}', ""];
    for (const row of audited()) {
      for (const [name, cell] of Object.entries(row.cells)) {
        for (const other of typeof cell === "string" ? texts : [""]) {
          if (other === cell) continue;
          const faults = await faultsOf(withCells(row, { ...row.cells, [name]: other }));
          expect(faults, `${row.key} ${name} ${other}`).not.toEqual([]);
        }
      }
    }
  });

  it("finds a cell that was added", async () => {
    for (const row of audited().filter(({ key }) => /^[arx]!|^root-/.test(key))) {
      expect(await faultsOf(withCells(row, { ...row.cells, more: "x" })), row.key).not.toEqual([]);
    }
  });

  it("finds two rows of one kind that changed places", async () => {
    const all = audited();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...all), fc.constantFrom(...all), async (one, other) => {
        fc.pre(one.key.slice(0, 2) === other.key.slice(0, 2) && one.key !== other.key);
        fc.pre(JSON.stringify(one.cells) !== JSON.stringify(other.cells));
        const swapped = rows.map((row) => {
          if (row === one) return { ...row, cells: other.cells };
          return row === other ? { ...row, cells: one.cells } : row;
        });
        expect(await faultsOf(swapped), `${one.key} and ${other.key}`).not.toEqual([]);
      }),
      { numRuns: 80 },
    );
  });

  it("names a remediation that was deleted whole after a root", async () => {
    const id = /^a!(\w+)!/.exec(audited().find(({ key }) => key.startsWith("a!"))?.key ?? "")?.[1] ?? "";
    const faults = await faultsOf(rows.filter(({ key }) => !key.includes(id)));
    expect(faults[0]).toContain(`Remediation ${id} is missing`);
    expect(faults[0]).toContain("root-0000000");
  });

  it("finds an approval that was forged into a record", async () => {
    const record = rows.find(({ key }) => key.startsWith("r!"));
    if (record === undefined) throw new Error("no record is left");
    const approval = { ...ANN, at: "2026-03-02T08:00:00.000Z", planHash: "0".repeat(64) };
    const forged = encodeRecord({ ...decodeRecord(record), approval });
    const faults = await faultsOf(withCells(record, forged));
    expect(faults).toEqual([expect.stringContaining(`The record row ${record.key} was altered`)]);
  });

  it("finds a history that was rewritten with right hashes, where a root covers it", async () => {
    const forger = bench();
    await forger.ingest(alert({ id: "a-1" }));
    await sweepAfter(forger, 1);
    const [head] = forger.table.snapshot().filter(({ key }) => key.startsWith("a!"));
    if (head === undefined) throw new Error("no history");
    const id = head.key.split("!")[1] ?? "";
    const before = forger.table.snapshot();
    const again = bench();
    await again.ingest(alert({ id: "a-1", severity: "Low" }));
    const other = again.table.snapshot().filter(({ key }) => key.includes(id) && /^[arp]!/.test(key));
    expect(other.map(({ key }) => key).slice(0, 1)).toEqual([head.key]);
    const forged = [...before.filter(({ key }) => !(key.includes(id) && /^[arp]!/.test(key))), ...other];
    const engine = another(forger, { table: await tableOf(forged) });
    const { faults } = await verifyAll(engine);
    expect(faults[0]).toMatch(/the history was rewritten|is missing, or its audit row/);
  });

  it("compares with a root that was kept elsewhere", async () => {
    const kept = lived.log.findLast(({ event }) => event === "audit root")?.facts?.["hash"];
    expect((await verifyAll(lived.engine, String(kept))).faults).toEqual([]);
    expect((await verifyAll(lived.engine, "f".repeat(64))).faults).toEqual([
      expect.stringContaining("No daily root has the hash"),
    ]);
  });

  it("finds the last roots cut off only with a hash that was kept elsewhere", async () => {
    const roots = rows.filter(({ key }) => /^root-\d/.test(key));
    const last = roots.at(-1);
    const before = roots.at(-2);
    if (last === undefined || before === undefined) throw new Error("too few roots");
    const cut = rows
      .filter((row) => row !== last)
      .map((row) => (row.key === "root-latest" ? { ...row, cells: before.cells } : row));
    expect(await faultsOf(cut)).toEqual([]);
    const engine = another(lived, { table: await tableOf(cut) });
    expect((await verifyAll(engine, String(last.cells["hash"]))).faults).not.toEqual([]);
  });

  it("goes page by page and finds the same", async () => {
    const [row] = audited().filter(({ key }) => key.startsWith("p!"));
    if (row === undefined) throw new Error("no plan");
    const table = await tableOf(without(row));
    let calls = 0;
    // Time is up at once: every page is as short as it can be.
    const clock = { now: () => new Date(lived.clock.now().getTime() + 9_000 * calls++) };
    const engine = another(lived, { table, clock });
    const faults: string[] = [];
    let pages = 0;
    let after: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof auditVerify>> = await auditVerify(engine, { after, root: null });
      faults.push(...page.faults);
      after = page.next;
      pages += 1;
      expect(after === null || isVerifyCursor(after)).toBe(true);
    } while (after !== null);
    expect(pages).toBeGreaterThan(10);
    expect(faults).toEqual([`The plan row ${row.key} is missing.`]);
  });

  it("takes nothing that moves on meanwhile for altered", async () => {
    const b = bench();
    await b.ingest(alert());
    const [record] = b.records();
    let isFirst = true;
    const table: Table = {
      ...b.table,
      async range(partition, range, limit) {
        const page = await b.table.range(partition, range, limit);
        if (isFirst && page.rows.some(({ key }) => key.startsWith("r!"))) {
          isFirst = false;
          await revert(b.engine, record?.id ?? "", ANN);
        }
        return page;
      },
    };
    expect((await verifyAll(another(b, { table }))).faults).toEqual([]);
    expect(isFirst).toBe(false);
    expect(b.records()).toMatchObject([{ state: "reverted" }]);
  });

  it("does not take what a newer version wrote for right", async () => {
    const record = rows.find(({ key }) => key.startsWith("r!"));
    if (record === undefined) throw new Error("no record is left");
    const faults = await faultsOf(withCells(record, { ...record.cells, schema: 99 }));
    expect(faults[0]).toContain("newer version and was not checked");
  });

  it("refuses what is no cursor", () => {
    for (const text of ["", "heads.x.0", "records.g.", "records.0.\u0000", "roots"]) {
      expect(isVerifyCursor(text)).toBe(false);
    }
  });
});

describe("removal by age", () => {
  it("is no fault at any time, neither of records nor of histories", async () => {
    const b = await livedBench(KEPT);
    const seen = { tombstones: 0, gone: false };
    for (let day = 0; day < 30; day++) {
      await sweepAfter(b, DAY);
      expect((await verifyAll(b.engine)).faults, `day ${day}`).toEqual([]);
      const keys = b.table.snapshot().map(({ key }) => key);
      seen.tombstones = Math.max(seen.tombstones, keys.filter((key) => key.startsWith("x!")).length);
      seen.gone = !keys.some((key) => /^[ax]!/.test(key));
    }
    expect(seen.tombstones).toBeGreaterThan(2);
    expect(seen.gone).toBe(true);
    expect(b.table.snapshot().some(({ key }) => key.startsWith("heads-"))).toBe(true);
  });

  it("is a fault before its time, though the one who removed says so", async () => {
    const b = await livedBench(KEPT);
    const id = b.records()[0]?.id ?? "";
    const row = b.table.snapshot().findLast(({ key }) => key.startsWith(`a!${id}`));
    const sequence = Number(row?.key.slice(-6));
    await noteRemovedHead(b.table, { id, sequence, hash: String(row?.cells["hash"]), removed: true });
    for (const { partition, key } of b.table.snapshot()) {
      if (key.includes(id) && /^[arp]!/.test(key))
        await b.table.transact(partition, [{ do: "delete", key, etag: "*" }]);
    }
    await sweepAfter(b, DAY);
    const { faults } = await verifyAll(b.engine);
    expect(faults.some((fault) => fault.includes(`${id} was removed before its time`))).toBe(true);
    expect(faults.some((fault) => fault.includes(`Remediation ${id} is missing`))).toBe(true);
  });
});

describe("the control history", () => {
  it("has one row after the other, whoever writes at the same time", async () => {
    const b = bench();
    const notes = Array.from({ length: 8 }, (_none, index) =>
      noteControl(another(b), { what: "pause", word: ANN, details: { index } }),
    );
    await Promise.all(notes);
    const { checked, faults } = await verifyAll(b.engine);
    expect(faults).toEqual([]);
    expect(checked.notes).toBe(8);
  });
});

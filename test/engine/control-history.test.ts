import { describe, expect, it } from "vitest";
import { noteConfiguration } from "../../src/engine/configuration-history.ts";
import { type ControlRow, decodeControl, noteControl } from "../../src/engine/control-history.ts";
import type { Operation } from "../../src/store/table.ts";
import { RowConflict, StoreUnreachable, type Table } from "../../src/store/table.ts";
import { ANN, verifyAll } from "./audit-bench.ts";
import { type Bench, bench, configuration } from "./harness.ts";
import { another } from "./processes.ts";

const HOUR_MS = 3_600_000;

function rowsOf(b: Bench): ControlRow[] {
  const rows = b.table.snapshot().filter(({ key }) => /^history-\d/.test(key));
  return rows.map((row) => decodeControl(row));
}

const NOTE = { what: "pause", word: ANN, details: { of: { kind: "rule", name: "miners" }, none: undefined } };

/** A table whose answer to the `index`-th write is lost: written or not, the caller hears that nobody answered, or a conflict. */
function losing(b: Bench, index: number, written: boolean, heard: Error): Table {
  let writes = 0;
  return {
    ...b.table,
    async transact(partition, operations) {
      const isLost = writes++ === index;
      if (!isLost || written) {
        const etags = await b.table.transact(partition, operations);
        if (!isLost) return etags;
      }
      throw heard;
    },
  };
}

describe("a row of the control history", () => {
  it("says who, what and why, and is chained to the one before", async () => {
    const b = bench();
    await noteControl(b.engine, NOTE);
    b.clock.pass(1_000);
    await noteControl(b.engine, { what: "trip", word: null, details: { rule: "miners" } });
    const [first, second] = rowsOf(b);
    expect(first).toMatchObject({
      sequence: 1,
      who: "ann",
      id: "t/ann",
      what: "pause",
      why: "a drill",
      details: { of: { kind: "rule", name: "miners" } },
      previous: "",
    });
    expect(second).toMatchObject({ sequence: 2, who: "engine", what: "trip", previous: first?.hash });
  });

  it.each([
    ["written, nobody answered", true, new StoreUnreachable("lost")],
    ["written, told a conflict", true, new RowConflict(409, "there already")],
    ["not written, nobody answered", false, new StoreUnreachable("lost")],
  ])("stands there once, whatever becomes of the answer (%s)", async (_name, written, heard) => {
    const b = bench();
    await noteControl(b.engine, NOTE);
    await noteControl(another(b, { table: losing(b, 0, written, heard) }), { ...NOTE, what: "resume" });
    expect(rowsOf(b).map(({ what }) => what)).toEqual(["pause", "resume"]);
    expect((await verifyAll(b.engine)).faults).toEqual([]);
  });

  it("is not written where what goes with it is refused", async () => {
    const b = bench();
    await noteControl(b.engine, NOTE);
    const also: Operation = { do: "replace", key: "none", cells: {}, etag: 'W/"1"' };
    await expect(noteControl(b.engine, NOTE, [also])).rejects.toBeInstanceOf(RowConflict);
    expect(rowsOf(b)).toHaveLength(1);
  });

  it("may have long details", async () => {
    const b = bench();
    const difference = Array.from({ length: 200 }, (_none, index) => ({
      path: `p${index}`,
      after: "x".repeat(500),
    }));
    await noteControl(b.engine, { ...NOTE, details: { difference } });
    expect(rowsOf(b)[0]?.details).toEqual({ difference });
  });
});

describe("the history of configurations", () => {
  const other = configuration("observe");
  const notesOf = (b: Bench): ControlRow[] => rowsOf(b).filter(({ what }) => what === "configuration");

  it("begins with the first one, and notes nothing while it stays", async () => {
    const b = bench();
    for (let time = 0; time < 3; time++) {
      await noteConfiguration(another(b));
      b.clock.pass(30 * HOUR_MS);
    }
    expect(notesOf(b)).toMatchObject([
      { who: "engine", details: { configuration: b.engine.configuration.hash, build: "b0", before: null } },
    ]);
  });

  it("notes another one with what differs", async () => {
    const b = bench();
    await noteConfiguration(b.engine);
    await noteConfiguration(another(b, { configuration: other }));
    const [, second] = notesOf(b);
    expect(second?.details).toMatchObject({
      configuration: other.hash,
      before: { configuration: b.engine.configuration.hash },
      difference: [{ path: "rules[miners].mode", before: "enforce", after: "observe" }],
    });
  });

  it.each([
    ["another build", { build: "b1" }],
    ["the kill switch", { held: true }],
    ["another ceiling of the app setting", { ceiling: "approve" as const }],
  ])(
    "notes %s too",
    async (_name, { ceiling, ...more }: { ceiling?: "approve"; build?: string; held?: boolean }) => {
      const b = bench();
      await noteConfiguration(b.engine);
      const lower = ceiling === undefined ? {} : { configuration: { ...b.engine.configuration, ceiling } };
      await noteConfiguration(another(b, { ...more, ...lower }));
      expect(notesOf(b)).toHaveLength(2);
      expect(notesOf(b)[1]?.details).toMatchObject({ difference: [], ...more });
    },
  );

  it("does not note two versions that take turns during an update again and again", async () => {
    const b = bench();
    for (let turn = 0; turn < 40; turn++) {
      await noteConfiguration(another(b));
      await noteConfiguration(another(b, { configuration: other, build: "b1" }));
      b.clock.pass(HOUR_MS / 2);
    }
    expect(notesOf(b)).toHaveLength(2);
  });

  it("is right again a day after an update, whoever noted last", async () => {
    const b = bench();
    await noteConfiguration(another(b));
    await noteConfiguration(another(b, { configuration: other }));
    b.clock.pass(25 * HOUR_MS);
    await noteConfiguration(another(b));
    expect(notesOf(b).at(-1)?.details).toMatchObject({ configuration: b.engine.configuration.hash });
    expect(notesOf(b)).toHaveLength(3);
  });

  it("has one row where many instances start at once", async () => {
    const b = bench();
    await Promise.all(Array.from({ length: 6 }, () => noteConfiguration(another(b))));
    expect(notesOf(b)).toHaveLength(1);
    expect((await verifyAll(b.engine)).faults).toEqual([]);
  });

  it("goes on after its row was damaged", async () => {
    const b = bench();
    await noteConfiguration(b.engine);
    const cells = { schema: 1, b0: new Uint8Array([1, 2, 3]) };
    await b.table.transact("control", [{ do: "upsert", key: "configuration-latest", cells }]);
    await noteConfiguration(another(b));
    expect(notesOf(b)).toHaveLength(2);
    await noteConfiguration(another(b));
    expect(notesOf(b)).toHaveLength(2);
  });
});

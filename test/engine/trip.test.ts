import { describe, expect, it } from "vitest";
import { decodeControl } from "../../src/engine/control-history.ts";
import { revert } from "../../src/engine/revert.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { clearTrip, noteOutcome, tripKey } from "../../src/engine/trip.ts";
import { Permanent } from "../../src/model/errors.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { CONTROL } from "../../src/store/row-keys.ts";
import { RowConflict, StoreUnreachable, type Table } from "../../src/store/table.ts";
import { alert, type Bench, bench } from "./harness.ts";
import { signal, work } from "./piece-of-work.ts";
import { another } from "./processes.ts";

const HOUR = 3_600_000;
const ANN = { who: "ann", id: "t/ann", why: "it was no miner" };

/** A record as its driver has it, right before its end is written. */
function ending(id: string, rule = "miners"): Pick<Remediation, "id" | "rule" | "signal"> {
  return { id, rule: { ...work().rule, name: rule }, signal: signal().summary };
}

function tripped(b: Bench, rule = "miners"): boolean {
  return b.table.snapshot().some(({ partition, key }) => partition === CONTROL && key === tripKey(rule));
}

async function told(b: Bench): Promise<string[]> {
  await sweep(b.engine);
  return b.sent.flatMap(({ kind, text }) => (kind === "tripped" ? [String(text)] : []));
}

async function alertOn(b: Bench, name: string): Promise<Remediation> {
  b.world.addPod(name);
  await b.ingest(alert({ id: `a-${name}`, pod: name, at: b.clock.now().toISOString() }));
  const record = b.records().find(({ target }) => target.kind === "pod" && target.name === name);
  if (record === undefined) throw new TypeError("there should be a record");
  return record;
}

describe("a rule", () => {
  it("is tripped by the third remediation that people take back, and only observes until it is resumed", async () => {
    const b = bench();
    for (const name of ["p-1", "p-2", "p-3"]) {
      expect(tripped(b)).toBe(false);
      await revert(b.engine, (await alertOn(b, name)).id, ANN);
    }
    expect(tripped(b)).toBe(true);
    expect(await alertOn(b, "p-4")).toMatchObject({ state: "observed" });
    await clearTrip(b.engine, "miners");
    expect(await alertOn(b, "p-5")).toMatchObject({ state: "in-force" });
  });

  it("tells which, why and what to do, once", async () => {
    const b = bench();
    for (const name of ["p-1", "p-2", "p-3"]) await revert(b.engine, (await alertOn(b, name)).id, ANN);
    expect((await b.engine.switches.now()).trips).toEqual([
      {
        rule: "miners",
        why: "of its remediations people took 3 back within 24 hours",
        since: b.clock.now().toISOString(),
      },
    ]);
    expect(await told(b)).toEqual([
      "Rule miners only observes from now on: of its remediations people took 3 back within 24 hours. Look at them (reflex report miners), then: reflex resume --rule miners --reason TEXT",
    ]);
    for (const id of ["x-4", "x-5", "x-6"]) await noteOutcome(b.engine, ending(id), "failed");
    expect(await told(b)).toHaveLength(1);
  });

  it("is tripped by remediations that fail", async () => {
    const b = bench();
    b.world.before = async (call) => {
      if (call.startsWith("label")) throw new Permanent("403", "Grant it.");
    };
    for (const name of ["p-1", "p-2", "p-3"])
      expect(await alertOn(b, name)).toMatchObject({ state: "failed" });
    expect(tripped(b)).toBe(true);
    expect((await told(b))[0]).toContain("3 failed within 24 hours");
  });

  it("is not tripped by deadlines, nor by what another rule did, nor by a person's own run", async () => {
    const b = bench();
    for (const name of ["p-1", "p-2", "p-3"]) await alertOn(b, name);
    b.clock.pass(9 * HOUR);
    await sweep(b.engine);
    expect(b.records().map(({ state }) => state)).toEqual(["reverted", "reverted", "reverted"]);
    for (const [index, rule] of ["a", "a", "b", "b"].entries()) {
      await noteOutcome(b.engine, ending(`x-${index}`, rule), "failed");
    }
    for (const id of ["m-1", "m-2", "m-3"]) {
      const manual = { ...ending(id, "manual"), signal: { ...signal().summary, kind: "manual" as const } };
      await noteOutcome(b.engine, manual, "failed");
    }
    expect(b.table.snapshot().filter(({ key }) => key.startsWith("switch!"))).toEqual([]);
  });

  it("forgets what is longer ago than the configured time", async () => {
    const b = bench();
    for (const id of ["x-1", "x-2", "x-3", "x-4"]) {
      await noteOutcome(b.engine, ending(id), "failed");
      b.clock.pass(13 * HOUR);
    }
    expect(tripped(b)).toBe(false);
    await noteOutcome(b.engine, ending("x-5"), "failed");
    await noteOutcome(b.engine, ending("x-6"), "failed");
    expect(tripped(b)).toBe(true);
  });

  it("counts each remediation once, however often its driver dies before the end is written", async () => {
    const b = bench();
    for (let time = 0; time < 5; time += 1) await noteOutcome(another(b), ending("x-1"), "failed");
    await noteOutcome(b.engine, ending("x-2"), "failed");
    expect(tripped(b)).toBe(false);
    await noteOutcome(b.engine, ending("x-3"), "failed");
    expect(tripped(b)).toBe(true);
  });

  it("counts what several processes note at the same moment", async () => {
    const b = bench();
    await Promise.all(["x-1", "x-2", "x-3"].map((id) => noteOutcome(another(b), ending(id), "failed")));
    expect(tripped(b)).toBe(true);
    expect(await told(b)).toHaveLength(1);
    const history = b.table.snapshot().filter(({ key }) => /^history-\d/.test(key));
    expect(history.map((row) => decodeControl(row).what)).toEqual(["trip"]);
  });

  it("acts again once it was resumed, and is not tripped by what tripped it before", async () => {
    const b = bench();
    for (const id of ["x-1", "x-2", "x-3"]) await noteOutcome(b.engine, ending(id), "failed");
    await clearTrip(b.engine, "miners");
    expect(tripped(b)).toBe(false);
    await clearTrip(b.engine, "miners");
    for (const id of ["x-4", "x-5"]) await noteOutcome(b.engine, ending(id), "failed");
    expect(tripped(b)).toBe(false);
    await noteOutcome(b.engine, ending("x-6"), "failed");
    expect(tripped(b)).toBe(true);
  });
});

describe("a trip whose process dies in between", () => {
  /** The first transaction with that key does not come back, and nothing after it; `landed`: but it was written. */
  function losing(b: Bench, prefix: string, landed: boolean): Table {
    let isDead = false;
    const mustLive = (): void => {
      if (isDead) throw new StoreUnreachable("it died");
    };
    return {
      ...b.table,
      get: async (partition, key) => {
        mustLive();
        return b.table.get(partition, key);
      },
      transact: async (partition, operations) => {
        mustLive();
        isDead = operations.some(({ key }) => key.startsWith(prefix));
        if (!isDead || landed) {
          const etags = await b.table.transact(partition, operations);
          if (!isDead) return etags;
        }
        throw new StoreUnreachable("it died");
      },
    };
  }

  it.each([
    ["outcomes!", true],
    ["outcomes!", false],
    ["switch!", true],
    ["switch!", false],
    ["d!", true],
    ["d!", false],
  ])("at %s (written: %s) is tripped and told once by the next", async (prefix, landed) => {
    const b = bench();
    for (const id of ["x-1", "x-2"]) await noteOutcome(b.engine, ending(id), "failed");
    const dying = another(b, { table: losing(b, prefix, landed) });
    await expect(noteOutcome(dying, ending("x-3"), "failed")).rejects.toThrow(StoreUnreachable);
    await noteOutcome(another(b), ending("x-3"), "failed");
    expect(tripped(b)).toBe(true);
    expect(await told(b)).toHaveLength(1);
  });

  it("takes a refusal that was its own success for what it is", async () => {
    const b = bench();
    let left = 1;
    const table: Table = {
      ...b.table,
      transact: async (partition, operations) => {
        const etags = await b.table.transact(partition, operations);
        if (operations.some(({ key }) => key.startsWith("outcomes!")) && left-- > 0)
          throw new RowConflict(409, "it is there already");
        return etags;
      },
    };
    const engine = another(b, { table });
    for (const id of ["x-1", "x-2"]) await noteOutcome(engine, ending(id), "failed");
    expect(tripped(b)).toBe(false);
    await noteOutcome(engine, ending("x-3"), "failed");
    expect(tripped(b)).toBe(true);
  });
});

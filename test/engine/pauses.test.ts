import { describe, expect, it } from "vitest";
import { approve } from "../../src/engine/approve.ts";
import { decodeControl, historyRows } from "../../src/engine/control-history.ts";
import { ATTEMPTS, type Engine } from "../../src/engine/engine.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { runManually } from "../../src/engine/manual-run.ts";
import { pause, pauses, resume } from "../../src/engine/pauses.ts";
import { revert } from "../../src/engine/revert.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Switches } from "../../src/engine/switches.ts";
import { noteOutcome } from "../../src/engine/trip.ts";
import { Retryable } from "../../src/model/errors.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { CONTROL } from "../../src/store/row-keys.ts";
import { StoreUnreachable } from "../../src/store/table.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { another, event, sweepAfter } from "./processes.ts";
import { twoWriteBench, written } from "./two-writes.ts";
import { CLUSTER } from "./world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ANN = { who: "ann", id: "t/ann", why: "a change freeze" };
const ALL = { kind: "all" } as const;
const HELD = "held: ann paused everything: a change freeze";

/** Another process with its own look at what is paused. */
function process(b: Bench, more: Partial<Engine> = {}): Engine {
  const switches = new Switches(more.table ?? b.table, b.clock);
  return another(b, { switches, ...more });
}

const only = (b: Bench): Remediation => {
  const [record, ...more] = b.records();
  if (record === undefined || more.length > 0) throw new Error("one record is wanted");
  return record;
};

async function notes(b: Bench): Promise<unknown[]> {
  const { rows } = await b.table.range(CONTROL, historyRows(), 100);
  return rows.map((row) => {
    const { what, who, why, details } = decodeControl(row);
    return { what, who, why, details };
  });
}

describe("what people pause", () => {
  it.each([
    [ALL, ALL],
    [
      { kind: "cluster", name: "prod" },
      { kind: "cluster", name: CLUSTER },
    ],
    [
      { kind: "cluster", name: CLUSTER.toUpperCase() },
      { kind: "cluster", name: CLUSTER },
    ],
    [
      { kind: "rule", name: "miners" },
      { kind: "rule", name: "miners" },
    ],
    [
      { kind: "playbook", name: "quarantine" },
      { kind: "playbook", name: "quarantine" },
    ],
  ] as const)("stands as the records name it, with who, why and when: %o", async (asked, of) => {
    const b = bench();
    const held = { of, who: "ann", why: "a change freeze", since: "2026-03-02T08:00:00.000Z" };
    expect(await pause(b.engine, asked, ANN)).toEqual({ held: false, pauses: [held], trips: [] });
    expect(await pauses(process(b))).toEqual({ held: false, pauses: [held], trips: [] });
    expect(await notes(b)).toEqual([{ what: "pause", who: "ann", why: "a change freeze", details: { of } }]);
  });

  it.each([
    ["cluster", /there is no cluster ghost/, "Use one of: prod,"],
    ["rule", /there is no rule ghost/, "Use one of: miners, notices."],
    ["playbook", /there is no playbook ghost/, "Use one of: quarantine, notice."],
  ] as const)(
    "is refused where there is no such %s, with those that there are",
    async (kind, message, advice) => {
      const b = bench();
      for (const act of [pause, resume]) {
        const given = act(b.engine, { kind, name: "ghost" }, ANN);
        await expect(given).rejects.toThrow(message);
        await expect(given).rejects.toMatchObject({
          kind: "refused",
          advice: expect.stringContaining(advice),
        });
      }
      expect(await pauses(b.engine)).toEqual({ held: false, pauses: [], trips: [] });
      expect(await notes(b)).toEqual([]);
    },
  );

  it("says so where the configuration names none of that kind", async () => {
    const b = bench({ configuration: { ...configuration("enforce"), clusters: [] } });
    await expect(pause(b.engine, { kind: "cluster", name: "prod" }, ANN)).rejects.toMatchObject({
      advice: "The configuration names no cluster.",
    });
  });

  it("stays with the word of whoever was first, and goes at the first word", async () => {
    const b = bench();
    await pause(b.engine, ALL, ANN);
    b.clock.pass(MINUTE);
    const again = await pause(b.engine, ALL, { who: "bob", id: "t/bob", why: "me too" });
    expect(again.pauses).toMatchObject([{ who: "ann", since: "2026-03-02T08:00:00.000Z" }]);
    await resume(b.engine, ALL, ANN);
    expect(await resume(b.engine, ALL, ANN)).toEqual({ held: false, pauses: [], trips: [] });
    expect(await notes(b)).toMatchObject([{ what: "pause" }, { what: "resume" }]);
  });

  it("is one pause though two ask for it at once", async () => {
    const b = bench();
    await Promise.all([pause(b.engine, ALL, ANN), pause(process(b), ALL, { ...ANN, who: "bob" })]);
    expect((await pauses(b.engine)).pauses).toHaveLength(1);
    expect(await notes(b)).toHaveLength(1);
  });

  it("goes one by one: letting everything go on keeps what was paused by name", async () => {
    const b = bench();
    await pause(b.engine, ALL, ANN);
    await pause(b.engine, { kind: "rule", name: "miners" }, ANN);
    expect((await resume(b.engine, ALL, ANN)).pauses).toMatchObject([{ of: { kind: "rule" } }]);
  });

  it("goes also where the configuration names it no more", async () => {
    const b = bench();
    await pause(b.engine, { kind: "rule", name: "miners" }, ANN);
    Object.assign(b.engine, { configuration: { ...b.engine.configuration, rules: [] } });
    expect((await resume(b.engine, { kind: "rule", name: "miners" }, ANN)).pauses).toEqual([]);
  });

  it("lets a row that no version can read go with everything", async () => {
    const b = bench();
    const key = "switch!later!x";
    await b.table.transact(CONTROL, [{ do: "insert", key, cells: { switch: "?" } }]);
    expect((await pauses(b.engine)).pauses).toMatchObject([{ of: ALL, who: "engine" }]);
    expect((await resume(b.engine, ALL, ANN)).pauses).toEqual([]);
  });

  it("is raised where the store does not answer, and can be asked again", async () => {
    const b = bench();
    let fails = true;
    const transact: Engine["table"]["transact"] = (...asked) =>
      fails ? Promise.reject(new StoreUnreachable("nobody answered")) : b.table.transact(...asked);
    const engine = process(b, { table: { ...b.table, transact } });
    await expect(pause(engine, ALL, ANN)).rejects.toThrow(StoreUnreachable);
    fails = false;
    await pause(engine, ALL, ANN);
    expect((await pauses(b.engine)).pauses).toHaveLength(1);
    expect(await notes(b)).toHaveLength(1);
  });
});

describe("a rule that was tripped", () => {
  async function tripped(): Promise<Bench> {
    const b = bench();
    await b.ingest(alert());
    const record = only(b);
    for (const id of ["1", "2", "3"]) await noteOutcome(b.engine, { ...record, id }, "failed");
    expect((await pauses(b.engine)).trips).toHaveLength(1);
    return b;
  }

  it("only observes, and says why, until somebody lets it act again", async () => {
    const b = await tripped();
    b.world.addPod("web-2");
    await b.ingest(alert({ id: "a-2", pod: "web-2" }));
    const observed = b.records().find(({ signal }) => signal.id === "a-2");
    expect(observed).toMatchObject({ state: "observed", reason: expect.stringContaining("is tripped") });
    await pause(b.engine, { kind: "rule", name: "miners" }, ANN);
    expect(await resume(b.engine, { kind: "rule", name: "miners" }, ANN)).toEqual({
      held: false,
      pauses: [],
      trips: [],
    });
    await b.ingest(alert({ id: "a-3", pod: "web-2" }));
    expect(b.world.labelsOf("web-2")["quarantine"]).toBeDefined();
    expect(await notes(b)).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ what: "resume" })]),
    );
  });
});

describe("a pause holds every forward write", () => {
  it("of new signals: planned and claimed, they wait, and no attempt is used up", async () => {
    const b = bench();
    await pause(b.engine, ALL, ANN);
    await b.ingest(alert());
    expect(only(b)).toMatchObject({ state: "applying", reason: HELD, touched: false, attempts: 0 });
    await sweepAfter(b, ...Array<number>(40).fill(1));
    expect(b.world.effects).toEqual([]);
    expect(only(b)).toMatchObject({ state: "applying", reason: HELD, attempts: 0, auditSequence: 2 });
    await resume(b.engine, ALL, ANN);
    await sweepAfter(b, 1);
    expect(only(b)).toMatchObject({ state: "in-force", proof: "proved" });
    expect(b.broken()).toEqual([]);
  });

  it.each([
    ["cluster", "prod", true],
    ["rule", "miners", true],
    ["rule", "notices", false],
    ["playbook", "quarantine", true],
    ["playbook", "notice", false],
  ] as const)("of the %s %s only", async (kind, name, isHeld) => {
    const b = bench();
    await pause(b.engine, { kind, name }, ANN);
    await b.ingest(alert());
    expect(b.world.effects).toHaveLength(isHeld ? 0 : 1);
  });

  it("but no message: what only tells is told", async () => {
    const b = bench();
    await pause(b.engine, ALL, ANN);
    await b.ingest(alert({ key: "VM_Other" }));
    expect(only(b)).toMatchObject({ state: "done", playbook: "notice" });
  });

  it("of what was pending: it is planned, and waits with its plan", async () => {
    const b = bench();
    b.world.before = () => Promise.reject(new Retryable("down", "Wait.", { retryAfterMs: 1_000 }));
    await b.ingest(alert());
    b.world.before = () => Promise.resolve();
    await pause(b.engine, ALL, ANN);
    await sweepAfter(b, 1, 1);
    expect(only(b)).toMatchObject({ state: "applying", reason: HELD, planHash: expect.any(String) });
    expect(b.world.effects).toEqual([]);
  });

  it("of what awaits approval: it goes on waiting, and expires in its time", async () => {
    const b = bench({ mode: "approve" });
    await b.ingest(alert());
    await pause(b.engine, ALL, ANN);
    await sweepAfter(b, 60);
    expect(only(b).state).toBe("awaiting-approval");
    await sweepAfter(b, 24 * 60, 24 * 60);
    expect(only(b).state).toBe("expired");
  });

  it("of what somebody approves under it: the word stands, and is done when it may go on", async () => {
    const b = bench({ mode: "approve" });
    await b.ingest(alert());
    await pause(b.engine, ALL, ANN);
    const { id, planHash } = only(b);
    const word = { who: "bob", id: "t/bob", why: "seen" };
    await approve(b.engine, id, { word, planHash: planHash ?? "", kind: "person" });
    expect(only(b)).toMatchObject({ state: "applying", reason: HELD, approval: { who: "bob" } });
    b.clock.pass(25 * HOUR);
    await sweepAfter(b, 1);
    expect(b.world.effects).toEqual([]);
    await resume(b.engine, ALL, ANN);
    await sweepAfter(b, 1);
    expect(only(b)).toMatchObject({ state: "in-force", approval: { who: "bob" } });
  });

  it("of what is in force already: nothing", async () => {
    const b = bench();
    await b.ingest(alert());
    await pause(b.engine, ALL, ANN);
    await sweepAfter(b, 60, 60);
    expect(only(b)).toMatchObject({ state: "in-force" });
    expect(b.world.effects).toHaveLength(1);
  });

  it("between two writes: what was written stays, on record, and it goes on where it was", async () => {
    const b = twoWriteBench(() => undefined, { kind: "containment" });
    b.world.after = async (call) => {
      if (!call.startsWith("label") || written(b).length > 1) return;
      await pause(process(b), ALL, ANN);
      b.clock.pass(5_000);
    };
    await b.ingest(alert());
    expect(written(b)).toEqual(["first"]);
    expect(only(b)).toMatchObject({ state: "applying", reason: HELD, touched: true, attempts: 0 });
    await sweepAfter(b, 1, 1);
    expect(written(b)).toEqual(["first"]);
    await resume(b.engine, ALL, ANN);
    await sweepAfter(b, 1);
    expect(written(b)).toEqual(["first", "second"]);
    expect(only(b).state).toBe("in-force");
    expect(b.broken()).toEqual([]);
  });

  it("but reads: what was written is verified and comes into force", async () => {
    const b = bench();
    const down = () => Promise.reject(new Retryable("down", "Wait.", { retryAfterMs: 1_000 }));
    b.world.after = async (call) => {
      if (call.startsWith("label")) b.world.before = down;
    };
    await b.ingest(alert());
    expect(only(b)).toMatchObject({ state: "applying", touched: true });
    b.world.before = () => Promise.resolve();
    await pause(b.engine, ALL, ANN);
    await sweepAfter(b, 1);
    expect(only(b)).toMatchObject({ state: "in-force", proof: "proved" });
    expect(b.world.effects).toHaveLength(1);
  });

  it("but nothing that goes back: people's reverts and deadlines", async () => {
    for (const act of [
      (b: Bench) => revert(b.engine, only(b).id, ANN),
      (b: Bench) => sweepAfter(b, 8 * 60, 16),
    ]) {
      const b = bench();
      await b.ingest(alert());
      await pause(b.engine, ALL, ANN);
      await act(b);
      expect(only(b).state).toBe("reverted");
      expect(b.world.labelsOf("web-1")["quarantine"]).toBeUndefined();
    }
  });

  it("and what is held can be taken back, half of it too", async () => {
    const b = twoWriteBench(() => undefined);
    b.world.after = async (call) => {
      if (call.startsWith("label") && written(b).length === 1) {
        await pause(process(b), ALL, ANN);
        b.clock.pass(5_000);
      }
    };
    await b.ingest(alert());
    expect(only(b)).toMatchObject({ state: "applying", touched: true });
    b.world.after = () => Promise.resolve();
    await revert(b.engine, only(b).id, ANN);
    expect(written(b)).toEqual([]);
    expect(only(b).state).toBe("reverted");
  });

  it("of a person's run as well", async () => {
    const b = bench();
    await pause(b.engine, ALL, ANN);
    const run = await runManually(b.engine, {
      playbook: "quarantine",
      target: { kind: "pod", cluster: "prod", namespace: "shop", name: "web-1" },
      parameters: {},
      mode: "enforce",
      ttlMs: null,
      notify: [],
      by: ANN,
      idempotencyKey: "k-1",
    });
    expect(run).toMatchObject({ state: "applying", reason: HELD });
    expect(b.world.effects).toEqual([]);
  });

  it("in another process within five seconds", async () => {
    const b = bench();
    const other = process(b);
    await ingest(other, [event()]);
    expect(b.world.effects).toHaveLength(1);
    for (const name of ["web-2", "web-3"]) b.world.addPod(name);
    await pause(b.engine, ALL, ANN);
    b.clock.pass(5_000);
    await ingest(other, [event({ id: "a-2", pod: "web-2" })]);
    expect(b.world.effects).toHaveLength(1);
    await resume(b.engine, ALL, ANN);
    b.clock.pass(5_000);
    await ingest(other, [event({ id: "a-3", pod: "web-3" })]);
    expect(b.world.effects).toHaveLength(2);
  });

  it("that comes while the target is read for the write, when the last look is old by then", async () => {
    const b = bench();
    b.world.after = async (call) => {
      if (call !== "namespace shop" || b.records().length === 0) return;
      await pause(process(b), ALL, ANN);
      b.clock.pass(5_000);
    };
    await b.ingest(alert());
    expect(b.world.effects).toEqual([]);
    expect(only(b)).toMatchObject({ state: "applying", reason: HELD, touched: false });
  });

  it("where the look at what is paused takes longer than it may be old", async () => {
    const b = bench();
    const range: Engine["table"]["range"] = async (partition, asked, limit) => {
      const page = await b.table.range(partition, asked, limit);
      if (partition === CONTROL && asked.from === "switch!") b.clock.pass(5_000);
      return page;
    };
    const slow = { table: { ...b.table, range } };
    await ingest(process(b, slow), [event()]);
    // However long that lasts, it is held, not tried and failed.
    for (let round = 0; round < 2 * ATTEMPTS; round += 1) {
      b.clock.pass(60_000);
      await sweep(process(b, slow));
    }
    expect(b.world.effects).toEqual([]);
    expect(only(b)).toMatchObject({
      state: "applying",
      reason: expect.stringContaining("too slowly"),
      attempts: 0,
    });
    await sweepAfter(b, 1);
    expect(only(b)).toMatchObject({ state: "in-force" });
  });

  it("where nobody can look what is paused: the batch comes again", async () => {
    const b = bench();
    const range: Engine["table"]["range"] = () => Promise.reject(new StoreUnreachable("nobody answered"));
    await expect(ingest(process(b, { table: { ...b.table, range } }), [event()])).rejects.toThrow(
      StoreUnreachable,
    );
    expect(b.world.effects).toEqual([]);
  });
});

describe("what became too old while it was paused", () => {
  it("awaits a person when it may go on, if nothing was written yet", async () => {
    const b = bench();
    await pause(b.engine, ALL, ANN);
    await b.ingest(alert());
    b.clock.pass(24 * HOUR);
    await resume(b.engine, ALL, ANN);
    await sweepAfter(b, 1);
    expect(only(b)).toMatchObject({
      state: "awaiting-approval",
      mode: "approve",
      reason: "the signal became older than the rule allows while it waited",
      touched: false,
    });
    expect(b.world.effects).toEqual([]);
  });

  it("is finished where it was begun", async () => {
    const b = twoWriteBench(() => undefined);
    b.world.after = async (call) => {
      if (!call.startsWith("label") || written(b).length > 1) return;
      await pause(process(b), ALL, ANN);
      b.clock.pass(5_000);
    };
    await b.ingest(alert());
    b.clock.pass(24 * HOUR);
    await resume(b.engine, ALL, ANN);
    await sweepAfter(b, 1);
    expect(written(b)).toEqual(["first", "second"]);
  });

  it("is not what somebody still alerts about", async () => {
    const b = bench();
    await pause(b.engine, ALL, ANN);
    await b.ingest(alert());
    b.clock.pass(24 * HOUR);
    await b.ingest(alert({ id: "a-2", at: b.clock.now().toISOString() }));
    await resume(b.engine, ALL, ANN);
    await sweepAfter(b, 1);
    expect(only(b).state).toBe("in-force");
  });
});

describe("a wait before the first write", () => {
  it("is followed by asking Defender again: what is over by then awaits a person", async () => {
    const b = bench();
    await pause(b.engine, ALL, ANN);
    await b.ingest(alert());
    const closed: Engine["defender"] = { find: () => Promise.reject(new Error("forbidden")) };
    Object.assign(b.engine, { defender: closed });
    await resume(b.engine, ALL, ANN);
    b.clock.pass(MINUTE);
    await sweep(b.engine);
    expect(only(b)).toMatchObject({ state: "awaiting-approval", touched: false });
    expect(b.world.effects).toEqual([]);
  });
});

describe("the kill switch", () => {
  it("holds every forward write without asking the store; decisions go on", async () => {
    const b = bench();
    const range: Engine["table"]["range"] = (partition, asked, limit) =>
      asked.from === "switch!"
        ? Promise.reject(new StoreUnreachable("nobody answered"))
        : b.table.range(partition, asked, limit);
    const off = process(b, { held: true, table: { ...b.table, range } });
    await ingest(off, [event()]);
    expect(only(b)).toMatchObject({ state: "applying", reason: "held: the app setting REFLEX_MODE is off" });
    b.clock.pass(MINUTE);
    await sweep(off);
    expect(b.world.effects).toEqual([]);
    await sweepAfter(b, 1);
    expect(only(b).state).toBe("in-force");
  });

  it("holds no revert and no deadline", async () => {
    const b = bench();
    await b.ingest(alert());
    const off = process(b, { held: true });
    await revert(off, only(b).id, ANN);
    expect(only(b).state).toBe("reverted");
    expect((await pauses(off)).held).toBe(true);
  });
});

describe("what looking at the pauses costs", () => {
  it("is one page in five seconds for all alerts of a process, and none where nothing would be changed", async () => {
    for (const [mode, pages] of [
      ["enforce", 1],
      ["approve", 1],
      ["observe", 0],
    ] as const) {
      const b = bench({ mode });
      const names = Array.from({ length: 20 }, (_none, index) => `p-${index}`);
      for (const name of names) b.world.addPod(name);
      let asked = 0;
      const range: Engine["table"]["range"] = (partition, of, limit) => {
        if (of.from.startsWith("switch!")) asked += 1;
        return b.table.range(partition, of, limit);
      };
      const engine = process(b, { table: { ...b.table, range } });
      await ingest(
        engine,
        names.map((name, index) => ({ ...event({ id: name, pod: name }), sequence: index })),
      );
      expect(asked).toBe(pages);
      expect(b.world.effects).toHaveLength(mode === "enforce" ? 20 : 0);
    }
  });
});

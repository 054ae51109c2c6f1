import { describe, expect, it } from "vitest";
import type { Work } from "../../src/engine/claim.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { enter } from "../../src/engine/enter.ts";
import type { Prepared } from "../../src/engine/prepare.ts";
import type { Remediation, State } from "../../src/model/remediation.ts";
import { RowConflict, StoreUnreachable } from "../../src/store/table.ts";
import { type TargetEntry, UNSEEN } from "../../src/store/target-row.ts";
import { bench } from "./harness.ts";
import {
  BEFORE,
  DUE_LATER,
  DUE_NOW,
  entering,
  entry,
  joined,
  keysOf,
  NOW,
  signal,
  stand,
  verdict,
  work,
} from "./piece-of-work.ts";

const RUNNING = { token: "theirs", until: "2026-03-02T08:00:00.001Z" };
const RUN_OUT = { token: "theirs", until: NOW };

describe("a signal that joins what is open", () => {
  it("is its last signal, from which the deadline counts, and moves nothing else", async () => {
    const { b, after, before } = await entering({}, verdict());
    const moved = entry({ lastSignalAt: NOW, lastSignal: signal().summary });
    expect(after).toEqual({ ...before, entries: { quarantine: moved } });
    expect(keysOf(b, "d")).toEqual([DUE_LATER]);
  });

  it.each([
    ["enforce", NOW],
    ["approve", NOW],
    ["observe", BEFORE],
    ["off", BEFORE],
  ] as const)("of a rule in mode %s counts the deadline from %s", async (mode, lastSignalAt) => {
    const { after } = await entering({}, verdict(), { work: { mode } });
    expect(after.entries["quarantine"]).toEqual(entry({ lastSignalAt, lastSignal: signal().summary }));
  });

  it.each([
    ["a lease that ran out", RUN_OUT, true],
    ["a lease that runs", RUNNING, false],
    ["no lease", null, false],
  ] as const)("under %s wakes its driver: %o", async (_what, lease, wake) => {
    const { begun } = await entering({}, verdict(), { row: { lease, entries: { quarantine: entry() } } });
    expect(begun).toEqual(joined(wake));
  });

  it("wakes nobody where what ended left a lease to run out", async () => {
    const given = entry({ state: "no-op" });
    const row = { lease: RUN_OUT, entries: { quarantine: given } };
    const prepared = verdict({ state: "no-op", plan: null });
    expect((await entering(given, prepared, { row, record: null })).begun).toEqual(joined());
  });
});

describe("another object under the name", () => {
  it.each<[string, Partial<TargetEntry>, Prepared | null, string]>([
    ["is noted", {}, verdict({ identity: "uid-2" }), "uid-2"],
    [
      "is noted where an earlier one was",
      { newerIdentity: "uid-2" },
      verdict({ identity: "uid-3" }),
      "uid-3",
    ],
    ["is looked for by the driver where nobody could look", {}, null, UNSEEN],
    ["may be the very one that is being let go", { state: "reverting" }, verdict(), "uid-1"],
  ])("%s, and its driver is woken for it", async (_what, given, prepared, newerIdentity) => {
    const { b, begun, after } = await entering(given, prepared);
    expect(begun).toEqual(joined(true));
    expect(after.entries["quarantine"]).toMatchObject({ newerIdentity, lifted: false });
    expect(keysOf(b, "d")).toEqual([DUE_NOW]);
    expect(b.records()).toMatchObject([{ dueRow: DUE_NOW, dueAt: NOW, dueSequence: 2 }]);
  });

  it.each<[string, Partial<TargetEntry>, Prepared | null, Partial<Work>]>([
    ["is known already", { newerIdentity: "uid-2" }, verdict({ identity: "uid-2" }), {}],
    ["is known and nobody could look now", { newerIdentity: "uid-2" }, null, {}],
    ["cannot be told of what is not resolved", {}, null, { unresolved: true }],
    ["is none where the verdict names no object", {}, verdict({ identity: null }), {}],
    ["is none where it is the same", {}, verdict(), {}],
  ])("%s: nobody is woken", async (_what, given, prepared, more) => {
    const { b, begun, after } = await entering(given, prepared, { work: more });
    expect(begun).toEqual(joined());
    expect(after.entries["quarantine"]?.newerIdentity).toBe(given.newerIdentity ?? null);
    expect(keysOf(b, "d")).toEqual([DUE_LATER]);
  });

  it("is left to the pending one's own look, where nobody could look", async () => {
    const { b, begun, after } = await entering({ state: "pending" }, null);
    expect(begun).toEqual(joined());
    expect(after.entries["quarantine"]?.newerIdentity).toBe(UNSEEN);
    expect(keysOf(b, "d")).toEqual([DUE_LATER]);
  });

  it("makes also the pending one due now, where it was seen", async () => {
    const { b } = await entering({ state: "pending" }, verdict({ identity: "uid-2" }));
    expect(keysOf(b, "d")).toEqual([DUE_NOW]);
  });

  it.each<[string, Partial<Remediation> | null]>([
    ["is gone", null],
    ["has ended", { state: "reverted" }],
    ["has ended and left no due row", { state: "reverted", dueRow: null }],
    ["is due never", { dueRow: null }],
  ])("is noted and makes nothing due where the record %s", async (_what, record) => {
    const { b, begun, after } = await entering({}, verdict({ identity: "uid-2" }), { record });
    expect(begun).toEqual(joined());
    expect(after.entries["quarantine"]?.newerIdentity).toBe("uid-2");
    expect(keysOf(b, "d")).toEqual(record === null ? [] : [DUE_LATER]);
  });
});

describe("an enforcing rule", () => {
  const approve = verdict({ state: "awaiting-approval", mode: "approve" });
  const waits = (state: State, more: Partial<TargetEntry> = {}): Partial<TargetEntry> => ({
    state,
    mode: "approve",
    ...more,
  });

  it.each<[string, Partial<TargetEntry>, Prepared | null]>([
    ["what waits for approval", waits("awaiting-approval"), verdict()],
    ["what would ask once it is planned", waits("pending"), verdict()],
    ["what would ask, where nobody could look", waits("pending"), null],
    ["what acted once today", waits("awaiting-approval", { episodes: [BEFORE] }), verdict()],
  ])("lifts %s and wakes its driver", async (_what, given, prepared) => {
    const { b, begun, after } = await entering(given, prepared);
    expect(after.entries["quarantine"]?.lifted).toBe(true);
    expect(begun).toEqual(joined(true));
    expect(keysOf(b, "d")).toEqual([DUE_NOW]);
  });

  it.each<[string, Partial<TargetEntry>, Prepared | null, Partial<Work>]>([
    ["what is lifted already", waits("awaiting-approval", { lifted: true }), verdict(), {}],
    [
      "what asks for the third time",
      waits("awaiting-approval", { episodes: [BEFORE, BEFORE] }),
      verdict(),
      {},
    ],
    ["what would ask here too", waits("awaiting-approval"), approve, { mode: "approve" }],
    [
      "what waits, while nobody can look and plan",
      waits("awaiting-approval", { newerIdentity: UNSEEN }),
      null,
      {},
    ],
    ["what enforces already", { state: "pending" }, verdict(), {}],
    ["what is pending, where this rule only asks", waits("pending"), approve, { mode: "approve" }],
    ["what is in force", waits("in-force"), verdict(), {}],
  ])("does not lift %s", async (_what, given, prepared, more) => {
    const { b, begun, after } = await entering(given, prepared, { work: more });
    expect(after.entries["quarantine"]?.lifted).toBe(given.lifted ?? false);
    expect(begun).toEqual(joined());
    expect(keysOf(b, "d")).toEqual([DUE_LATER]);
  });
});

describe("a join that the table does not take", () => {
  const failing = async (error: Error) => {
    const b = bench();
    const seen = await stand(b, { entries: { quarantine: entry() } });
    const table: Engine["table"] = { ...b.table, transact: () => Promise.reject(error) };
    return enter({ ...b.engine, table }, work(), verdict(), seen);
  };

  it("is looked at again after a conflict and where nobody answered", async () => {
    expect(await failing(new RowConflict(412, "it moved"))).toBeNull();
    expect(await failing(new StoreUnreachable("no answer"))).toBeNull();
  });

  it("is not hidden where it was another fault", async () => {
    await expect(failing(new RangeError("too large"))).rejects.toThrow(RangeError);
  });

  it("leaves nothing behind where the row moved meanwhile", async () => {
    const b = bench();
    const { row } = await stand(b, { entries: { quarantine: entry() } });
    expect(await enter(b.engine, work(), verdict(), { row, etag: 'W/"0"' })).toBeNull();
    expect(keysOf(b, "s")).toEqual([]);
  });
});

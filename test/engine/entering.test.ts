import { describe, expect, it } from "vitest";
import { enter } from "../../src/engine/enter.ts";
import type { Prepared } from "../../src/engine/prepare.ts";
import type { TargetEntry } from "../../src/store/target-row.ts";
import { type Bench, bench } from "./harness.ts";
import {
  BEFORE,
  entering,
  entry,
  joined,
  keysOf,
  LATER,
  NOW,
  rowOf,
  signal,
  stand,
  verdict,
  work,
} from "./piece-of-work.ts";

const LEASE_END = "2026-03-02T08:02:00.000Z";
const RUNNING = { token: "theirs", until: "2026-03-02T08:00:00.001Z" };
const RUN_OUT = { token: "theirs", until: NOW };
const recorded = { outcome: "recorded", wake: false };

describe("signals that were decided before", () => {
  it("change nothing", async () => {
    const { b, begun } = await entering({}, verdict());
    expect(begun).toEqual(joined());
    const seen = await stood(b);
    expect(await enter(b.engine, work(), verdict(), seen)).toEqual({ ...joined(), outcome: "known" });
    expect(rowOf(b)).toEqual(seen.row);
  });

  it("are known also where no entry is left of who decided them", async () => {
    const { b } = await entering({}, verdict());
    const { etag, row } = await stood(b);
    const begun = await enter(b.engine, work(), verdict(), { etag, row: { ...row, entries: {} } });
    expect(begun).toEqual({ ...joined(), outcome: "known", id: "" });
  });

  it("are left out where others of the piece are new", async () => {
    const { b } = await entering({}, verdict());
    const both = work({ signals: [signal("a-1"), signal("a-2")] });
    expect(await enter(b.engine, both, verdict(), await stood(b))).toEqual(joined());
    expect(keysOf(b, "s")).toHaveLength(2);
    expect(rowOf(b).entries["quarantine"]?.lastSignal?.id).toBe("a-2");
  });
});

/** The row with its ETag as it is now. */
async function stood(b: Bench) {
  const stored = b.table.snapshot().find(({ key }) => key.startsWith("t!"));
  return { row: rowOf(b), etag: stored?.etag ?? "" };
}

describe("a claim beside what stands on the target", () => {
  it("takes a free lease, is planned under it, and is due when it ends", async () => {
    const { b, begun, after } = await entering(null, verdict());
    const [record] = b.records();
    expect(begun).toMatchObject({
      ...recorded,
      id: record?.id,
      drive: { prepared: null, record: { id: record?.id } },
    });
    expect(record).toMatchObject({
      state: "pending",
      reason: "it is planned under the lease",
      dueAt: LEASE_END,
    });
    expect(after.lease).toEqual({ token: begun?.drive?.held.token, until: LEASE_END });
  });

  it("waits at once while another holds the lease, and marks nobody as gone", async () => {
    const other = entry({ id: "other" });
    const row = { lease: RUNNING, entries: { notice: other } };
    const { b, begun, after } = await entering(null, verdict(), { row });
    const [record] = b.records();
    expect(begun).toEqual({ ...recorded, id: record?.id, drive: null, messages: [] });
    expect(record).toMatchObject({
      state: "pending",
      reason: "another remediation of this target is under way",
      dueAt: NOW,
    });
    expect(after).toMatchObject({ lease: RUNNING, entries: { notice: other } });
  });

  it("takes a lease that ran out this very moment, and marks who was driving as gone", async () => {
    const row = { lease: RUN_OUT, entries: { notice: entry({ id: "other" }) } };
    const { begun, after } = await entering(null, verdict(), { row });
    expect(begun?.drive?.held.token).toBe(after.lease?.token);
    expect(after.entries["notice"]).toEqual(entry({ id: "other", abandoned: true }));
  });

  it.each([null, RUNNING])("is not written where the row moved meanwhile (lease: %o)", async (lease) => {
    const b = bench();
    const { row } = await stand(b, { lease });
    expect(await enter(b.engine, work(), verdict(), { row, etag: 'W/"0"' })).toBeNull();
    expect(b.records()).toEqual([]);
  });
});

describe("what has ended", () => {
  const same = verdict({ state: "no-op", plan: null });
  const ended = { state: "no-op", cooldownUntil: null } as const;

  it.each<[string, Partial<TargetEntry>, Prepared | null]>([
    ["another state came out", { state: "reverted" }, same],
    ["another object bears the name", { identity: "uid-0" }, same],
    ["another mode came out", { mode: "approve" }, same],
    ["nobody could look", {}, null],
    ["its cooldown ends this very moment", { state: "reverted", cooldownUntil: NOW }, same],
    [
      "it was over at the very time of the signal",
      { state: "reverted", closedAt: "2026-03-02T07:50:00.000Z" },
      same,
    ],
  ])("begins anew where %s", async (_why, given, prepared) => {
    const { begun, after } = await entering({ ...ended, ...given }, prepared, { record: null });
    expect(begun).toMatchObject(recorded);
    expect(after.entries["quarantine"]).toMatchObject({ id: begun?.id, closedAt: given.closedAt ?? null });
  });

  it.each<[string, Partial<TargetEntry>, Prepared | null]>([
    ["the same would come out", {}, same],
    [
      "it cools down for a moment more",
      { state: "reverted", cooldownUntil: "2026-03-02T08:00:00.001Z" },
      same,
    ],
    ["it was over after the signal", { state: "reverted", closedAt: "2026-03-02T07:50:00.001Z" }, null],
    ["another object bears the name, but it cools down", { identity: "uid-0", cooldownUntil: LATER }, same],
  ])("only takes the signals where %s", async (_why, given, prepared) => {
    const { b, begun, after, before } = await entering({ ...ended, ...given }, prepared, { record: null });
    expect(begun).toEqual(joined());
    expect(after).toEqual(before);
    expect(keysOf(b, "s")).toHaveLength(1);
  });

  it("begins anew for a signal that has no time, though it was over before", async () => {
    const given = { state: "reverted", closedAt: NOW } as const;
    const undated = { work: { signals: [signal("a-1", null)] as const }, record: null };
    const { begun } = await entering(given, verdict(), undated);
    expect(begun).toMatchObject(recorded);
  });

  it("begins anew whenever a person asks", async () => {
    const given = { ...ended, cooldownUntil: LATER, closedAt: LATER };
    const requestedBy = { who: "ann", id: "t/ann", why: "a drill" };
    const { begun } = await entering(given, same, { work: { requestedBy }, record: null });
    expect(begun).toMatchObject(recorded);
  });

  it("hands its episodes of the day on, where nothing was applied", async () => {
    const given = { ...ended, episodes: ["2026-03-01T08:00:00.000Z", BEFORE] };
    const { after } = await entering(given, null, { record: null });
    expect(after.entries["quarantine"]?.episodes).toEqual([BEFORE]);
  });

  it("is what another's hold comes to, where that is seen", async () => {
    const touches = ["pod/shop/web-1#labels.quarantine"];
    const skipped = entry({ state: "skipped" });
    const row = { entries: { quarantine: skipped, other: entry({ id: "other", touches }) } };
    const { begun, after, before } = await entering(skipped, verdict(), { row, record: null });
    expect(begun).toEqual(joined());
    expect(after).toEqual(before);
  });
});

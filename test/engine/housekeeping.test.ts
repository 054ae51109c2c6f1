import { describe, expect, it } from "vitest";
import { ingest } from "../../src/engine/ingest.ts";
import { listParked } from "../../src/engine/parked-list.ts";
import { revert } from "../../src/engine/revert.ts";
import { hashOf } from "../../src/model/canonical-json.ts";
import { Retryable } from "../../src/model/errors.ts";
import { SHARDS } from "../../src/store/row-keys.ts";
import type { Row } from "../../src/store/table.ts";
import { SCHEMA } from "../../src/store/target-row.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { another, event, skewed, sweepAfter } from "./processes.ts";
import { quarantine } from "./quarantine.ts";

const DAYS = 24 * 60;

/** Rows of the shards: everything about targets. */
function shardRows(b: Bench): Row[] {
  return b.table.snapshot().filter(({ partition }) => SHARDS.includes(partition));
}

describe("retention", () => {
  it("removes remediations with their plans, signals and empty target row, and keeps their history", async () => {
    const b = bench();
    await b.ingest(alert({ id: "a-1" }), alert({ id: "a-2" }));
    await sweepAfter(b, DAYS, 1);
    const [record] = b.records();
    const history = (): string[] => shardRows(b).flatMap(({ key }) => (key.startsWith("a!") ? [key] : []));
    const before = history().length;
    await sweepAfter(b, 401 * DAYS);
    expect(shardRows(b).flatMap(({ key }) => (key.startsWith("a!") ? [] : [key]))).toEqual([
      `x!${record?.id}`,
    ]);
    expect(history()).toHaveLength(before + 1);
    // And all of it stays as it is.
    const rows = shardRows(b);
    await sweepAfter(b, 800 * DAYS);
    expect(shardRows(b)).toEqual(rows);
  });

  it("removes histories too where the configuration names a time for them", async () => {
    const b = bench({ configuration: configuration("enforce", (text) => `auditRetention: 500d\n${text}`) });
    await b.ingest(alert());
    await sweepAfter(b, DAYS, 1, 401 * DAYS, 90 * DAYS);
    expect(shardRows(b).length).toBeGreaterThan(1);
    await sweepAfter(b, 11 * DAYS);
    expect(shardRows(b)).toEqual([]);
  });

  it("leaves what is open however old, and what still has a younger episode on its target", async () => {
    const b = bench();
    b.world.before = (call) =>
      call.startsWith("label") && b.world.effects.length > 0
        ? Promise.reject(new Retryable("503", "Wait.", { retryAfterMs: 1_000 }))
        : Promise.resolve();
    await b.ingest(alert());
    await sweepAfter(b, 8 * 60, 200 * DAYS, 201 * DAYS, 1);
    expect(b.records()).toMatchObject([{ state: "reverting" }]);
    expect(b.broken()).toEqual([]);
    b.world.before = () => Promise.resolve();
    await sweepAfter(b, 60);
    expect(b.records()).toMatchObject([{ state: "reverted" }]);
    await sweepAfter(b, 399 * DAYS);
    expect(b.records()).toHaveLength(1);
    await b.ingest(alert({ id: "young", at: b.clock.now().toISOString() }));
    await sweepAfter(b, 2 * DAYS, 1);
    expect(b.records()).toMatchObject([{ signal: { id: "young" } }]);
    expect(shardRows(b).filter(({ key }) => key.startsWith("t!"))).toHaveLength(1);
  });
});

describe("the daily root", () => {
  it("covers all heads that changed since the last one and is chained to it, also in the log", async () => {
    const b = bench();
    await b.ingest(alert());
    await sweepAfter(b, 1, DAYS, DAYS, DAYS);
    const roots = b.table.snapshot().filter(({ key }) => /^root-\d/.test(key));
    expect(roots).toHaveLength(4);
    const [record] = b.records();
    const [first, second, third, fourth] = roots.map(({ cells }) => cells);
    expect(first).toMatchObject({ previous: "", heads: 1 });
    expect(second).toMatchObject({ previous: first?.["hash"], heads: 1 });
    // One that changed as the last root was written stands in both.
    expect(third).toMatchObject({ previous: second?.["hash"], heads: 1 });
    expect(fourth).toMatchObject({ previous: third?.["hash"], heads: 0 });
    const list = hashOf([`${record?.id}:${record?.auditSequence}:${record?.auditHash}`]);
    expect(second?.["lists"]).toBe(JSON.stringify([list]));
    const { previous, at, heads } = second ?? {};
    const sealed = { number: 2, at, previous, heads, lists: [list], auditRetentionMs: null };
    expect(second?.["hash"]).toBe(hashOf(sealed));
    expect(b.table.snapshot().some(({ key }) => key === `heads-00000002!${list}`)).toBe(true);
    const logged = b.log.filter(({ event }) => event === "audit root").map(({ facts }) => facts?.["hash"]);
    expect(logged).toEqual(roots.map(({ cells }) => cells["hash"]));
  });

  it("covers what a clock that is behind wrote after the last one", async () => {
    const b = bench({ mode: "observe" });
    await sweepAfter(b, 1);
    const behind = another(b, { clock: skewed(b, -60_000) });
    await ingest(behind, [event()]);
    await sweepAfter(b, DAYS);
    const roots = b.table.snapshot().filter(({ key }) => /^root-\d/.test(key));
    expect(roots.map(({ cells }) => cells["heads"])).toEqual([0, 1]);
  });

  it("covers what was removed since, so that a hole is told from retention", async () => {
    const b = bench();
    await b.ingest(alert());
    await sweepAfter(b, DAYS, 1);
    await sweepAfter(b, 401 * DAYS);
    expect(b.records()).toEqual([]);
    const last = b.table.snapshot().findLast(({ key }) => key.startsWith("a!"));
    const root = b.table.snapshot().findLast(({ key }) => /^root-\d/.test(key))?.cells ?? {};
    const [, id, sequence] = last?.key.split("!") ?? [];
    expect(root["lists"]).toBe(
      JSON.stringify([hashOf([`${id}:${Number(sequence)}:${last?.cells["hash"]}`])]),
    );
    expect(b.table.snapshot().filter(({ key }) => key.startsWith("removed-"))).toEqual([]);
  });
});

describe("silence of the export", () => {
  it("is told once, and again when events came and ceased anew", async () => {
    const b = bench();
    await b.ingest(alert({ key: "nothing wants this" }));
    await sweepAfter(b, 23 * 60);
    expect(b.sent).toEqual([]);
    await sweepAfter(b, 2 * 60, 1, 2 * 60, 1, DAYS, 1);
    expect(b.sent.map(({ kind }) => kind)).toEqual(["silence"]);
    await b.ingest(alert({ key: "nothing wants this", id: "a-2" }));
    await sweepAfter(b, 26 * 60, 1, 60, 1);
    expect(b.sent.map(({ kind }) => kind)).toEqual(["silence", "silence"]);
  });

  it("before the first event counts from the first sweep", async () => {
    const b = bench();
    await sweepAfter(b, 1, 23 * 60);
    expect(b.sent).toEqual([]);
    await sweepAfter(b, 2 * 60, 1);
    expect(b.sent.map(({ kind }) => kind)).toEqual(["silence"]);
  });
});

describe("marks that no open remediation owns", () => {
  it("are told once a day, and those that one owns are not", async () => {
    const b = bench();
    await b.ingest(alert());
    b.world.addPod("forged", { labels: { quarantine: "x" } });
    const old = b.world.addPod("old");
    await b.ingest(alert({ id: "a-old", pod: "old" }));
    const ended = b.records().find(({ target }) => target.kind === "pod" && target.name === "old");
    await revert(another(b), ended?.id ?? "", { who: "ann", id: "t/ann", why: "a drill" });
    b.world.change("old", { labels: { ...old.labels, quarantine: ended?.id ?? "" } });
    await sweepAfter(b, 1, 1, 60);
    const told = b.sent.filter(({ kind }) => kind === "foreign-mark");
    expect(told).toHaveLength(1);
    expect(told[0]?.text).toContain("pod shop/forged (x)");
    expect(told[0]?.text).toContain(`pod shop/old (${ended?.id})`);
    expect(told[0]?.text).not.toContain("web-1");
  });

  it("are not those of what is done for good", async () => {
    const b = bench({
      configuration: configuration("enforce", (text) => text.replace(", ttl: 8h", "")),
      engine: { playbooks: new Map([["quarantine", { ...quarantine, kind: "remediation" }]]) },
    });
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "done" }]);
    expect(b.world.labelsOf("web-1")["quarantine"]).toBe(b.records()[0]?.id);
    await sweepAfter(b, DAYS, 1);
    expect(b.sent.filter(({ kind }) => kind === "foreign-mark")).toEqual([]);
  });
});

describe("rows of a newer version", () => {
  /** As a newer version would have written them. */
  async function renew(b: Bench, kinds: RegExp): Promise<Row[]> {
    const rows = shardRows(b).filter(({ key }) => kinds.test(key));
    for (const { partition, key, etag, cells } of rows) {
      const newer = { ...cells, schema: SCHEMA + 1 };
      await b.table.transact(partition, [{ do: "replace", key, etag, cells: newer }]);
    }
    return shardRows(b);
  }

  it.each([
    ["target", /^t!/],
    ["record", /^r!/],
    ["due", /^d!/],
    ["all", /./],
  ])("are left alone by driver, sweep, retention and root (%s)", async (_name, kinds) => {
    const b = bench();
    await b.ingest(alert());
    await sweepAfter(b, 1);
    const rows = await renew(b, kinds);
    await sweepAfter(b, 8 * 60, 2 * DAYS, 401 * DAYS);
    const after = shardRows(b).filter(({ cells }) => cells["kind"] !== "message");
    expect(after).toEqual(rows);
    expect(b.world.effects).toHaveLength(1);
    expect(b.log.filter(({ event }) => event === "audit root").length).toBeGreaterThan(1);
  });

  it("park an alert for such a target, so that it is not lost", async () => {
    const b = bench();
    await b.ingest(alert({ id: "a-1" }));
    await renew(b, /^t!/);
    const counts = await b.ingest(alert({ id: "a-2" }));
    expect(counts).toMatchObject({ records: 1, parked: 1 });
    const { events } = await listParked(b.table, 10);
    expect(events[0]?.reason).toContain("newer version");
  });
});

import { describe, expect, it } from "vitest";
import { ingest } from "../../src/engine/ingest.ts";
import { RecentSignals } from "../../src/engine/recent-signals.ts";
import { revert } from "../../src/engine/revert.ts";
import { ROOMY } from "./fixtures.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { another, event } from "./processes.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const silent = (text: string): string => text.replaceAll(/\n +notify: \[security\]/g, "");

/** What something cost of the table: changes written, changes that the table refused, point reads, pages. */
interface Cost {
  readonly written: number;
  readonly refused: number;
  readonly reads: number;
  readonly pages: number;
}

/** A bench that tells nobody, unless asked to, and has noted lately that events come (one change in ten minutes). */
function quiet(mode: string, told = false): Bench {
  const b = bench({ configuration: told ? configuration(mode) : configuration(mode, silent) });
  b.engine.recent.lastEventNoted = b.clock.now();
  return b;
}

async function costOf(b: Bench, act: () => Promise<unknown>): Promise<Cost> {
  // Noting that events come is not a cost of one alert, nor is the look at what is switched off (one in five seconds).
  b.engine.recent.lastEventNoted = b.clock.now();
  await b.engine.switches.now();
  const before = b.table.counts();
  await act();
  const { transactions, refused, reads, pages } = b.table.counts();
  return {
    written: transactions - before.transactions - (refused - before.refused),
    refused: refused - before.refused,
    reads: reads - before.reads,
    pages: pages - before.pages,
  };
}

const nothing: Cost = { written: 0, refused: 0, reads: 0, pages: 0 };

describe("what an alert costs of the table", () => {
  it("is three changes for a distinct one, applied and verified: two, and one of its budgets", async () => {
    const b = quiet("enforce");
    expect(await costOf(b, () => b.ingest(alert()))).toEqual({ ...nothing, written: 3 });
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
  });

  it("is two more where a message goes out at once: the channel's budget, and that it was sent", async () => {
    const b = quiet("enforce", true);
    expect(await costOf(b, () => b.ingest(alert()))).toEqual({ ...nothing, written: 5 });
    expect(b.sent).toHaveLength(1);
  });

  it("is three for the next one of the process, which remembers the budgets", async () => {
    const b = quiet("enforce");
    await b.ingest(alert());
    b.world.addPod("web-2");
    const next = alert({ id: "a-2", pod: "web-2" });
    expect(await costOf(b, () => b.ingest(next))).toEqual({ ...nothing, written: 3 });
  });

  it("is one refused change and a read of each of five budgets more for the first one of another process", async () => {
    const b = quiet("enforce");
    await b.ingest(alert());
    b.world.addPod("web-2");
    const other = another(b);
    other.recent.lastEventNoted = b.clock.now();
    const cost = await costOf(b, () => ingest(other, [event({ id: "a-2", pod: "web-2" })]));
    expect(cost).toEqual({ ...nothing, written: 3, refused: 1, reads: 5 });
  });

  it("is one change and a read of each of five budgets where one of them is used up", async () => {
    const budgets = { ...ROOMY, perRule: 0 };
    const b = bench({ configuration: { ...configuration("enforce", silent), budgets } });
    await b.ingest(alert());
    b.world.addPod("web-2");
    const next = alert({ id: "a-2", pod: "web-2" });
    expect(await costOf(b, () => b.ingest(next))).toEqual({ ...nothing, written: 1, reads: 5 });
  });

  it("is two for each of many in one batch, and a few of the budgets for all of them", async () => {
    const b = quiet("enforce");
    const names = Array.from({ length: 30 }, (_none, index) => `p-${index}`);
    for (const name of names) b.world.addPod(name);
    const batch = names.map((name) => alert({ id: name, pod: name }));
    const { written, ...others } = await costOf(b, () => b.ingest(...batch));
    expect(others).toEqual({ refused: 0, reads: 0, pages: 0 });
    expect(written).toBeGreaterThan(60);
    expect(written).toBeLessThanOrEqual(66);
  });

  it.each(["observe", "approve"])("is one where the rule says %s", async (mode) => {
    const b = quiet(mode);
    expect(await costOf(b, () => b.ingest(alert()))).toEqual({ ...nothing, written: 1 });
  });

  it("is one for a notification, whose message waits for the digest", async () => {
    const b = quiet("enforce", true);
    expect(await costOf(b, () => b.ingest(alert({ key: "VM_Other" })))).toEqual({ ...nothing, written: 1 });
    expect(b.records()).toMatchObject([{ state: "done", playbook: "notice" }]);
  });

  it("is one where it is skipped or refused", async () => {
    const b = quiet("enforce");
    expect(await costOf(b, () => b.ingest(alert({ pod: "gone" })))).toEqual({ ...nothing, written: 1 });
    b.world.addPod("web-1", { namespace: "kube-system" });
    const system = alert({ id: "a-2", namespace: "kube-system" });
    expect(await costOf(b, () => b.ingest(system))).toEqual({ ...nothing, written: 1 });
    expect(
      b
        .records()
        .map(({ state }) => state)
        .toSorted(),
    ).toEqual(["refused", "skipped"]);
  });

  it("is nothing where no rule matches", async () => {
    const b = quiet("enforce");
    expect(await costOf(b, () => b.ingest(alert({ key: "SQL.DB_Other" })))).toEqual(nothing);
  });

  it("is nothing where this process knows it", async () => {
    const b = quiet("enforce");
    await b.ingest(alert());
    expect(await costOf(b, () => b.ingest(alert(), alert()))).toEqual(nothing);
  });

  it("is one refused change and two point reads where another process decided it", async () => {
    for (const mode of ["enforce", "approve", "observe"]) {
      const b = quiet(mode);
      await b.ingest(alert());
      b.engine.recent.forget();
      const { reads, ...changes } = await costOf(b, () => b.ingest(alert()));
      expect(changes).toEqual({ written: 0, refused: 1, pages: 0 });
      // Target row and signal row, and whether the refusal was our own success.
      expect(reads).toBe(2);
    }
  });

  it("is one change for all of a batch that join one remediation, and a point read for each", async () => {
    const b = quiet("enforce");
    await b.ingest(alert());
    for (const count of [1, 20, 80]) {
      const more = Array.from({ length: count }, (_none, index) => alert({ id: `${count}-${index}` }));
      const { reads, ...changes } = await costOf(b, () => b.ingest(...more));
      expect(changes).toEqual({ written: 1, refused: 1, pages: 0 });
      expect(reads).toBeLessThanOrEqual(count + 2);
    }
    expect(b.records()).toHaveLength(1);
  });

  it("is three changes and a refused one for a later episode, and one of its budgets", async () => {
    const b = quiet("enforce");
    await b.ingest(alert());
    await revert(b.engine, b.records()[0]?.id ?? "", { who: "ann", id: "t/ann", why: "a drill" });
    b.clock.pass(2 * HOUR);
    const again = alert({ id: "a-2", at: b.clock.now().toISOString() });
    const { reads, ...changes } = await costOf(b, () => b.ingest(again));
    expect(changes).toEqual({ written: 4, refused: 1, pages: 0 });
    // As above, the plan row of the claim, from which the new plan takes its signal over, and that the five budgets
    // hold this target already when it is planned again under the lease.
    expect(reads).toBeLessThanOrEqual(9);
    expect(
      b
        .records()
        .map(({ state }) => state)
        .toSorted(),
    ).toEqual(["in-force", "reverted"]);
  });

  it("is one point read where it closes what was never begun", async () => {
    const b = quiet("enforce");
    const resolved = alert({ status: "Resolved" });
    expect(await costOf(b, () => b.ingest(resolved))).toEqual({ ...nothing, reads: 1 });
  });
});

describe("what cannot be decoded", () => {
  it("costs one change, and one refused one when it comes again", async () => {
    const b = quiet("enforce");
    const event = { body: new Uint8Array([1]), partition: "0", sequence: 1, enqueuedAt: null };
    expect(await costOf(b, () => ingest(b.engine, [event]))).toEqual({ ...nothing, written: 1 });
    expect(await costOf(b, () => ingest(b.engine, [event]))).toEqual({ ...nothing, refused: 1 });
  });
});

describe("what a process remembers", () => {
  it("is bounded, and the oldest goes first", () => {
    const recent = new RecentSignals(2);
    for (const signal of ["a", "b", "a", "c"]) recent.add(signal, "p", "");
    expect(["a", "b", "c"].map((signal) => recent.has(signal, "p", ""))).toEqual([true, false, true]);
  });

  it("is one signal for one playbook and cluster, nothing wider", () => {
    const recent = new RecentSignals();
    recent.add("a", "p", "c");
    expect([recent.has("a", "p", "d"), recent.has("a", "q", "c"), recent.has("b", "p", "c")]).toEqual([
      false,
      false,
      false,
    ]);
    recent.forget();
    expect(recent.has("a", "p", "c")).toBe(false);
  });
});

describe("the note that events come", () => {
  it("costs one change in ten minutes, however many batches there are", async () => {
    const b = bench({ configuration: configuration("enforce", silent) });
    const before = b.table.counts().transactions;
    for (let minute = 0; minute < 30; minute++) {
      await b.ingest(alert({ key: "SQL.DB_Other" }));
      b.clock.pass(MINUTE);
    }
    expect(b.table.counts().transactions - before).toBe(3);
  });
});

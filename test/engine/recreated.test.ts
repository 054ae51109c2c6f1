import { describe, expect, it } from "vitest";
import { ingest } from "../../src/engine/ingest.ts";
import { Retryable } from "../../src/model/errors.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { decodeTargetRow } from "../../src/store/target-row.ts";
import { alert, type Bench, bench } from "./harness.ts";
import { another, event, meanwhile, sweepAfter } from "./processes.ts";

const MINUTE = 60_000;

/** The pod is made anew some minutes later, and alerts a little after that. */
function recreate(b: Bench, laterMs = 5 * MINUTE): string {
  b.clock.pass(laterMs);
  b.world.addPod("web-1", { createdAt: b.clock.now().toISOString() });
  b.clock.pass(laterMs / 5);
  return b.clock.now().toISOString();
}

/** Records in the order in which they began. */
function inOrder(b: Bench): Remediation[] {
  return b.records().toSorted((one, other) => (one.createdAt < other.createdAt ? -1 : 1));
}

function entryOf(b: Bench) {
  const row = b.table.snapshot().find(({ key }) => key.startsWith("t!"));
  return row === undefined ? undefined : decodeTargetRow(row).entries["quarantine"];
}

const down = (): Promise<never> =>
  Promise.reject(new Retryable("the cluster does not answer", "Wait.", { retryAfterMs: 1_000 }));

describe("a pod that is made anew under its name", () => {
  it("while in force: the record ends superseded and the next episode begins in the same transaction", async () => {
    const b = bench();
    await b.ingest(alert({ id: "a-1" }));
    const at = recreate(b);
    await b.ingest(alert({ id: "a-2", at }));
    await sweepAfter(b, 1);
    const [old, next] = inOrder(b);
    expect(old).toMatchObject({ state: "superseded" });
    expect(next).toMatchObject({ state: "in-force", signal: { id: "a-2" }, createdAt: old?.updatedAt });
    expect(b.world.labelsOf("web-1")["quarantine"]).toBe(next?.id);
    expect(entryOf(b)?.episodes).toHaveLength(2);
    expect(b.broken()).toEqual([]);
  });

  it("while awaiting approval: the old question ends and the next episode asks anew", async () => {
    const b = bench({ mode: "approve" });
    await b.ingest(alert({ id: "a-1" }));
    const at = recreate(b);
    await b.ingest(alert({ id: "a-2", at }));
    await sweepAfter(b, 1);
    const [old, next] = inOrder(b);
    expect(old).toMatchObject({ state: "superseded" });
    expect(next).toMatchObject({ state: "awaiting-approval", identity: b.world.pods.get("shop/web-1")?.uid });
    expect(b.world.effects).toEqual([]);
    expect(b.broken()).toEqual([]);
  });

  it("while its driver is about to label: the alert that joined begins the next episode", async () => {
    const b = bench();
    const driver = meanwhile(b, /^before label/, async () => {
      const at = recreate(b);
      await ingest(another(b), [event({ id: "a-2", at })]);
    });
    await ingest(driver, [event({ id: "a-1" })]);
    await sweepAfter(b, 1, 3, 3);
    const [old, next] = inOrder(b);
    expect(old).toMatchObject({ state: "superseded" });
    expect(next).toMatchObject({ state: "in-force", signal: { id: "a-2" } });
    expect(b.world.labelsOf("web-1")["quarantine"]).toBe(next?.id);
  });

  it("while its driver is about to write that it holds: that is looked at again at once, not at the deadline", async () => {
    const b = bench();
    const driver = meanwhile(b, /^before transact replace t!\w+, replace r!/, async () => {
      const at = recreate(b, 10_000);
      await ingest(another(b), [event({ id: "a-2", at })]);
    });
    await ingest(driver, [event({ id: "a-1" })]);
    await sweepAfter(b, 1, 1);
    expect(inOrder(b)).toMatchObject([{ state: "superseded" }, { state: "in-force", signal: { id: "a-2" } }]);
  });

  it("while its first plan is being made: the plan is made again for the new one", async () => {
    const b = bench();
    b.world.before = down;
    await b.ingest(alert({ id: "a-1" }));
    expect(b.records()).toMatchObject([{ state: "pending" }]);
    b.world.before = () => Promise.resolve();
    const planner = meanwhile(b, /^before transact replace t!\w+, replace r!/, async () => {
      b.world.addPod("web-1");
      await ingest(another(b), [event({ id: "a-2" })]);
    });
    await sweepAfter({ ...b, engine: planner }, 1);
    expect(b.records()).toMatchObject([{ state: "in-force", identity: b.world.pods.get("shop/web-1")?.uid }]);
    expect(b.world.effects).toHaveLength(1);
  });

  it("while an alert joins that cannot look: whoever drives next looks instead", async () => {
    const b = bench();
    await b.ingest(alert({ id: "a-1" }));
    const at = recreate(b);
    b.world.before = down;
    await b.ingest(alert({ id: "a-2", at }));
    await sweepAfter(b, 1, 1);
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
    b.world.before = () => Promise.resolve();
    await sweepAfter(b, 1, 1);
    expect(inOrder(b)).toMatchObject([{ state: "superseded" }, { state: "in-force", signal: { id: "a-2" } }]);
  });

  it("is not taken for another when the one who could not look finds the same", async () => {
    const b = bench();
    await b.ingest(alert({ id: "a-1" }));
    b.world.before = down;
    await b.ingest(alert({ id: "a-2" }));
    b.world.before = () => Promise.resolve();
    await sweepAfter(b, 1);
    expect(b.records()).toMatchObject([{ state: "in-force", proof: "proved" }]);
    expect(entryOf(b)).toMatchObject({ newerIdentity: null });
    expect(b.world.effects).toHaveLength(1);
  });
});

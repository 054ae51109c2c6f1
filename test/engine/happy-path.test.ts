import { describe, expect, it } from "vitest";
import { listRemediations, showRemediation } from "../../src/engine/list-remediations.ts";
import { revert } from "../../src/engine/revert.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { alert, bench } from "./harness.ts";

const HOUR = 3_600_000;

describe("one alert's whole way", () => {
  it("is claimed, applied, verified and in force in two transactions", async () => {
    const b = bench();
    const counts = await b.ingest(alert());
    expect(counts).toMatchObject({ events: 1, records: 1, recorded: 1, joined: 0, parked: 0, unmatched: 0 });
    const [record] = b.records();
    expect(record).toMatchObject({ state: "in-force", proof: "proved", playbook: "quarantine" });
    expect(b.world.labelsOf("web-1")["quarantine"]).toBe(record?.id);
    expect(b.broken()).toEqual([]);
    expect(b.sent.map(({ kind }) => kind)).toEqual(["in-force"]);
  });

  it("does nothing when the same alert comes again, in this process or in another", async () => {
    const b = bench();
    await b.ingest(alert());
    const again = await b.ingest(alert());
    b.engine.recent.forget();
    const elsewhere = await b.ingest(alert());
    expect(again).toMatchObject({ recorded: 0, joined: 1 });
    expect(elsewhere).toMatchObject({ recorded: 0, joined: 1 });
    expect(b.records()).toHaveLength(1);
    expect(b.world.effects).toHaveLength(1);
  });

  it("ends by its deadline, with a warning before, and restores what it touched", async () => {
    const b = bench();
    await b.ingest(alert());
    b.clock.pass(8 * HOUR - 10 * 60_000);
    await sweep(b.engine);
    expect(b.sent.map(({ kind }) => kind)).toEqual(["in-force", "deadline-warning"]);
    b.clock.pass(10 * 60_000);
    await sweep(b.engine);
    expect(b.records()[0]).toMatchObject({ state: "reverted", revertedBy: null });
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
    expect(b.broken()).toEqual([]);
  });

  it("is taken back by hand, once, with who and why on record", async () => {
    const b = bench();
    await b.ingest(alert());
    const id = b.records()[0]?.id ?? "";
    const record = await revert(b.engine, id, { who: "ann", id: "t/ann", why: "it was a drill" });
    const again = await revert(b.engine, id, { who: "ann", id: "t/ann", why: "it was a drill" });
    expect(record).toMatchObject({ state: "reverted", revertedBy: { who: "ann" } });
    expect(again).toEqual(record);
    expect(b.world.effects).toHaveLength(2);
    const shown = await showRemediation(b.table, id);
    expect(shown?.history.map(({ what }) => what)).toEqual([
      "claimed",
      "in-force",
      "revert asked",
      "reverted",
    ]);
  });

  it("observes with plan and guard and writes nothing outside", async () => {
    const b = bench({ mode: "observe" });
    await b.ingest(alert());
    expect(b.records()[0]).toMatchObject({ state: "observed", mode: "observe" });
    expect(b.world.effects).toEqual([]);
    const page = await listRemediations(b.table, { limit: 10 });
    expect(page.remediations).toHaveLength(1);
  });

  it("waits for approval, and a rule that enforces lifts it", async () => {
    const b = bench({ mode: "approve" });
    await b.ingest(alert());
    expect(b.records()[0]).toMatchObject({ state: "awaiting-approval" });
    expect(b.world.effects).toEqual([]);
    expect(b.broken()).toEqual([]);
  });
});

import { describe, expect, it } from "vitest";
import { ingest } from "../../src/engine/ingest.ts";
import { revert } from "../../src/engine/revert.ts";
import { Retryable } from "../../src/model/errors.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { another, event, meanwhile, sweepAfter } from "./processes.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const DAYS = 24 * 60;

/** A week of alerts, one a day, the pod taken back by hand or by its deadline in between. */
async function week(b: Bench): Promise<Uint8Array[]> {
  const bodies: Uint8Array[] = [];
  for (let day = 0; day < 7; day += 1) {
    const body = alert({ id: `a-${day}`, at: b.clock.now().toISOString() });
    bodies.push(body);
    await b.ingest(body);
    await sweepAfter(b, DAYS / 2, 1, DAYS / 2 - 1);
  }
  return bodies;
}

const untouched = (b: Bench) => ({ records: b.records(), effects: [...b.world.effects] });

describe("a week that is replayed", () => {
  it("does nothing, in the same process or in another, whatever became of its remediations", async () => {
    const b = bench();
    const bodies = await week(b);
    expect(b.records().map(({ state }) => state)).toEqual(Array(7).fill("reverted"));
    const before = untouched(b);
    await b.ingest(...bodies);
    b.engine.recent.forget();
    const counts = await b.ingest(...bodies);
    expect(counts).toMatchObject({ records: 7, recorded: 0, joined: 7 });
    await sweepAfter(b, 1, 1);
    expect(untouched(b)).toEqual(before);
  });

  it("does nothing after a cooldown either", async () => {
    const b = bench();
    const body = alert();
    await b.ingest(body);
    await revert(b.engine, b.records()[0]?.id ?? "", { who: "ann", id: "t/ann", why: "a drill" });
    const before = untouched(b);
    b.clock.pass(3 * 60 * MINUTE);
    b.engine.recent.forget();
    await b.ingest(body);
    expect(untouched(b)).toEqual(before);
  });

  it.each([
    ["record", "observed"],
    ["notify", "observed"],
    ["approve", "awaiting-approval"],
  ])(
    "does what the rule says of old signals (%s) once nobody knows any more that it was decided",
    async (whenOld, state) => {
      const wordy = (text: string): string =>
        text.replace("    notify:", `    whenOld: ${whenOld}\n    notify:`);
      const b = bench({ configuration: configuration("enforce", wordy) });
      const body = alert();
      await b.ingest(body);
      await sweepAfter(b, DAYS, 1, 401 * DAYS, 1);
      expect(b.records()).toEqual([]);
      b.engine.recent.forget();
      b.sent.length = 0;
      await b.ingest(body);
      await sweepAfter(b, 1);
      expect(b.records()).toMatchObject([{ state }]);
      expect(b.records()[0]?.reason).toMatch(/^the signal is older than the rule allows/);
      expect(b.sent.map(({ kind }) => kind)).toEqual(whenOld === "record" ? [] : [state]);
      expect(b.world.effects).toHaveLength(2);
    },
  );
});

describe("an approval that waits while the pod's status changes", () => {
  /** Every few seconds for twenty minutes something that no plan touches changes. */
  function noise(b: Bench, minutes: number): void {
    for (let passed = 0; passed < minutes * 12; passed += 1) {
      b.clock.pass(5_000);
      b.world.change("web-1", { annotations: { heartbeat: String(passed) } });
    }
  }

  it("is still good after twenty minutes, and the change carries the version of the moment", async () => {
    const b = bench({ mode: "approve" });
    await b.ingest(alert({ id: "a-1" }));
    const asked = b.records()[0];
    noise(b, 20);
    const enforcing = { ...b, engine: { ...b.engine, configuration: configuration("enforce") } };
    await liftedBy(enforcing);
    expect(b.records()).toMatchObject([{ id: asked?.id, state: "in-force", planHash: asked?.planHash }]);
    expect(b.world.labelsOf("web-1")["quarantine"]).toBe(asked?.id);
    expect(b.broken()).toEqual([]);
  });

  it("stays asked once however many alerts come", async () => {
    const b = bench({ mode: "approve" });
    for (let n = 0; n < 5; n += 1) {
      await b.ingest(alert({ id: `a-${n}` }));
      noise(b, 1);
    }
    await sweepAfter(b, 1);
    expect(b.records()).toMatchObject([{ state: "awaiting-approval", auditSequence: 1 }]);
    expect(b.sent.map(({ kind }) => kind)).toEqual(["awaiting-approval"]);
  });

  it("is not asked for where an enforcing alert comes while the plan for it is made", async () => {
    const b = bench({ mode: "approve" });
    b.world.before = () => Promise.reject(new Retryable("503", "Wait.", { retryAfterMs: 1_000 }));
    await b.ingest(alert({ id: "a-1" }));
    b.world.before = () => Promise.resolve();
    const enforcing = another(b, { configuration: configuration("enforce") });
    const place = /^before transact replace t!\w+, replace r!/;
    const planner = meanwhile(b, place, () => ingest(enforcing, [event({ id: "b-1" })]));
    await sweepAfter({ ...b, engine: planner }, 1);
    expect(b.records()).toMatchObject([{ state: "in-force", mode: "enforce" }]);
  });

  it("is not asked for where an enforcing alert came while nobody could plan", async () => {
    const b = bench({ mode: "approve" });
    b.world.before = () => Promise.reject(new Retryable("503", "Wait.", { retryAfterMs: 1_000 }));
    await b.ingest(alert({ id: "a-1" }));
    await ingest(another(b, { configuration: configuration("enforce") }), [event({ id: "b-1" })]);
    b.world.before = () => Promise.resolve();
    await sweepAfter(b, 1);
    expect(b.records()).toMatchObject([{ state: "in-force", mode: "enforce" }]);
  });

  it("does not expire under an enforcing alert that joins in that very moment", async () => {
    const b = bench({ mode: "approve" });
    await b.ingest(alert({ id: "a-1" }));
    b.clock.pass(DAY);
    const at = b.clock.now().toISOString();
    const enforcing = another(b, { configuration: configuration("enforce") });
    const place = /^before transact replace t!\w+, replace r!/;
    const sweeps = meanwhile(b, place, () => ingest(enforcing, [event({ id: "b-1", at })]));
    await sweepAfter({ ...b, engine: sweeps }, 0);
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
  });

  it("expires unchanged when nobody decides, unless an enforcing alert comes at the last moment", async () => {
    const left = bench({ mode: "approve" });
    await left.ingest(alert({ id: "a-1" }));
    await sweepAfter(left, DAYS);
    expect(left.records()).toMatchObject([{ state: "expired" }]);
    expect(left.world.effects).toEqual([]);

    const lifted = bench({ mode: "approve" });
    await lifted.ingest(alert({ id: "a-1" }));
    lifted.clock.pass(DAY);
    await liftedBy({ ...lifted, engine: { ...lifted.engine, configuration: configuration("enforce") } });
    expect(lifted.records()).toMatchObject([{ state: "in-force" }]);
  });
});

/** An alert of another rule, which enforces, and the sweep that sees what it noted. */
async function liftedBy(enforcing: Bench): Promise<void> {
  const at = enforcing.clock.now().toISOString();
  await ingest(enforcing.engine, [event({ id: "b-1", at })]);
  await sweepAfter(enforcing, 1);
}

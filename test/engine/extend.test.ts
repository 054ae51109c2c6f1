import { describe, expect, it } from "vitest";
import { extend, type LaterEnd } from "../../src/engine/extend.ts";
import { pause } from "../../src/engine/pauses.ts";
import { revert } from "../../src/engine/revert.ts";
import { Conflict, Refused } from "../../src/model/errors.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { decodeAudit } from "../../src/store/record-rows.ts";
import { ANN, HOUR, latest, MINUTE } from "./deciding.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { sweepAfter } from "./processes.ts";

/** A containment in force for eight hours, and how far its deadline is ahead of now. */
async function held(more: Parameters<typeof bench>[0] = {}): Promise<Bench> {
  const b = bench(more);
  await b.ingest(alert());
  expect(latest(b)).toMatchObject({ state: "in-force" });
  return b;
}

function ahead(b: Bench): number | null {
  const { deadline } = latest(b);
  return deadline === null ? null : new Date(deadline).getTime() - b.clock.now().getTime();
}

const longer = (b: Bench, end: LaterEnd): Promise<Remediation> => extend(b.engine, latest(b).id, end, ANN);

describe("a later deadline", () => {
  it("is set by so much, counted from the present end, and is on record with who and why", async () => {
    const b = await held();
    await longer(b, { byMs: 2 * HOUR });
    expect(ahead(b)).toBe(10 * HOUR);
    const rows = b.table.snapshot().filter(({ key }) => key.startsWith("a!"));
    const row = rows.map(decodeAudit).find(({ what }) => what === "extended");
    expect(row).toMatchObject({ who: "ann", before: "in-force", after: "in-force", details: { by: ANN } });
    await sweepAfter(b, 9 * 60);
    expect(latest(b)).toMatchObject({ state: "in-force" });
    await sweepAfter(b, 61);
    expect(latest(b)).toMatchObject({ state: "reverted" });
    expect(b.broken()).toEqual([]);
  });

  it("is set to a moment, and is warned of anew though the first one was", async () => {
    const b = await held();
    await sweepAfter(b, 8 * 60 - 10);
    const warned = (): number => b.sent.filter(({ kind }) => kind === "deadline-warning").length;
    expect(warned()).toBe(1);
    await longer(b, { until: new Date(b.clock.now().getTime() + 3 * HOUR) });
    expect(ahead(b)).toBe(3 * HOUR);
    await sweepAfter(b, 60);
    expect([latest(b).state, warned()]).toEqual(["in-force", 1]);
    await sweepAfter(b, 110);
    expect([latest(b).state, warned()]).toEqual(["in-force", 2]);
  });

  it("is moved further by an alert that joins after it", async () => {
    const b = await held();
    await longer(b, { byMs: HOUR });
    b.clock.pass(5 * HOUR);
    await b.ingest(alert({ id: "a-2", at: b.clock.now().toISOString() }));
    await sweepAfter(b, 4 * 60);
    expect(latest(b)).toMatchObject({ state: "in-force" });
    await sweepAfter(b, 4 * 60);
    expect(latest(b)).toMatchObject({ state: "reverted" });
  });

  it("is given to what has none", async () => {
    const b = await held({
      configuration: configuration("enforce", (text) => text.replace(", ttl: 8h", "")),
    });
    expect(ahead(b)).toBe(null);
    await longer(b, { byMs: HOUR });
    expect(ahead(b)).toBe(HOUR);
    await sweepAfter(b, 61);
    expect(latest(b)).toMatchObject({ state: "reverted" });
  });

  it("is no forward write: a pause does not hold it", async () => {
    const b = await held();
    await pause(b.engine, { kind: "all" }, ANN);
    await longer(b, { byMs: HOUR });
    expect(ahead(b)).toBe(9 * HOUR);
  });

  it.each([
    ["no later than the present one", { until: new Date("2026-03-02T10:00:00Z") }, /anyway/],
    ["that has passed", { until: new Date("2026-03-01T10:00:00Z") }, /at least a minute/],
    ["more than 30 days ahead", { byMs: 31 * 24 * HOUR }, /at most 30 days/],
    ["that is no time", { until: new Date(Number.NaN) }, /at least a minute/],
    ["by nothing", { byMs: 0 }, /anyway/],
  ])("is refused: one %s", async (_name, end, words) => {
    const b = await held();
    const before = ahead(b);
    const refused = longer(b, end);
    await expect(refused).rejects.toThrow(Refused);
    await expect(refused).rejects.toThrow(words);
    expect(ahead(b)).toBe(before);
  });

  it("is refused for what is not in force", async () => {
    const b = await held();
    await revert(b.engine, latest(b).id, ANN);
    await expect(longer(b, { byMs: 10 * MINUTE })).rejects.toThrow(Conflict);
  });
});

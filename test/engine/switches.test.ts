import { describe, expect, it } from "vitest";
import { Switches } from "../../src/engine/switches.ts";
import { createMemoryTable, type MemoryTable } from "../../src/store/memory-table.ts";
import { CONTROL } from "../../src/store/row-keys.ts";
import { type Cell, StoreUnreachable } from "../../src/store/table.ts";
import { fakeClock } from "./harness.ts";

const PAUSE = {
  of: { kind: "rule", name: "miners" },
  who: "ann",
  why: "a drill",
  since: "2026-03-02T07:00:00.000Z",
};
const TRIP = { rule: "miners", why: "3 failed", since: "2026-03-02T07:00:00.000Z" };

const put = (table: MemoryTable, key: string, content: Cell) =>
  table.transact(CONTROL, [{ do: "upsert", key, cells: { switch: content } }]);

describe("what is switched off", () => {
  it("is nothing at first, and everything that stands in the table", async () => {
    const table = createMemoryTable();
    const clock = fakeClock();
    expect(await new Switches(table, clock).now()).toEqual({ pauses: [], trips: [] });
    await put(table, "switch!pause!rule!x", JSON.stringify(PAUSE));
    await put(table, "switch!trip!x", JSON.stringify(TRIP));
    await put(table, "switc", "no switch");
    expect(await new Switches(table, clock).now()).toEqual({ pauses: [PAUSE], trips: [TRIP] });
  });

  it("is read to the end where the service cuts its pages", async () => {
    const table = createMemoryTable({ longestPage: 1 });
    for (const key of ["a", "b", "c"]) await put(table, `switch!pause!rule!${key}`, JSON.stringify(PAUSE));
    expect((await new Switches(table, fakeClock()).now()).pauses).toHaveLength(3);
  });

  it("is one page in five seconds however often it is asked, also at once", async () => {
    const table = createMemoryTable();
    const clock = fakeClock();
    const switches = new Switches(table, clock);
    await Promise.all([switches.now(), switches.now()]);
    clock.pass(4_999);
    await switches.now();
    expect(table.counts().pages).toBe(1);
    clock.pass(1);
    await switches.now();
    expect(table.counts().pages).toBe(2);
    // A clock that was put back says nothing about how old the look is.
    clock.pass(-10_000);
    await switches.now();
    expect(table.counts().pages).toBe(3);
  });

  it("is read anew where somebody has just changed it here", async () => {
    const table = createMemoryTable();
    const switches = new Switches(table, fakeClock());
    await switches.now();
    await put(table, "switch!pause!all", JSON.stringify({ ...PAUSE, of: { kind: "all" } }));
    expect((await switches.now()).pauses).toEqual([]);
    switches.forget();
    expect((await switches.now()).pauses).toHaveLength(1);
  });

  it("is asked again at once where the store did not answer", async () => {
    const inner = createMemoryTable();
    let fails = true;
    const range: typeof inner.range = (...asked) =>
      fails ? Promise.reject(new StoreUnreachable("nobody answered")) : inner.range(...asked);
    const switches = new Switches({ ...inner, range }, fakeClock());
    await expect(switches.now()).rejects.toThrow(StoreUnreachable);
    fails = false;
    expect(await switches.now()).toEqual({ pauses: [], trips: [] });
  });

  it.each([
    ["switch!pause!rule!x", "no JSON"],
    ["switch!pause!rule!x", JSON.stringify({ ...PAUSE, of: { kind: "tenant", name: "t" } })],
    ["switch!pause!rule!x", "null"],
    ["switch!trip!x", JSON.stringify({ rules: ["miners"] })],
    ["switch!later!x", JSON.stringify({ until: "tomorrow" })],
  ])("holds everything where a row cannot be read: %s %s", async (key, content) => {
    const table = createMemoryTable();
    await put(table, key, content);
    expect((await new Switches(table, fakeClock()).now()).pauses).toMatchObject([
      { of: { kind: "all" }, why: expect.stringContaining(key) },
    ]);
  });
});

import { describe, expect, it } from "vitest";
import { createMemoryTable } from "../../src/store/memory-table.ts";
import { RowConflict, StoreUnreachable, type Table } from "../../src/store/table.ts";
import { createRandom, everySchedule, type Fault, randomFaults } from "./schedule-choices.ts";
import { createScheduledTable } from "./scheduled-table.ts";
import { createScheduler, type Task } from "./scheduler.ts";

/** Adds one to a counter, conditionally or not: the careless one loses updates, the careful one never. */
async function increment(table: Table, conditional: boolean): Promise<void> {
  for (;;) {
    const row = await table.get("p", "counter");
    const n = Number(row?.cells["n"] ?? 0) + 1;
    const etag = conditional ? (row?.etag ?? "") : "*";
    try {
      await table.transact("p", [{ do: "replace", key: "counter", etag, cells: { n } }]);
      return;
    } catch (error) {
      if (!(error instanceof RowConflict)) {
        throw error;
      }
    }
  }
}

async function countTo(workers: number, seed: number, conditional: boolean): Promise<unknown> {
  const inner = createMemoryTable();
  await inner.transact("p", [{ do: "insert", key: "counter", cells: { n: 0 } }]);
  const scheduler = createScheduler(seed);
  for (let worker = 0; worker < workers; worker += 1) {
    scheduler.spawn(`worker ${worker}`, (task) => increment(createScheduledTable(inner, task), conditional));
  }
  await scheduler.run();
  return (await inner.get("p", "counter"))?.cells["n"];
}

/** One task that inserts a row, with one fault at one of its points; what it saw and what was left. */
async function insertWith(index: number, fault: Fault) {
  const inner = createMemoryTable();
  const scheduler = createScheduler(7);
  const faults = (point: { index: number }) => (point.index === index ? fault : null);
  scheduler.spawn(
    "inserts",
    async (task) => {
      await createScheduledTable(inner, task).transact("p", [{ do: "insert", key: "k", cells: {} }]);
    },
    { faults },
  );
  const before = scheduler.clock.now().getTime();
  const outcome = (await scheduler.run()).get("inserts");
  const failed = typeof outcome === "object" ? outcome.failed : undefined;
  return { outcome, failed, rows: inner.snapshot().length, took: scheduler.clock.now().getTime() - before };
}

describe("The scheduler", () => {
  it("lets careless counters lose updates in some schedules, and careful ones in none", async () => {
    const careless = new Set<unknown>();
    const careful = new Set<unknown>();
    for (let seed = 0; seed < 30; seed += 1) {
      careless.add(await countTo(3, seed, false));
      careful.add(await countTo(3, seed, true));
    }
    expect(careless.size).toBeGreaterThan(1);
    expect([...careful]).toEqual([3]);
  });

  it("does the same for the same seed, and something else for others", async () => {
    const traceOf = async (seed: number) => {
      const scheduler = createScheduler(seed);
      for (const name of ["a", "b", "c"]) {
        scheduler.spawn(
          name,
          async (task) => {
            for (let n = 0; n < 5; n += 1) {
              await task.at(String(n));
              await task.sleep(scheduler.random() * 1000);
            }
          },
          { faults: randomFaults(scheduler.random, { crash: 0.05, freeze: 0.2 }) },
        );
      }
      await scheduler.run();
      return scheduler.trace.join("\n");
    };
    const traces = new Set<string>();
    for (let seed = 0; seed < 10; seed += 1) {
      const first = await traceOf(seed);
      expect(await traceOf(seed)).toBe(first);
      traces.add(first);
    }
    expect(traces.size).toBe(10);
  });

  it("goes through every interleaving of two tasks, each once", async () => {
    const orders = new Set<string>();
    const runs = await everySchedule(1_000, async (choose) => {
      const order: string[] = [];
      const scheduler = createScheduler(choose);
      for (const name of ["a", "b"]) {
        scheduler.spawn(name, async (task) => {
          for (let n = 0; n < 2; n += 1) {
            await task.at("point");
            order.push(name);
          }
        });
      }
      await scheduler.run();
      orders.add(order.join(""));
    });
    // Three steps of each, the start among them: 6 over 3 ways.
    expect(runs).toBe(20);
    expect([...orders].sort()).toEqual(["aabb", "abab", "abba", "baab", "baba", "bbaa"]);
  });

  it("stops where it is told how many schedules are enough", async () => {
    const runs = await everySchedule(3, async (choose) => {
      choose(["a", "b", "c", "d", "e"]);
    });
    expect(runs).toBe(3);
  });

  it("crashes a task before or after its write, without a word to its code", async () => {
    expect(await insertWith(0, { do: "crash" })).toMatchObject({ outcome: "crashed", rows: 0 });
    expect(await insertWith(1, { do: "crash" })).toMatchObject({ outcome: "crashed", rows: 1 });
    expect(await insertWith(2, { do: "crash" })).toMatchObject({ outcome: "done", rows: 1 });
    const scheduler = createScheduler(1);
    const said: string[] = [];
    scheduler.spawn(
      "dies",
      async (task) => {
        try {
          await task.at("here");
        } catch {
          said.push("caught");
        } finally {
          said.push("finally");
        }
      },
      { faults: () => ({ do: "crash" }) },
    );
    expect(Object.fromEntries(await scheduler.run())).toEqual({ dies: "crashed" });
    expect(said).toEqual([]);
  });

  it("loses the request, or only its answer", async () => {
    const request = await insertWith(0, { do: "lose" });
    expect(request.rows).toBe(0);
    expect(request.failed).toBeInstanceOf(StoreUnreachable);
    const answer = await insertWith(1, { do: "lose" });
    expect(answer.rows).toBe(1);
    expect(answer.failed).toBeInstanceOf(StoreUnreachable);
  });

  it("repeats a request, which is then told a conflict by its own success", async () => {
    const repeated = await insertWith(1, { do: "repeat" });
    expect(repeated.rows).toBe(1);
    expect(repeated.failed).toMatchObject({ name: "RowConflict", status: 409 });
  });

  it("freezes a task while others and the clock go on, and its write lands late", async () => {
    expect(await insertWith(0, { do: "freeze", ms: 180_000 })).toMatchObject({ rows: 1, took: 180_000 });
    const inner = createMemoryTable();
    const scheduler = createScheduler(3);
    const write = (by: string, table: Table) =>
      table.transact("p", [{ do: "upsert", key: "k", cells: { by } }]);
    scheduler.spawn(
      "frozen",
      async (task) => {
        await write("frozen", createScheduledTable(inner, task));
      },
      { faults: ({ index }) => (index === 0 ? { do: "freeze", ms: 180_000 } : null) },
    );
    scheduler.spawn("takes over", async (task) => {
      await task.sleep(120_000);
      await write("takes over", createScheduledTable(inner, task));
    });
    await scheduler.run();
    expect((await inner.get("p", "k"))?.cells["by"]).toBe("frozen");
    expect(scheduler.clock.now()).toEqual(new Date("2026-03-02T08:03:00Z"));
  });

  it("kills a task from outside, for good, and lets another begin in its place", async () => {
    // Always who came first; time passes only when nobody can run.
    const scheduler = createScheduler(() => 0);
    const said: string[] = [];
    scheduler.spawn("victim", async (task) => {
      await task.sleep(1_000);
      said.push("victim");
    });
    scheduler.spawn("killer", async (task) => {
      await task.at("now");
      scheduler.kill("victim");
      scheduler.spawn("heir", async () => {
        said.push("heir");
      });
    });
    expect(Object.fromEntries(await scheduler.run())).toEqual({
      victim: "crashed",
      killer: "done",
      heir: "done",
    });
    expect(said).toEqual(["heir"]);
    expect(() => scheduler.kill("heir")).toThrow("no running task");
  });

  it("gives each task its skewed clock", async () => {
    const scheduler = createScheduler(() => 0, { startAt: new Date("2026-01-01T00:00:00Z") });
    const seen: string[] = [];
    const body = async ({ clock, sleep }: Task) => {
      await sleep(1_000);
      seen.push(clock.now().toISOString());
    };
    scheduler.spawn("late", body, { skewMs: -60_000 });
    scheduler.spawn("early", body, { skewMs: 60_000 });
    await scheduler.run();
    expect(seen).toEqual(["2025-12-31T23:59:01.000Z", "2026-01-01T00:01:01.000Z"]);
  });

  it("calls the invariant between all steps, and ends when it is broken", async () => {
    let steps = 0;
    const scheduler = createScheduler(1, {
      afterStep: () => {
        steps += 1;
        if (steps === 4) {
          throw new Error("broken");
        }
      },
    });
    scheduler.spawn("runs", async (task) => {
      for (;;) {
        await task.at("again");
      }
    });
    await expect(scheduler.run()).rejects.toThrow("broken");
    expect(scheduler.trace).toEqual(["runs: starts", "runs: again", "runs: again"]);
  });

  it("says so when nobody can go on, or there is no end", async () => {
    const stuck = createScheduler(1);
    stuck.spawn("waits", () => new Promise(() => {}));
    await expect(stuck.run()).rejects.toThrow("Nobody can go on");
    const endless = createScheduler(1, { mostSteps: 20 });
    endless.spawn("runs", async (task) => {
      for (;;) {
        await task.sleep(1);
      }
    });
    await expect(endless.run()).rejects.toThrow("No end in sight");
  });

  it("hands on what a task threw", async () => {
    const scheduler = createScheduler(1);
    scheduler.spawn("fails", async () => {
      throw new RowConflict(412, "moved");
    });
    expect((await scheduler.run()).get("fails")).toMatchObject({ failed: { status: 412 } });
  });

  it("draws faults as often as was said", async () => {
    const faults = randomFaults(createRandom(11), {
      crash: 0.1,
      lose: 0.2,
      repeat: 0.1,
      freeze: 0.1,
      freezeMs: 500,
    });
    const drawn: Record<string, number> = {};
    for (let n = 0; n < 10_000; n += 1) {
      const fault = faults({ task: "t", name: "p", index: n });
      const kind = fault?.do ?? "none";
      drawn[kind] = (drawn[kind] ?? 0) + 1;
      expect(fault?.do === "freeze" ? fault.ms : 1).toBeLessThanOrEqual(500);
    }
    for (const [kind, share] of Object.entries({
      none: 0.5,
      crash: 0.1,
      lose: 0.2,
      repeat: 0.1,
      freeze: 0.1,
    })) {
      expect(Math.abs((drawn[kind] ?? 0) / 10_000 - share), kind).toBeLessThan(0.02);
    }
  });
});

import { describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { Retryable } from "../../src/model/errors.ts";
import type { Budgets } from "../../src/model/rule.ts";
import { createMemoryTable } from "../../src/store/memory-table.ts";
import { BUDGET } from "../../src/store/row-keys.ts";
import { StoreUnreachable, type Table } from "../../src/store/table.ts";
import { createRandom, randomFaults } from "../store/schedule-choices.ts";
import { createScheduledTable } from "../store/scheduled-table.ts";
import { createScheduler, type Task } from "../store/scheduler.ts";
import { pod, takeFor } from "./budget-takings.ts";
import { ROOMY } from "./fixtures.ts";
import { bench, configuration, countingRandomness } from "./harness.ts";
import { work } from "./piece-of-work.ts";

const LIMITS: Budgets = { ...ROOMY, perPlaybook: 3, perRule: 2, perNamespace: 2, perCluster: 4 };
const PROCESSES = 3;
const TAKINGS = 5;
const FAULTS = { crash: 0.02, lose: 0.05, repeat: 0.08, freeze: 0.02, freezeMs: 60_000 };

/** What went through, as the outside would see it: every target that somebody was told to act upon. */
interface Gone {
  readonly playbook: string;
  readonly rule: string;
  readonly namespace: string;
  readonly name: string;
  readonly hour: string;
}

/** Was there room? Not, where it could not be told. */
async function goes(...of: Parameters<typeof takeFor>): Promise<boolean> {
  try {
    return (await takeFor(...of)) === null;
  } catch (error) {
    if (!(error instanceof Retryable || error instanceof StoreUnreachable)) throw error;
    return false;
  }
}

/** Random takings of several processes, at random places in time; returns the limits that were broken. */
async function story(
  seed: number,
  tableOf: (shared: Table, task: Task) => Table,
): Promise<{ readonly broken: readonly string[]; readonly gone: number }> {
  const random = createRandom(seed);
  const pick = <T>(...of: readonly [T, ...T[]]): T => of[Math.floor(random() * of.length)] ?? of[0];
  const shared = createMemoryTable();
  const scheduler = createScheduler(seed);
  const gone: Gone[] = [];
  const faults = randomFaults(random, FAULTS);
  for (let number = 0; number < PROCESSES; number += 1) {
    scheduler.spawn(
      `process ${number}`,
      async (task) => {
        const engine: Engine = {
          ...bench({ configuration: { ...configuration("enforce"), budgets: LIMITS } }).engine,
          table: tableOf(shared, task),
          clock: task.clock,
          randomness: countingRandomness(seed * 8 + number),
        };
        // Several at once, so that they go together in one transaction.
        await Promise.all(
          Array.from({ length: TAKINGS }, async () => {
            const [playbook, rule, namespace, name] = [
              pick("p", "q"),
              pick("r", "s"),
              pick("shop", "bank"),
              pick("a", "b", "c", "d"),
            ];
            const hour = task.clock.now().toISOString().slice(0, 13);
            const from = { playbook, rule: { ...work().rule, name: rule } };
            if (await goes(engine, pod(name, namespace), from))
              gone.push({ playbook, rule, namespace, name, hour });
          }),
        );
      },
      { faults },
    );
  }
  const outcomes = await scheduler.run();
  for (const outcome of outcomes.values()) if (typeof outcome === "object") throw outcome.failed;
  return { broken: brokenBy(gone), gone: gone.length };
}

function brokenBy(gone: readonly Gone[]): readonly string[] {
  const most = (key: (one: Gone) => string, limit: number): string[] =>
    [...Map.groupBy(gone, key)].flatMap(([of, ones]) => {
      const targets = new Set(ones.map(({ namespace, name }) => `${namespace}/${name}`));
      return targets.size > limit ? [`${of}: ${targets.size} of ${limit}`] : [];
    });
  return [
    ...most(({ hour, playbook }) => `${hour} playbook ${playbook}`, LIMITS.perPlaybook),
    ...most(({ hour, rule }) => `${hour} rule ${rule}`, LIMITS.perRule),
    ...most(({ hour, namespace }) => `${hour} namespace ${namespace}`, LIMITS.perNamespace),
    ...most(({ hour }) => `${hour} cluster`, LIMITS.perCluster),
  ];
}

/** A place to stop at each call on the budgets; what they tell goes by. */
function budgetsOf(shared: Table, task: Task): Table {
  const scheduled = createScheduledTable(shared, task);
  const of = (partition: string): Table => (partition === BUDGET ? scheduled : shared);
  return {
    get: (partition, key) => of(partition).get(partition, key),
    range: (partition, range, limit) => of(partition).range(partition, range, limit),
    transact: (partition, operations) => of(partition).transact(partition, operations),
    prepare: () => shared.prepare(),
  };
}

const SEEDS = Array.from({ length: 100 }, (_none, seed) => seed + 1);

describe("budgets of several processes, in any order and with lost answers, crashes and freezes", () => {
  it("are never exceeded", async () => {
    const broken: string[] = [];
    let gone = 0;
    for (const seed of SEEDS) {
      const told = await story(seed, budgetsOf);
      broken.push(...told.broken.map((sentence) => `seed ${seed}: ${sentence}`));
      gone += told.gone;
    }
    expect(broken).toEqual([]);
    // Nearly every story uses up what it may.
    expect(gone).toBeGreaterThan(2 * SEEDS.length);
  });

  it("are exceeded by an engine that counts them in memory, which shows that the test can fail", async () => {
    let caught = 0;
    for (const seed of SEEDS.slice(0, 20)) {
      const inMemory = (_shared: Table, task: Task): Table => budgetsOf(createMemoryTable(), task);
      if ((await story(seed, inMemory)).broken.length > 0) caught += 1;
    }
    expect(caught).toBeGreaterThan(10);
  });

  it("are exceeded by an engine that writes them without If-Match", async () => {
    let caught = 0;
    for (const seed of SEEDS.slice(0, 40)) {
      const blind = (shared: Table, task: Task): Table => {
        const table = budgetsOf(shared, task);
        return {
          ...table,
          transact: (partition, operations) =>
            table.transact(
              partition,
              partition === BUDGET
                ? operations.map((one) => (one.do === "delete" ? one : { ...one, do: "upsert" }))
                : operations,
            ),
        };
      };
      if ((await story(seed, blind)).broken.length > 0) caught += 1;
    }
    expect(caught).toBeGreaterThan(0);
  });
});

/** Several processes want pods of one namespace, of which half may be held; how many went through. */
async function sharing(seed: number, tableOf: (shared: Table, task: Task) => Table): Promise<number> {
  const random = createRandom(seed);
  const shared = createMemoryTable();
  const scheduler = createScheduler(seed);
  const gone = new Set<string>();
  const budgets = { ...ROOMY, shareOfNamespace: 0.5 };
  for (let number = 0; number < PROCESSES; number += 1) {
    scheduler.spawn(
      `process ${number}`,
      async (task) => {
        const b = bench({ configuration: { ...configuration("enforce"), budgets } });
        for (const name of ["a", "b", "c", "d", "e"]) b.world.addPod(name);
        const engine = {
          ...b.engine,
          table: tableOf(shared, task),
          clock: task.clock,
          randomness: countingRandomness(seed * 8 + number),
        };
        for (let taking = 0; taking < 3; taking += 1) {
          const name = ["a", "b", "c", "d", "e"][Math.floor(random() * 5)] ?? "a";
          if (await goes(engine, pod(name))) gone.add(name);
        }
      },
      { faults: randomFaults(random, { ...FAULTS, freezeMs: 20_000 }) },
    );
  }
  const outcomes = await scheduler.run();
  for (const outcome of outcomes.values()) if (typeof outcome === "object") throw outcome.failed;
  return gone.size;
}

describe("shares of a namespace, with several processes in any order", () => {
  it("are never exceeded: three of six pods", async () => {
    const most: number[] = [];
    for (const seed of SEEDS) most.push(await sharing(seed, budgetsOf));
    expect(Math.max(...most)).toBe(3);
  });

  it("are exceeded by an engine that counts them in memory", async () => {
    const inMemory = (_shared: Table, task: Task): Table => budgetsOf(createMemoryTable(), task);
    const most: number[] = [];
    for (const seed of SEEDS.slice(0, 20)) most.push(await sharing(seed, inMemory));
    expect(Math.max(...most)).toBeGreaterThan(3);
  });
});

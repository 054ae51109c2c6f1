import { describe, expect, it, vi } from "vitest";
import { drive } from "../../src/engine/drive.ts";
import { type Engine, later } from "../../src/engine/engine.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { revert } from "../../src/engine/revert.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Retryable } from "../../src/model/errors.ts";
import { isOpen } from "../../src/model/remediation.ts";
import { type Choice, createRandom, everySchedule, seededChoice } from "../store/schedule-choices.ts";
import { createScheduler, type Task } from "../store/scheduler.ts";
import { endFaults } from "./end-faults.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { another, event, hooksOf, shardOfWeb } from "./processes.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

type Act = (engine: Engine, id: string) => Promise<unknown>;

/** Who meets over one target, and in which state of it. */
interface Meeting {
  /** Prepares the bench; the id of the record that the drivers drive. */
  readonly before: (b: Bench) => Promise<string>;
  readonly acts: Readonly<Record<string, Act>>;
  /** What must hold at once, before any sweep. */
  readonly at: (b: Bench) => void;
}

const RULES = configuration("enforce");

const driver: Act = (engine, id) => drive(engine, id, later(engine.clock.now(), 25_000));
const joiner: Act = (engine) => ingest(engine, [event({ id: "a-2" })]);
const person: Act = async (engine, id) => {
  try {
    await revert(engine, id, { who: "ann", id: "t/ann", why: "a drill" });
  } catch (error) {
    if (!(error instanceof Retryable)) throw error;
  }
};

async function claimed(b: Bench): Promise<string> {
  await b.ingest(alert({ id: "a-1" }));
  return b.records()[0]?.id ?? "";
}

/** Claimed by a process that vanished before it did anything. */
async function abandoned(b: Bench): Promise<string> {
  b.world.before = (call) => (call.startsWith("label") ? new Promise(() => {}) : Promise.resolve());
  void b.ingest(alert({ id: "a-1" }));
  await new Promise((resolve) => setImmediate(resolve));
  b.world.before = () => Promise.resolve();
  b.clock.pass(2.1 * MINUTE);
  return b.records()[0]?.id ?? "";
}

async function atDeadline(b: Bench): Promise<string> {
  const id = await claimed(b);
  b.clock.pass(8 * HOUR);
  return id;
}

/** Nothing that was alerted is let go unseen: what is not open was given back with a newer episode in its place. */
function stillHeld(b: Bench): void {
  expect(b.records().filter(({ state }) => isOpen(state))).toHaveLength(1);
}

const MEETINGS: Readonly<Record<string, Meeting>> = {
  "two drivers and one joiner after a crash": {
    before: abandoned,
    acts: { first: driver, second: driver, joiner },
    at: stillHeld,
  },
  "two drivers and one joiner at the deadline": {
    before: atDeadline,
    acts: { first: driver, second: driver, joiner },
    at: stillHeld,
  },
  "a driver, a joiner and a person at the deadline": {
    before: atDeadline,
    acts: { driver, joiner, person },
    at: () => {},
  },
  "two drivers and one joiner over a pod made anew": {
    before: async (b) => {
      const id = await atDeadline(b);
      b.world.addPod("web-1");
      return id;
    },
    acts: { first: driver, second: driver, joiner },
    at: stillHeld,
  },
  "three processes that claim at once": {
    before: async () => "",
    acts: {
      first: (engine) => ingest(engine, [event({ id: "a-1" })]),
      again: (engine) => ingest(engine, [event({ id: "a-1" })]),
      joiner,
    },
    at: stillHeld,
  },
};

/** Only what others can see is a place to stop: reading or replacing the lock, and the outside. */
function shared(task: Task): Pick<Task, "at"> {
  return {
    at: (point) =>
      /^before (get t!|transact|label|read)/.test(point) ? task.at(point) : Promise.resolve(null),
  };
}

/** One interleaving; the invariants hold after every step, and once it has been swept. */
async function meet({ before, acts, at }: Meeting, choose: Choice): Promise<void> {
  const b = bench({ configuration: RULES });
  const alerts = "joiner" in acts ? ["a-1", "a-2"] : ["a-1"];
  const id = await before(b);
  const broken = new Set<string>();
  const scheduler = createScheduler(choose, {
    afterStep: () => {
      for (const one of b.broken()) broken.add(one);
    },
  });
  for (const [name, act] of Object.entries(acts)) {
    scheduler.spawn(name, async (task) => {
      const places = shared(task);
      await act(
        another(b, { table: shardOfWeb(b.table, places), ports: b.world.ports(hooksOf(places)) }),
        id,
      );
    });
  }
  const outcomes = await scheduler.run();
  try {
    expect([...outcomes.values()]).toEqual(Object.keys(acts).map(() => "done"));
    at(b);
    for (let sweeps = 0; sweeps < 3; sweeps += 1) {
      b.clock.pass(2.1 * MINUTE);
      await sweep(another(b));
    }
    const { lost, untracked, doubled } = endFaults(b.table, b.world, alerts);
    const faults = lost.filter((sentence) => !sentence.endsWith("is still open"));
    expect([...broken, ...b.broken(), ...faults, ...untracked, ...doubled]).toEqual([]);
    const open = b.records().filter(({ state }) => isOpen(state));
    expect(open.map(({ state }) => state)).toEqual(open.length === 0 ? [] : ["in-force"]);
  } catch (error) {
    throw new Error(`${String(error)}\nafter\n${scheduler.trace.join("\n")}`, { cause: error });
  }
}

/** As many of all interleavings as there is time for, then some from seeds, which reach what comes early too. */
const IN_ORDER = 150;
const SEEDS = 100;

describe.each(Object.entries(MEETINGS))("%s", (_name, meeting) => {
  it("come to one outcome in every order", { timeout: 60_000 }, async () => {
    const runs = await everySchedule(IN_ORDER, (choose) => meet(meeting, choose));
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      await meet(meeting, seededChoice(createRandom(seed))).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      });
    }
    expect(runs).toBeGreaterThan(100);
  });
});

describe("two processes", () => {
  it("come to one outcome in each of all orders", { timeout: 60_000 }, async () => {
    const counts: number[] = [];
    for (const [before, acts] of [
      [abandoned, { first: driver, second: driver }],
      [atDeadline, { driver, person }],
    ] as const) {
      const meeting: Meeting = { before, acts, at: () => {} };
      counts.push(await everySchedule(3_000, (choose) => meet(meeting, choose)));
    }
    expect(Math.max(...counts)).toBeLessThan(3_000);
    expect(Math.min(...counts)).toBeGreaterThan(20);
  });
});

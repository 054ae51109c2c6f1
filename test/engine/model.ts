import type { Engine } from "../../src/engine/engine.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { RecentSignals } from "../../src/engine/recent-signals.ts";
import { revert } from "../../src/engine/revert.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Switches } from "../../src/engine/switches.ts";
import { Refused, Retryable } from "../../src/model/errors.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import { createMemoryTable } from "../../src/store/memory-table.ts";
import { StoreUnreachable } from "../../src/store/table.ts";
import {
  type Choice,
  createRandom,
  type Faults,
  randomFaults,
  TIME_PASSES,
} from "../store/schedule-choices.ts";
import { createScheduler, type Scheduler, type Task } from "../store/scheduler.ts";
import { endFaults, historiesOf } from "./end-faults.ts";
import { noAzure } from "./fixtures.ts";
import { alert, brokenInvariants, configuration, countingRandomness } from "./harness.ts";
import { knowingDefender } from "./known-alerts.ts";
import { hooksOf, shardOfWeb, stop } from "./processes.ts";
import { World } from "./world.ts";

const MINUTE = 60_000;
const RULES = configuration("enforce", (text) => text.replace("ttl: 8h", "ttl: 25m"));
/**
 * Longer than the lease of two minutes, and as long as the read-back after a takeover covers with two clocks a minute
 * apart each. What lands still later is told by the daily search for marks.
 */
const FREEZE_MS = 2.5 * MINUTE;
/** Where nothing is written a fault is only a delay: most of them strike at the writes. */
const AT_READS = { crash: 0.005, lose: 0.005, repeat: 0.005, freeze: 0.01, freezeMs: FREEZE_MS };
const AT_WRITES = { crash: 0.06, lose: 0.06, repeat: 0.06, freeze: 0.12, freezeMs: FREEZE_MS };
const AT_EFFECTS = { crash: 0.08, lose: 0.08, freeze: 0.4, freezeMs: FREEZE_MS };
/** Time passes rarely while somebody can go on: a process that is not frozen does its work in seconds. */
const TIME_PASSES_RATE = 1 / 50;

/** The outcome of one schedule: what was broken, a sentence each, and which effects had untracked or doubled changes. */
export interface Schedule {
  readonly seed: number;
  /** Breaks of what may never be broken, whatever the playbook does: lost alerts, drive rows, histories. */
  readonly broken: readonly string[];
  /** Changes in the world that no open record owns. */
  readonly untracked: readonly string[];
  /** Episodes that took effect more than once. */
  readonly doubled: readonly string[];
  readonly crashes: number;
  /** What was done to the records, as their histories name it. */
  readonly done: readonly string[];
  readonly trace: readonly string[];
}

/** Everything of one schedule. */
interface Model {
  readonly scheduler: Scheduler;
  readonly random: () => number;
  readonly table: ReturnType<typeof createMemoryTable>;
  readonly world: World;
  readonly playbook: AnyPlaybook;
  readonly processes: { count: number };
  readonly seed: number;
}

/** The engine of one process: its own memory, its clock with skew, and a place to stop at each call that leaves it. */
function processOf(model: Model, task: Task): Engine {
  model.processes.count += 1;
  return {
    table: shardOfWeb(model.table, task),
    configuration: RULES,
    playbooks: new Map([[model.playbook.name, model.playbook]]),
    ports: model.world.ports(hooksOf(task)),
    channels: { send: () => stop(task, "send") },
    clock: task.clock,
    randomness: countingRandomness(model.seed * 64 + model.processes.count),
    log: () => {},
    recent: new RecentSignals(),
    defender: knowingDefender(),
    azure: noAzure,
    held: false,
    build: "b0",
    switches: new Switches(model.table, task.clock),
  };
}

/**
 * One schedule: three alerts about one pod, each delivered again until its batch is done, sweeps that overlap, a person
 * who takes back, in some the pod made anew; each process crashes, freezes up to twenty minutes, or loses requests and
 * answers. Then time passes and unharmed sweeps finish what is left.
 */
export async function runSchedule(seed: number, playbook: AnyPlaybook): Promise<Schedule> {
  const table = createMemoryTable();
  const broken = new Set<string>();
  let looked = -1;
  const random = createRandom(seed);
  const scheduler = createScheduler(choiceOf(random), {
    mostSteps: 60_000,
    afterStep: () => {
      const { transactions } = table.counts();
      if (transactions === looked) return;
      looked = transactions;
      for (const one of brokenInvariants(table)) broken.add(one);
    },
  });
  const world = new World();
  world.addPod("web-1");
  const model: Model = { scheduler, random, table, world, playbook, processes: { count: 0 }, seed };
  deliveries(model);
  disturbances(model);
  sweeps(model);
  const outcomes = await scheduler.run();
  const failed = [...outcomes].flatMap(([name, outcome]) =>
    typeof outcome === "object" ? [`${name} failed: ${String(outcome.failed)}`] : [],
  );
  const { lost, untracked, doubled } = endFaults(table, world, ALERTS);
  return {
    seed,
    broken: [...broken, ...failed, ...lost],
    untracked,
    doubled,
    crashes: [...outcomes.values()].filter((outcome) => outcome === "crashed").length,
    done: historiesOf(table).flatMap((rows) => rows.map(({ what, after }) => `${what}: ${after}`)),
    trace: scheduler.trace,
  };
}

const ALERTS = ["a-1", "a-2", "a-3"] as const;

/** The host repeats a batch until it is done: by other processes, the last of them unharmed. */
function deliveries(model: Model): void {
  const { scheduler, random } = model;
  for (const id of ALERTS) {
    const first = random() * 12 * MINUTE;
    const at = new Date(scheduler.clock.now().getTime() + first).toISOString();
    let done = false;
    for (const [attempt, waits] of [0, 3, 45].entries()) {
      const name = `${id} delivery ${attempt}`;
      const body = async (task: Task): Promise<void> => {
        await task.sleep(first + waits * MINUTE);
        if (done) return;
        const event = {
          body: alert({ id, at }),
          partition: "0",
          sequence: Number(id.at(-1)),
          enqueuedAt: null,
        };
        try {
          await ingest(processOf(model, task), [event]);
          done = true;
        } catch (error) {
          if (!(error instanceof StoreUnreachable)) throw error;
        }
      };
      scheduler.spawn(name, body, {
        ...(attempt < 2 ? { faults: faultsOf(random) } : {}),
        skewMs: skew(random),
      });
    }
  }
}

/** A person who takes back whatever is there, and in one of three schedules a pod that is made anew under its name. */
function disturbances(model: Model): void {
  const { scheduler, random, world, table } = model;
  for (const person of ["ann", "bob"]) {
    const at = random() * 40 * MINUTE;
    const body = async (task: Task): Promise<void> => {
      await task.sleep(at);
      const record = table.snapshot().find(({ key }) => key.startsWith("r!"));
      if (record === undefined) return;
      try {
        await revert(processOf(model, task), record.key.slice(2), {
          who: person,
          id: person,
          why: "a drill",
        });
      } catch (error) {
        if (!(error instanceof StoreUnreachable || error instanceof Retryable || error instanceof Refused)) {
          throw error;
        }
      }
    };
    scheduler.spawn(person, body, { faults: faultsOf(random) });
  }
  if (random() < 1 / 3) {
    const at = random() * 15 * MINUTE;
    scheduler.spawn("owner", async (task) => {
      await task.sleep(at);
      world.addPod("web-1", { createdAt: task.clock.now().toISOString() });
    });
  }
}

/** Overlapping sweeps, each a process of its own; at the end unharmed ones, until nothing is open. */
function sweeps(model: Model): void {
  const { scheduler, random } = model;
  for (let n = 0; n < 24; n += 1) {
    const body = async (task: Task): Promise<void> => {
      await task.sleep((n + random()) * 1.5 * MINUTE);
      await sweepOnce(model, task);
    };
    scheduler.spawn(`sweep ${n}`, body, { faults: faultsOf(random), skewMs: skew(random) });
  }
  scheduler.spawn("time", async (task) => {
    // Small steps: a process that is not frozen is held up for seconds.
    for (let n = 0; n < 200; n += 1) await task.sleep(20_000);
  });
  scheduler.spawn("the last sweeps", async (task) => {
    await task.sleep(100 * MINUTE);
    for (const waits of [...Array(6).fill(3), 30, 30, 30, 24 * 60, 3, 30, 30, 3]) {
      await sweepOnce(model, task);
      await task.sleep(waits * MINUTE);
    }
  });
}

async function sweepOnce(model: Model, task: Task): Promise<void> {
  try {
    await sweep(processOf(model, task));
  } catch (error) {
    if (!(error instanceof StoreUnreachable)) throw error;
  }
}

function faultsOf(random: () => number): Faults {
  const atReads = randomFaults(random, AT_READS);
  const atWrites = randomFaults(random, AT_WRITES);
  const atEffects = randomFaults(random, AT_EFFECTS);
  return (point) => {
    const fault = point.name.includes("label") ? atEffects(point) : null;
    if (fault?.do === "freeze") return { do: "freeze", ms: FREEZE_MS * (1 - random() / 5) };
    if (point.name.includes("label")) return fault;
    return (point.name.includes("transact") ? atWrites : atReads)(point);
  };
}

function choiceOf(random: () => number): Choice {
  return (names) => {
    const tasks = names.at(-1) === TIME_PASSES ? names.length - 1 : names.length;
    const timePasses = tasks < names.length && random() < TIME_PASSES_RATE;
    return timePasses ? tasks : Math.floor(random() * tasks);
  };
}

/** A minute of skew at the most, in either direction. */
function skew(random: () => number): number {
  return Math.round((random() * 2 - 1) * MINUTE);
}

import type { Clock } from "../../src/model/clock.ts";
import { type Choice, createRandom, type Faults, seededChoice, TIME_PASSES } from "./schedule-choices.ts";

/** What a task sees of the scheduler: one task is one process, with its own clock and its own death. */
export interface Task {
  readonly name: string;
  /** The fake clock, with this task's skew. */
  readonly clock: Clock;
  /**
   * One place to stop: others may run, time may pass. Resolves to what shall happen to the call, `null` for nothing.
   * Await it before and after everything that others can see. In a task that has died it never settles.
   */
  at(point: string): Promise<"lose" | "repeat" | null>;
  /** Goes on when the fake clock is `ms` later. */
  sleep(ms: number): Promise<void>;
}

/** How a task ended. `crashed` also where it was killed. */
type Outcome = "done" | "crashed" | { readonly failed: unknown };

/** Runs tasks one at a time, between their points, in an order that only the choices decide. */
export interface Scheduler {
  /** A number from 0 up to 1, of the seed: for everything random in a test. */
  random(): number;
  /** Adds a task, before or during the run. Names are used once. */
  spawn(
    name: string,
    body: (task: Task) => Promise<void>,
    options?: { faults?: Faults; skewMs?: number },
  ): void;
  /** The task stops at the point where it stands, for good. */
  kill(name: string): void;
  /** Until every task has ended; the outcomes by name. Rejects when nobody can go on, or after `mostSteps`. */
  run(): Promise<ReadonlyMap<string, Outcome>>;
  /** What was chosen, step by step: to be printed when an invariant breaks. */
  readonly trace: readonly string[];
  /** The fake time without skew. */
  readonly clock: Clock;
}

interface Waiting {
  readonly task: string;
  readonly point: string;
  readonly due: number;
  readonly go: () => void;
}

/**
 * Makes a scheduler from a seed, or from a choice of your own (`everySchedule` makes such). `afterStep` is called
 * whenever all tasks stand at a point: the place for invariants; what it throws ends the run.
 *
 * A crash is not an error that is thrown: a dead task's promise never settles, so no `catch` or `finally` of the
 * product runs, as in a process that is gone. A frozen one goes on later, and what it was about to do still happens.
 *
 * Between two points a task may only use promises and synchronous calls; what waits for real time or input blocks it.
 */
export function createScheduler(
  seedOrChoice: number | Choice,
  options: { afterStep?: () => void; startAt?: Date; mostSteps?: number } = {},
): Scheduler {
  const random = createRandom(typeof seedOrChoice === "number" ? seedOrChoice : 1);
  const choose = typeof seedOrChoice === "number" ? seededChoice(random) : seedOrChoice;
  const waiting: Waiting[] = [];
  const outcomes = new Map<string, Outcome | null>();
  const trace: string[] = [];
  let now = (options.startAt ?? new Date("2026-03-02T08:00:00Z")).getTime();

  const park = (task: string, point: string, ms: number): Promise<void> =>
    new Promise((go) => {
      if (outcomes.get(task) !== "crashed") {
        waiting.push({ task, point, due: now + ms, go });
      }
    });

  const kill = (name: string): void => {
    if (outcomes.get(name) !== null) {
      throw new Error(`There is no running task ${name}.`);
    }
    outcomes.set(name, "crashed");
    for (let place = waiting.length - 1; place >= 0; place -= 1) {
      if (waiting[place]?.task === name) {
        waiting.splice(place, 1);
      }
    }
  };

  const step = (): void => {
    const sleepers = waiting.filter(({ due }) => due > now);
    const ready = waiting.filter(({ due }) => due <= now);
    const names = ready.map(({ task, point }) => `${task}: ${point}`);
    if (sleepers.length > 0) {
      names.push(TIME_PASSES);
    }
    const chosen = names.length === 1 ? 0 : choose(names);
    trace.push(names[chosen] ?? `nothing at ${chosen}`);
    const next = ready[chosen];
    if (next === undefined) {
      now = Math.min(...sleepers.map(({ due }) => due));
      return;
    }
    waiting.splice(waiting.indexOf(next), 1);
    next.go();
  };

  return {
    random,
    kill,
    trace,
    clock: { now: () => new Date(now) },

    spawn(name, body, { faults, skewMs = 0 } = {}) {
      if (outcomes.has(name)) {
        throw new Error(`There was a task ${name} already.`);
      }
      outcomes.set(name, null);
      let points = 0;
      const task: Task = {
        name,
        clock: { now: () => new Date(now + skewMs) },
        sleep: (ms) => park(name, `sleeps ${ms}`, ms),
        async at(point) {
          const fault = faults?.({ task: name, name: point, index: points }) ?? null;
          points += 1;
          await park(name, point, 0);
          if (fault?.do === "crash") {
            trace.push(`${name} crashes`);
            kill(name);
            return new Promise<never>(() => {});
          }
          if (fault?.do === "freeze") {
            await park(name, `${point}, frozen`, fault.ms);
            return null;
          }
          return fault?.do ?? null;
        },
      };
      const end = (outcome: Outcome): void => {
        if (outcomes.get(name) === null) {
          outcomes.set(name, outcome);
        }
      };
      // Nothing of it runs before the first step.
      void park(name, "starts", 0)
        .then(() => body(task))
        .then(
          () => end("done"),
          (failed: unknown) => end({ failed }),
        );
    },

    async run() {
      for (let steps = 0; steps < (options.mostSteps ?? 10_000); steps += 1) {
        await allStandStill();
        options.afterStep?.();
        const ended = [...outcomes].flatMap(([name, outcome]): [string, Outcome][] =>
          outcome === null ? [] : [[name, outcome]],
        );
        if (ended.length === outcomes.size) {
          return new Map(ended);
        }
        if (waiting.length === 0) {
          throw new Error(`Nobody can go on, and not all have ended:\n${trace.join("\n")}`);
        }
        step();
      }
      throw new Error(`No end in sight:\n${trace.slice(-40).join("\n")}`);
    },
  };
}

/** Microtasks are done when the event loop comes round, so every running task has reached its next point. */
function allStandStill(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

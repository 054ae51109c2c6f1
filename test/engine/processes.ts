import type { Engine } from "../../src/engine/engine.ts";
import type { HubEvent } from "../../src/engine/parked-events.ts";
import { RecentSignals } from "../../src/engine/recent-signals.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Retryable } from "../../src/model/errors.ts";
import { shardOf, targetHash } from "../../src/store/row-keys.ts";
import type { Table } from "../../src/store/table.ts";
import type { Fault } from "../store/schedule-choices.ts";
import { createScheduledTable } from "../store/scheduled-table.ts";
import { createScheduler, type Task } from "../store/scheduler.ts";
import { alert, type Bench, countingRandomness } from "./harness.ts";
import { type CallHooks, CLUSTER } from "./world.ts";

/** The shard in which everything of the pod `shop/web-1` lives. */
const SHARD = shardOf(targetHash({ kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" }));

/** Where an outside call of a task may crash, freeze or lose its request or answer. */
export function hooksOf(task: Pick<Task, "at">): CallHooks {
  return { before: (call) => stop(task, `before ${call}`), after: (call) => stop(task, `after ${call}`) };
}

/** One place to stop of a call that leaves the process: a loss shows as nobody answering. */
export async function stop(task: Pick<Task, "at">, point: string): Promise<void> {
  if ((await task.at(point)) !== null) {
    throw new Retryable(`${point}: nobody answered`, "It is tried again.", { retryAfterMs: 1_000 });
  }
}

/** Places to stop only where others can see: all that happens to `shop/web-1` happens in its shard. */
export function shardOfWeb(inner: Table, task: Pick<Task, "at">): Table {
  const scheduled = createScheduledTable(inner, task);
  const of = (partition: string): Table => (partition === SHARD ? scheduled : inner);
  return {
    get: (partition, key) => of(partition).get(partition, key),
    range: (partition, range, limit) => of(partition).range(partition, range, limit),
    transact: (partition, operations) => of(partition).transact(partition, operations),
    prepare: () => inner.prepare(),
  };
}

let processes = 1;

/** Another process on the bench: its own memory and randomness, on the same table, world, clock and channel. */
export function another(b: Bench, more: Partial<Engine> = {}): Engine {
  processes += 1;
  return { ...b.engine, recent: new RecentSignals(), randomness: countingRandomness(processes), ...more };
}

/** What became of one process that was struck, and how many places to stop it passed. */
export interface Struck {
  readonly ended: "done" | "crashed" | { readonly failed: unknown };
  readonly points: readonly string[];
}

/** One process of the bench whose `index`-th place to stop is struck by a fault; the clock stands still. */
export async function strike(
  b: Bench,
  index: number,
  fault: Fault,
  act: (engine: Engine) => Promise<unknown>,
): Promise<Struck> {
  const scheduler = createScheduler(1);
  const points: string[] = [];
  const body = async (task: Task): Promise<void> => {
    const channels: Engine["channels"] = {
      send: async (channel, messages) => {
        await stop(task, "before send");
        await b.engine.channels.send(channel, messages);
        await stop(task, "after send");
      },
    };
    const table = shardOfWeb(b.table, task);
    await act(another(b, { table, ports: b.world.ports(hooksOf(task)), channels }));
  };
  scheduler.spawn("struck", body, {
    faults: (point) => {
      points.push(point.name);
      return point.index === index ? fault : null;
    },
  });
  const ended = (await scheduler.run()).get("struck") ?? "done";
  return { ended, points };
}

/**
 * Another process of the bench that stands still at the first place to stop that matches, while something else
 * happens; `lose` lets it hear afterwards that nobody answered.
 */
export function meanwhile(
  b: Bench,
  place: RegExp,
  happens: () => Promise<unknown>,
  more: Partial<Engine> & { readonly lose?: boolean } = {},
): Engine {
  const { lose, ...parts } = more;
  let isFirst = true;
  const at: Task["at"] = async (point) => {
    if (!(isFirst && place.test(point))) return null;
    isFirst = false;
    await happens();
    return lose === true ? "lose" : null;
  };
  return another(b, { table: shardOfWeb(b.table, { at }), ports: b.world.ports(hooksOf({ at })), ...parts });
}

/** The clock of a process that is ahead of the others, or behind. */
export function skewed(b: Bench, ms: number): Engine["clock"] {
  return { now: () => new Date(b.clock.now().getTime() + ms) };
}

/** One sweep each time after some minutes, by processes of their own. */
export async function sweepAfter(b: Bench, ...minutes: readonly number[]): Promise<void> {
  for (const some of minutes) {
    b.clock.pass(some * 60_000);
    await sweep(another(b));
  }
}

/** An event of the hub, as `ingest` takes it. */
export function event(more: Parameters<typeof alert>[0] = {}): HubEvent {
  return { body: alert(more), partition: "0", sequence: 1, enqueuedAt: null };
}

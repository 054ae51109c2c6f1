import type { Engine } from "../../src/engine/engine.ts";
import { RecentSignals } from "../../src/engine/recent-signals.ts";
import { Switches } from "../../src/engine/switches.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import { createMemoryTable, type MemoryTable } from "../../src/store/memory-table.ts";
import { BUDGET, CONTROL, shardOf, targetHash } from "../../src/store/row-keys.ts";
import type { Table } from "../../src/store/table.ts";
import { endFaults, historiesOf } from "../engine/end-faults.ts";
import { noAzure } from "../engine/fixtures.ts";
import { configuration, countingRandomness, recordsOf } from "../engine/harness.ts";
import { knowingDefender } from "../engine/known-alerts.ts";
import { stop } from "../engine/processes.ts";
import { quarantine } from "../engine/quarantine.ts";
import { CLUSTER, World } from "../engine/world.ts";
import { createRandom, TIME_PASSES } from "../store/schedule-choices.ts";
import { createScheduledTable } from "../store/scheduled-table.ts";
import { createScheduler, type Scheduler, type Task } from "../store/scheduler.ts";
import { FOREIGN, PEOPLE, tellStory } from "./story-actors.ts";
import { judge } from "./story-judge.ts";
import type { Fault } from "./story-life.ts";
import { type Chronicle, FIELD, tagged, watchedPorts, watchedTable } from "./story-watch.ts";

const MINUTE = 60_000;
const COOLDOWN_MS = 30 * MINUTE;
/** Time passes rarely while somebody can go on: a process that is not frozen does its work in seconds. */
const TIME_PASSES_RATE = 1 / 40;

/** How an engine is broken: what stands between it and the store, or the playbook that it is given. */
export interface Breakage {
  readonly table?: (inner: Table) => Table;
  readonly playbook?: AnyPlaybook;
}

/** What a story works with. */
export interface Stage {
  readonly random: () => number;
  readonly scheduler: Scheduler;
  /** As it is, without places to stop: for whoever only looks. */
  readonly table: MemoryTable;
  readonly world: World;
  readonly chronicle: Chronicle;
  readonly pods: readonly string[];
  /** Another process: its own memory, switches, clock, and places to stop. */
  process(task: Task): Engine;
}

/** How a story went. */
export interface Told {
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** What was done, and where it led: `revert asked: reverting`. */
  readonly seen: ReadonlySet<string>;
  readonly trace: readonly string[];
}

/** One story: everything that may happen to a few pods in some hours, in an order that the seed decides. */
export async function runStory(seed: number, broken: Breakage = {}): Promise<Told> {
  const stage = stageOf(seed, broken);
  const { scheduler, table, world, chronicle, pods } = stage;
  const alerts = tellStory(stage);
  const outcomes = await scheduler.run();
  const failed = [...outcomes].flatMap(([name, outcome]): Fault[] =>
    typeof outcome === "object" ? [{ kind: "fault", says: `${name}: ${String(outcome.failed)}` }] : [],
  );
  const promised = { perHour: pods.length - 1, cooldownMs: COOLDOWN_MS };
  const { lost, untracked } = endFaults(table, world, alerts);
  const faults: Fault[] = [
    ...chronicle.faults,
    ...judge(chronicle, recordsOf(table), promised, PEOPLE),
    ...failed,
    ...lost.map((says) => ({ kind: "lost", says }) as const),
    // What somebody else wrote there is not ours.
    ...untracked.flatMap((says): Fault[] => (says.includes(FOREIGN) ? [] : [{ kind: "untracked", says }])),
  ];
  return { seed, faults, seen: seenIn(stage, [...outcomes.values()]), trace: scheduler.trace };
}

function stageOf(seed: number, broken: Breakage): Stage {
  const random = createRandom(seed);
  const scheduler = createScheduler(
    (names) => {
      const tasks = names.at(-1) === TIME_PASSES ? names.length - 1 : names.length;
      const timePasses = tasks < names.length && random() < TIME_PASSES_RATE;
      return timePasses ? tasks : Math.floor(random() * tasks);
    },
    // The hour turns while the story goes on.
    { mostSteps: 60_000, startAt: new Date("2026-03-02T08:20:00Z") },
  );
  const now = (): number => scheduler.clock.now().getTime();
  const chronicle: Chronicle = { happenings: [], faults: [] };
  const table = createMemoryTable();
  const watched = watchedTable(table, now, chronicle);
  const world = new World();
  const pods = random() < 0.5 ? ["web-1", "web-2"] : ["web-1", "web-2", "web-3"];
  for (const pod of pods) world.addPod(pod);
  const rules = rulesOf(pods.length - 1);
  const playbook = tagged(broken.playbook ?? storyPlaybook);
  let processes = 0;
  return {
    random,
    scheduler,
    table,
    world,
    chronicle,
    pods,
    process(task) {
      processes += 1;
      const scheduled = whereOthersSee(watched, task, pods);
      const own = broken.table?.(scheduled) ?? scheduled;
      return {
        table: own,
        configuration: rules,
        playbooks: new Map([[playbook.name, playbook]]),
        ports: watchedPorts(world, table, chronicle, now, (point) => stop(task, point)),
        channels: { send: () => Promise.resolve() },
        clock: task.clock,
        randomness: countingRandomness(seed * 128 + processes),
        log: () => {},
        recent: new RecentSignals(),
        defender: knowingDefender(),
        azure: noAzure,
        held: false,
        build: "b0",
        switches: new Switches(own, task.clock),
      };
    },
  };
}

/** One rule that enforces and one that asks, of the same playbook, so that they meet on one target. */
function rulesOf(perHour: number): Engine["configuration"] {
  return configuration(
    "enforce",
    () => `
mode: enforce
clusters: [ { name: prod, id: ${CLUSTER}, connect: { kubeconfig: none } } ]
budgets: { perPlaybook: ${perHour}, shareOfWorkload: 100%, shareOfNamespace: 100% }
breaker: { after: 5, within: 24h }
rules:
  - name: miners
    when: { kind: alert, key: "K8S.NODE_*" }
    playbooks: [ { name: quarantine, ttl: 25m } ]
    mode: enforce
    cooldown: ${COOLDOWN_MS / MINUTE}m
    approveWithin: 20m
  - name: shells
    when: { kind: alert, key: "K8S_*" }
    playbooks: [ { name: quarantine, ttl: 25m } ]
    mode: approve
    cooldown: ${COOLDOWN_MS / MINUTE}m
    approveWithin: 20m
`,
  );
}

/** The playbook of the tests, whose plan also depends on what it does not touch: so that it drifts. */
export const storyPlaybook: AnyPlaybook = {
  ...quarantine,
  async plan(context, ports) {
    const outcome = await quarantine.plan(context, ports);
    if (outcome.outcome !== "change" || context.target.kind !== "pod") return outcome;
    const { cluster, namespace, name } = context.target;
    const pod = await ports.read.kubernetes(cluster).pod(namespace, name);
    const impact = `nobody is served by ${pod?.labels["app"] ?? "nothing"}`;
    return { ...outcome, draft: { ...outcome.draft, impact } };
  },
};

/** Places to stop where several processes meet: in the shards of the pods, at the budgets and at the switches. */
function whereOthersSee(inner: Table, task: Task, pods: readonly string[]): Table {
  const scheduled = createScheduledTable(inner, task);
  const shards = pods.map((name) =>
    shardOf(targetHash({ kind: "pod", cluster: CLUSTER, namespace: "shop", name })),
  );
  const of = (partition: string, key: string): Table => {
    const isShared = partition === CONTROL ? key.startsWith("switch!") : partition === BUDGET;
    return isShared || shards.includes(partition) ? scheduled : inner;
  };
  return {
    get: (partition, key) => of(partition, key).get(partition, key),
    range: (partition, range, limit) => of(partition, range.from).range(partition, range, limit),
    transact: (partition, operations) => {
      const [first] = operations;
      return of(partition, first?.key ?? "").transact(partition, operations);
    },
    prepare: () => inner.prepare(),
  };
}

function seenIn(
  { table, chronicle }: Stage,
  outcomes: readonly ("done" | "crashed" | { readonly failed: unknown })[],
): ReadonlySet<string> {
  const told = chronicle.happenings.flatMap((one) =>
    one.what === "foreign" || one.what === "word" ? [one.act] : one.what === "row" ? [] : [one.what],
  );
  const rows = historiesOf(table).flatMap((history) => history.map(({ what, after }) => `${what}: ${after}`));
  const crashed = outcomes.includes("crashed") ? ["crash"] : [];
  return new Set([...told, ...rows, ...crashed, FIELD]);
}

import { approve } from "../../src/engine/approve.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { extend } from "../../src/engine/extend.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { pause, resume } from "../../src/engine/pauses.ts";
import { reject } from "../../src/engine/reject.ts";
import { retry } from "../../src/engine/retry.ts";
import { revert } from "../../src/engine/revert.ts";
import { sweep } from "../../src/engine/sweep.ts";
import type { PauseOf } from "../../src/engine/switches.ts";
import { Conflict, Refused, Retryable } from "../../src/model/errors.ts";
import { isOpen, type Remediation, type State } from "../../src/model/remediation.ts";
import type { Word } from "../../src/model/word.ts";
import { StoreUnreachable } from "../../src/store/table.ts";
import { alert, recordsOf } from "../engine/harness.ts";
import { type Faults, randomFaults } from "../store/schedule-choices.ts";
import type { Task } from "../store/scheduler.ts";
import type { Stage } from "./story.ts";
import { FIELD, type Happening } from "./story-watch.ts";

const MINUTE = 60_000;
/** Who may speak in a story. */
export const PEOPLE: readonly string[] = ["ann", "bob", "cho"];
/** What somebody else writes into the field that the playbook holds. */
export const FOREIGN = "by-owner";

/** Longer than the lease of two minutes, as in the model of the engine. */
const FREEZE_MS = 2.5 * MINUTE;
const AT_READS = { crash: 0.005, lose: 0.005, repeat: 0.005, freeze: 0.01, freezeMs: FREEZE_MS };
const AT_WRITES = { crash: 0.06, lose: 0.06, repeat: 0.06, freeze: 0.12, freezeMs: FREEZE_MS };
const AT_EFFECTS = { crash: 0.08, lose: 0.08, freeze: 0.4, freezeMs: FREEZE_MS };

/** Sets everybody on the stage; returns the alerts that must be decided at the end. */
export function tellStory(stage: Stage): readonly string[] {
  const alerts = deliveries(stage);
  persons(stage);
  owners(stage);
  sweeps(stage);
  return alerts;
}

type Told<H> = H extends Happening ? Omit<H, "at"> : never;

function note({ chronicle, scheduler }: Stage, happening: Told<Happening>): void {
  chronicle.happenings.push({ at: scheduler.clock.now().getTime(), ...happening });
}

/** What may be raised to a caller who cannot have his way, or not now. */
function isAnswer(error: unknown): boolean {
  const kinds = [StoreUnreachable, Retryable, Refused, Conflict];
  return kinds.some((kind) => error instanceof kind);
}

interface Alert {
  readonly id: string;
  readonly pod: string;
  readonly enforces: boolean;
  readonly body: Uint8Array;
}

/**
 * Alerts about any pod, some of them hours later; each batch is repeated until it is done, and some come twice. In some
 * stories half of them are about one pod and come within seconds, each to another process.
 */
function deliveries(stage: Stage): readonly string[] {
  const { random, scheduler, pods } = stage;
  const alerts: string[] = [];
  const count = 4 + Math.floor(random() * 3);
  const when = (): number => (random() < 0.7 ? random() * 14 * MINUTE : (20 + random() * 60) * MINUTE);
  const burst = random() < 0.5 ? when() : null;
  for (let n = 0; n < count; n += 1) {
    const isInBurst = burst !== null && random() < 0.5;
    const first = isInBurst ? burst + random() * 2_000 : when();
    const earlier = random() * 8 * MINUTE;
    const at = Math.floor((scheduler.clock.now().getTime() + first - earlier) / MINUTE) * MINUTE;
    const id = `a-${n}`;
    const pod = (isInBurst ? pods[0] : pods[Math.floor(random() * pods.length)]) ?? "web-1";
    const enforces = random() < 0.6;
    const key = enforces ? "K8S.NODE_CryptoCoinMinerExecution" : "K8S_WebShell";
    const body = alert({ id, pod, key, at: new Date(at).toISOString() });
    alerts.push(id);
    deliver(stage, "", first, { id, pod, enforces, body });
    if (random() < 0.4)
      deliver(stage, "again, ", first + random() * 40 * MINUTE, { id, pod, enforces, body });
  }
  return alerts;
}

/** The host repeats a batch until it is done: by other processes, the last of them unharmed. */
function deliver(stage: Stage, which: string, first: number, { id, pod, enforces, body }: Alert): void {
  const { random, scheduler } = stage;
  let done = false;
  for (const [attempt, waits] of [0, 3, 45].entries()) {
    const deliverOnce = async (task: Task): Promise<void> => {
      await task.sleep(first + waits * MINUTE);
      if (done) return;
      note(stage, { what: "alert", alert: id, pod, enforces });
      const event = { body, partition: "0", sequence: Number(id.slice(2)), enqueuedAt: null };
      try {
        await ingest(stage.process(task), [event]);
        done = true;
      } catch (error) {
        if (!(error instanceof StoreUnreachable)) throw error;
      }
    };
    const harm = attempt < 2 ? { faults: faultsOf(random) } : {};
    scheduler.spawn(`${id} ${which}delivery ${attempt}`, deliverOnce, { ...harm, skewMs: skew(random) });
  }
}

/** What a person may do with a remediation that stands as he last saw it. */
interface Act {
  readonly act: string;
  readonly on: readonly State[];
  do(engine: Engine, record: Remediation, by: Word): Promise<unknown>;
}

const ACTS: Readonly<Record<"approve" | "reject" | "revert" | "extend" | "retry", Act>> = {
  approve: {
    act: "approve",
    on: ["awaiting-approval"],
    do: (engine, { id, planHash }, word) =>
      approve(engine, id, { word, planHash: planHash ?? "", kind: "person" }),
  },
  reject: {
    act: "reject",
    on: ["awaiting-approval", "pending"],
    do: (engine, { id }, by) => reject(engine, id, by),
  },
  revert: {
    act: "revert",
    on: ["in-force", "applying", "verifying", "reverting"],
    do: (engine, { id }, by) => revert(engine, id, by),
  },
  extend: {
    act: "extend",
    on: ["in-force"],
    do: (engine, { id }, by) => extend(engine, id, { byMs: 15 * MINUTE }, by),
  },
  retry: {
    act: "retry",
    on: ["rejected", "reverted", "expired"],
    do: (engine, { id }, by) => retry(engine, id, by),
  },
};

function persons(stage: Stage): void {
  const { random } = stage;
  person(stage, "ann", ACTS.approve);
  person(stage, "bob", ACTS.approve);
  if (random() < 0.3) person(stage, "bob", ACTS.reject);
  if (random() < 0.5) person(stage, "cho", ACTS.revert);
  if (random() < 0.3) person(stage, "ann", ACTS.extend);
  if (random() < 0.2) person(stage, "cho", ACTS.retry);
  if (random() < 0.4) holdUp(stage);
}

/** Looks now and then for something to act on, thinks about it, and says a word, again where it was not heard. */
function person(stage: Stage, who: string, { act, on, do: speak }: Act): void {
  const { random, scheduler, table } = stage;
  const start = random() * 25 * MINUTE;
  const body = async (task: Task): Promise<void> => {
    await task.sleep(start);
    for (let looks = 0; looks < 8; looks += 1) {
      const found = recordsOf(table).filter(({ state }) => on.includes(state));
      const record = found[Math.floor(random() * found.length)];
      if (record !== undefined) {
        await task.sleep(random() * 3 * MINUTE);
        await says(task, record);
        return;
      }
      await task.sleep((1 + random() * 4) * MINUTE);
    }
  };
  const says = async (task: Task, record: Remediation): Promise<void> => {
    const engine = stage.process(task);
    for (let tries = 0; tries < 3; tries += 1) {
      note(stage, { what: "word", person: who, act, id: record.id, hash: record.planHash });
      try {
        await speak(engine, record, { who, id: who, why: "a story" });
        return;
      } catch (error) {
        if (!isAnswer(error)) throw error;
        if (error instanceof Refused || error instanceof Conflict) return;
      }
      await task.sleep(20_000);
    }
  };
  scheduler.spawn(`${who} to ${act}`, body, { faults: faultsOf(random), skewMs: skew(random) });
}

/** Somebody holds everything, or the playbook, and lets it go some minutes later. */
function holdUp(stage: Stage): void {
  const { random, scheduler } = stage;
  const of: PauseOf = random() < 0.5 ? { kind: "all" } : { kind: "playbook", name: "quarantine" };
  const word = { who: "cho", id: "cho", why: "a story" };
  const from = random() * 14 * MINUTE;
  const to = from + (1 + random() * 14) * MINUTE;
  const begin = async (task: Task): Promise<void> => {
    await task.sleep(from);
    await unlessUnheard(() => pause(stage.process(task), of, word));
  };
  scheduler.spawn("cho to pause", begin, { faults: faultsOf(random), skewMs: skew(random) });
  // A pause that was frozen on its way may come after this: who finds it still held resumes again.
  const end = async (task: Task): Promise<void> => {
    await task.sleep(to);
    await unlessUnheard(() => resume(stage.process(task), of, word));
    await task.sleep(15 * MINUTE);
    await unlessUnheard(() => resume(stage.process(task), of, word));
  };
  scheduler.spawn("cho to resume", end, { skewMs: skew(random) });
}

async function unlessUnheard(speak: () => Promise<unknown>): Promise<void> {
  try {
    await speak();
  } catch (error) {
    if (!isAnswer(error)) throw error;
  }
}

type Owner = (stage: Stage) => string | null;

/** The pod that bears a mark of ours now. */
function marked({ world, pods }: Stage): string | null {
  return pods.find((name) => ![undefined, FOREIGN].includes(world.labelsOf(name)[FIELD])) ?? null;
}

/** What somebody else may do to a pod, once there is one to do it to; the answer is its name. */
const OWNERS: Readonly<Record<string, Owner>> = {
  "changes the field"(stage) {
    const name = marked(stage);
    if (name === null) return null;
    stage.world.change(name, { labels: { ...stage.world.labelsOf(name), [FIELD]: FOREIGN } });
    return name;
  },
  "removes the field"(stage) {
    const name = marked(stage);
    if (name === null) return null;
    const { [FIELD]: _removed, ...labels } = stage.world.labelsOf(name);
    stage.world.change(name, { labels });
    return name;
  },
  "changes what the plan shows"({ world, table }) {
    const waits = recordsOf(table).find(({ state }) => state === "awaiting-approval");
    if (waits === undefined || waits.target.kind !== "pod") return null;
    const { name } = waits.target;
    world.change(name, { labels: { ...world.labelsOf(name), app: "shop" } });
    return name;
  },
  "makes the pod anew"({ world, table, scheduler }) {
    const held = recordsOf(table).find(({ state }) => isOpen(state));
    if (held === undefined || held.target.kind !== "pod") return null;
    world.addPod(held.target.name, { createdAt: scheduler.clock.now().toISOString() });
    return held.target.name;
  },
};

function owners(stage: Stage): void {
  const { random, scheduler } = stage;
  const names = Object.keys(OWNERS).filter(() => random() < 0.25);
  for (const act of names) {
    const start = random() * 20 * MINUTE;
    scheduler.spawn(`the owner ${act}`, async (task) => {
      await task.sleep(start);
      for (let looks = 0; looks < 15; looks += 1) {
        const pod = OWNERS[act]?.(stage) ?? null;
        if (pod !== null) return note(stage, { what: "foreign", act, pod });
        await task.sleep(2 * MINUTE);
      }
    });
  }
}

/** Overlapping sweeps, each a process of its own; at the end unharmed ones, until nothing is open. */
function sweeps(stage: Stage): void {
  const { random, scheduler } = stage;
  for (let n = 0; n < 22; n += 1) {
    const at = (n + random()) * 2.2 * MINUTE;
    const body = async (task: Task): Promise<void> => {
      await task.sleep(at);
      await sweepOnce(stage, task);
    };
    scheduler.spawn(`sweep ${n}`, body, { faults: faultsOf(random), skewMs: skew(random) });
  }
  scheduler.spawn("time", async (task) => {
    // Small steps: a process that is not frozen is held up for seconds.
    for (let n = 0; n < 260; n += 1) await task.sleep(random() * 30_000);
  });
  scheduler.spawn("the last sweeps", async (task) => {
    await task.sleep(100 * MINUTE);
    for (const waits of [...Array(6).fill(3), 15, 15, 15, 30, 30, 30, 3, 30, 3]) {
      await sweepOnce(stage, task);
      await task.sleep(waits * MINUTE);
    }
  });
}

async function sweepOnce(stage: Stage, task: Task): Promise<void> {
  try {
    await sweep(stage.process(task));
  } catch (error) {
    if (!(error instanceof StoreUnreachable)) throw error;
  }
}

function faultsOf(random: () => number): Faults {
  const atReads = randomFaults(random, AT_READS);
  const atWrites = randomFaults(random, AT_WRITES);
  const atEffects = randomFaults(random, AT_EFFECTS);
  return (point) => {
    if (!point.name.includes("label")) {
      return (point.name.includes("transact") ? atWrites : atReads)(point);
    }
    const fault = atEffects(point);
    return fault?.do === "freeze" ? { do: "freeze", ms: FREEZE_MS * (1 - random() / 5) } : fault;
  };
}

/** Half a minute at most in either direction, so that no two clocks are more than a minute apart. */
function skew(random: () => number): number {
  return Math.round((random() - 0.5) * MINUTE);
}

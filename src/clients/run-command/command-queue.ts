import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../model/clock.ts";
import { Retryable } from "../../model/errors.ts";
import { type Carried, commandFiles } from "./command-files.ts";
import { type Outcome, outcomesIn } from "./command-output.ts";

/** How its commands go. */
export interface QueueMeans {
  readonly clock: Clock;
  /** Runs a command with these files; what it printed. */
  run(files: Uint8Array): Promise<string>;
  /** The longest that a request waits for its command. */
  readonly waitMs: number;
  /** A change is not begun in the cluster so long after it was sent. */
  readonly beginMs: number;
  /** The longest that one call of kubectl may take. */
  readonly callMs: number;
}

/** What a request came to: kubectl's end and what it printed, from the beginning. */
export type Answered = Extract<Outcome, { kind: "answer" }>;

/** An answer that does not fit what a command may print. */
export class AnswerTooLarge extends Retryable {
  constructor() {
    super(
      "The answer is larger than what a command in the cluster may print (512 kB), and was cut off",
      "Give the app a route to the API server: run command cannot carry it.",
      { retryAfterMs: 60_000 },
    );
  }
}

interface Waiting extends Carried {
  readonly since: number;
  alone: boolean;
  readonly settle: (outcome: Answered) => void;
  readonly fail: (error: unknown) => void;
}

/** Azure cuts at 512 kB; what printed less and has no end was broken off otherwise. */
const CUT_FROM = 500_000;
const TOGETHER = 16;
/** What is asked in the same moment goes together. */
const MOMENT_MS = 10;

/**
 * The requests of one cluster, in commands one after another: reads that wait go together, a change goes by itself and is
 * never sent again. Each is settled by its own answer alone.
 */
export class CommandQueue {
  readonly #means: QueueMeans;
  readonly #waiting: Waiting[] = [];
  #isWorking = false;

  constructor(means: QueueMeans) {
    this.#means = means;
  }

  /** Asks for one request. Raises `Retryable`, `undone` where it certainly was not carried out, and what running raises. */
  ask(carried: Carried): Promise<Answered> {
    return new Promise((settle, fail) => {
      this.#waiting.push({ ...carried, since: performance.now(), alone: false, settle, fail });
      if (!this.#isWorking) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    await sleep(MOMENT_MS);
    for (let batch = this.#next(); batch.length > 0; batch = this.#next()) await this.#carry(batch);
    this.#isWorking = false;
  }

  /** What goes with the next command: the first that waits and, where it is a read, the reads behind it. */
  #next(): readonly Waiting[] {
    const now = performance.now();
    const isOver = ({ since }: Waiting): boolean => now - since > this.#means.waitMs;
    for (const waiting of this.#take(isOver, Number.POSITIVE_INFINITY)) waiting.fail(waitedTooLong());
    const [first] = this.#waiting;
    if (first === undefined || first.alone || !first.request.isRead)
      return this.#take((one) => one === first, 1);
    return this.#take(({ request, alone }) => request.isRead && !alone, TOGETHER);
  }

  #take(which: (waiting: Waiting) => boolean, most: number): readonly Waiting[] {
    const taken = this.#waiting.filter(which).slice(0, most);
    for (const one of taken) this.#waiting.splice(this.#waiting.indexOf(one), 1);
    return taken;
  }

  async #carry(batch: readonly Waiting[]): Promise<void> {
    const { clock, run, beginMs, callMs } = this.#means;
    const boundary = randomBytes(16).toString("hex");
    const until = new Date(clock.now().getTime() + beginMs);
    let logs: string;
    try {
      logs = await run(commandFiles(batch, { boundary, until, callMs }));
    } catch (error) {
      for (const one of batch) one.fail(error);
      return;
    }
    const outcomes = outcomesIn(logs, boundary);
    const missing = (): Retryable => (logs.length < CUT_FROM ? neverTold() : new AnswerTooLarge());
    for (const [index, one] of batch.entries()) {
      this.#settle(one, outcomes.get(index + 1), batch.length === 1 ? missing : null);
    }
  }

  /** `missing`: what it fails with where its answer is not there; null: it is asked for again, by itself. */
  #settle(one: Waiting, outcome: Outcome | undefined, missing: (() => Retryable) | null): void {
    if (outcome?.kind === "late") one.fail(begunTooLate());
    else if (outcome !== undefined && outcome.body.length === Math.min(outcome.size, one.mostBytes))
      one.settle(outcome);
    else if (missing !== null) one.fail(missing());
    else {
      // What was cut off among others may fit by itself: only reads go together.
      one.alone = true;
      this.#waiting.push(one);
    }
  }
}

function neverTold(): Retryable {
  return new Retryable(
    "The command in the cluster broke off, and did not tell what became of a request",
    "It is looked at again by itself; what a change came to is read back.",
    { retryAfterMs: 10_000 },
  );
}

function waitedTooLong(): Retryable {
  return new Retryable(
    "The cluster is reached by run command, and too much is asked of it at a time",
    "Nothing was sent of this; it is tried again by itself. A route to the API server has no such limit.",
    { retryAfterMs: 30_000, undone: true },
  );
}

function begunTooLate(): Retryable {
  return new Retryable(
    "The command came to run in the cluster too late, and did nothing",
    "It is tried again by itself. Look whether the cluster's nodes have room, and at their clocks.",
    { retryAfterMs: 30_000, undone: true },
  );
}

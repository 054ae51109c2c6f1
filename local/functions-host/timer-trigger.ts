import { setTimeout as delay } from "node:timers/promises";
import type { CronSchedule } from "./cron-schedule.ts";
import { parseCron } from "./cron-schedule.ts";
import type { InvocationInput } from "./function-app.ts";
import { runWithRetries } from "./retry-policy.ts";
import type { RetryOptions } from "./worker-types.ts";

/** What a timer needs from the host. */
export interface TimerOptions {
  readonly functionName: string;
  /** Six-field CRON expression, UTC. */
  readonly schedule: string;
  readonly runOnStartup: boolean;
  readonly policy: RetryOptions | undefined;
  readonly signal: AbortSignal;
  invoke(input: InvocationInput): Promise<unknown>;
  onError(sentence: string, error: unknown): void;
}

/** A timer function: its schedule as a loop, and a way to fire it at once. */
export interface TimerTrigger {
  /** Fires by the schedule until the host stops; a run that is still going delays the next one. */
  run(): Promise<void>;
  /** Fires now; rejects with the last error when the function failed. */
  tick(): Promise<void>;
}

/** setTimeout holds no more than this; longer waits are cut in pieces. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;
const MONITORED_FROM_MS = 60_000;

function toInput(schedule: CronSchedule, last: Date, now: Date): InvocationInput {
  const next = schedule.next(now);
  // The host monitors no schedule faster than a minute: such functions get no status, also in Azure.
  const monitored = schedule.next(next).getTime() - next.getTime() >= MONITORED_FROM_MS;
  const status = { Last: last.toISOString(), Next: next.toISOString(), LastUpdated: last.toISOString() };
  return {
    data: {
      json: JSON.stringify({
        Schedule: { AdjustForDST: true },
        ScheduleStatus: monitored ? status : null,
        IsPastDue: false,
      }),
    },
  };
}

/** Prepares a timer; raises an error when the schedule cannot be parsed. */
export function createTimerTrigger(options: TimerOptions): TimerTrigger {
  const schedule = parseCron(options.schedule);
  let last = new Date(0);

  async function fire(): Promise<void> {
    const now = new Date();
    const input = toInput(schedule, last, now);
    last = now;
    let failure: unknown;
    const outcome = await runWithRetries({
      policy: options.policy,
      signal: options.signal,
      attempt: (retryContext) =>
        options.invoke(retryContext === undefined ? input : { ...input, retryContext }),
      onError(error, attempt) {
        failure = error;
        options.onError(`${options.functionName} failed, attempt ${attempt}`, error);
      },
    });
    if (outcome === "failed") throw failure;
  }

  return {
    async run() {
      if (options.runOnStartup) await fire().catch(() => undefined);
      let due = schedule.next(new Date());
      while (!options.signal.aborted) {
        const wait = due.getTime() - Date.now();
        if (wait > 0) {
          const step = Math.min(wait, LONGEST_WAIT_MS);
          await delay(step, undefined, { signal: options.signal }).catch(() => undefined);
          continue;
        }
        await fire().catch(() => undefined);
        due = schedule.next(new Date());
      }
    },
    tick: fire,
  };
}

import { setTimeout as delay } from "node:timers/promises";
import type { EventHubTrigger } from "./event-hub-input.ts";
import { toBatchInput, toSingleInput } from "./event-hub-input.ts";
import type { Checkpoints, EventHubSource, StoredEvent } from "./event-hub-source.ts";
import type { InvocationInput } from "./function-app.ts";
import type { RunOutcome } from "./retry-policy.ts";
import { runWithRetries } from "./retry-policy.ts";
import type { RetryOptions } from "./worker-types.ts";

/** What a pump needs from the host. */
export interface PumpOptions {
  readonly trigger: EventHubTrigger;
  readonly source: EventHubSource;
  readonly checkpoints: Checkpoints;
  readonly maxEventBatchSize: number;
  readonly policy: RetryOptions | undefined;
  /** The partitions to run; all where it is absent. */
  readonly partitions?: readonly string[] | undefined;
  /** Aborted when the host stops. */
  readonly signal: AbortSignal;
  invoke(input: InvocationInput): Promise<unknown>;
  onError(sentence: string, error: unknown): void;
}

const PAUSE_AFTER_ERROR_MS = 500;

/** A flag that can be waited for; raising it while nobody waits is not lost. */
class Flag {
  #raised = false;
  #wake: (() => void) | undefined;

  raise(): void {
    this.#raised = true;
    this.#wake?.();
  }

  async lower(): Promise<void> {
    if (!this.#raised) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    this.#raised = false;
  }
}

/**
 * Runs batches of all partitions until the signal; the promise ends when no invocation runs any more.
 * As in Azure: one batch of a partition at a time; the checkpoint advances once the retry policy is used up,
 * whether the function succeeded or failed; nothing is checkpointed after the host began to stop.
 */
export async function pumpEvents(options: PumpOptions): Promise<void> {
  const all = Array.from({ length: options.source.partitionCount }, (_, index) => String(index));
  const arrivals = new Map((options.partitions ?? all).map((partition) => [partition, new Flag()]));
  const forget = options.source.onAppend((partition) => arrivals.get(partition)?.raise());
  const wakeAll = () => {
    for (const arrival of arrivals.values()) arrival.raise();
  };
  options.signal.addEventListener("abort", wakeAll, { once: true });
  try {
    await Promise.all(
      [...arrivals].map(([partition, arrival]) => pumpPartition(options, partition, arrival)),
    );
  } finally {
    forget();
    options.signal.removeEventListener("abort", wakeAll);
  }
}

async function pumpPartition(options: PumpOptions, partition: string, arrival: Flag): Promise<void> {
  const { signal } = options;
  let next = await insist(options, `Checkpoint of partition ${partition} cannot be read`, () =>
    options.checkpoints.load(partition),
  );
  while (!signal.aborted) {
    const events = await insist(options, `Partition ${partition} cannot be read`, async () =>
      options.source.read(partition, next ?? 0, options.maxEventBatchSize),
    );
    const last = events?.at(-1);
    if (events === undefined || last === undefined) {
      if (!signal.aborted) await arrival.lower();
      continue;
    }
    const outcome = await dispatch(options, partition, events);
    if (outcome === "cancelled") return;
    const after = last.sequenceNumber + 1;
    next = after;
    // Azure logs a failed checkpoint and goes on: the next one covers it.
    await options.checkpoints.save(partition, after).catch((error: unknown) => {
      options.onError(`Checkpoint of partition ${partition} cannot be written`, error);
    });
  }
}

/** Repeats until it works or the host stops; undefined after a stop. */
async function insist<T>(
  options: PumpOptions,
  sentence: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  while (!options.signal.aborted) {
    try {
      return await work();
    } catch (error) {
      options.onError(sentence, error);
      await delay(PAUSE_AFTER_ERROR_MS, undefined, { signal: options.signal }).catch(() => undefined);
    }
  }
  return undefined;
}

async function dispatch(
  options: PumpOptions,
  partition: string,
  events: readonly StoredEvent[],
): Promise<RunOutcome> {
  const { trigger } = options;
  const inputs =
    trigger.cardinality === "many"
      ? [toBatchInput(trigger, partition, events)]
      : events.map((event) => toSingleInput(trigger, partition, event));
  let outcome: RunOutcome = "succeeded";
  for (const input of inputs) {
    outcome = await runWithRetries({
      policy: options.policy,
      signal: options.signal,
      attempt: (retryContext) =>
        options.invoke(retryContext === undefined ? input : { ...input, retryContext }),
      onError: (error, attempt) =>
        options.onError(
          `${trigger.functionName} failed on partition ${partition}, attempt ${attempt}`,
          error,
        ),
    });
    if (outcome === "cancelled") return outcome;
  }
  return outcome;
}

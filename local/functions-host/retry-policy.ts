import { setTimeout as delay } from "node:timers/promises";
import type { RetryContext, RetryOptions } from "./worker-types.ts";

/** How a run with its repetitions ended; `cancelled` means that the host stopped in between. */
export type RunOutcome = "succeeded" | "failed" | "cancelled";

/** What `runWithRetries` needs from its caller. */
export interface RetriedRun {
  readonly policy: RetryOptions | undefined;
  /** Aborted when the host stops: no attempt begins after it. */
  readonly signal: AbortSignal;
  attempt(retryContext: RetryContext | undefined): Promise<unknown>;
  onError(error: unknown, attemptNumber: number): void;
}

/** Milliseconds to wait before repetition `retry` (1 is the first), without the jitter that Azure adds. */
export function retryDelay(policy: RetryOptions, retry: number): number {
  if (policy.retryStrategy !== "exponentialBackoff") return (policy.delayInterval?.seconds ?? 0) * 1000;
  const smallest = (policy.minimumInterval?.seconds ?? 0) * 1000;
  const largest = (policy.maximumInterval?.seconds ?? 0) * 1000;
  // The exponent is bounded so that a retry without end never reaches Infinity times zero.
  return Math.min(smallest * 2 ** Math.min(retry - 1, 40), largest);
}

function toRetryContext(retryCount: number, maxRetryCount: number, error: unknown): RetryContext {
  if (!(error instanceof Error)) return { retryCount, maxRetryCount, exception: { message: String(error) } };
  const stackTrace = error.stack === undefined ? {} : { stackTrace: error.stack };
  return { retryCount, maxRetryCount, exception: { message: error.message, ...stackTrace } };
}

/** Runs an invocation until it succeeds, its retry policy is used up, or the host stops. */
export async function runWithRetries(run: RetriedRun): Promise<RunOutcome> {
  const most = run.policy?.maxRetryCount ?? 0;
  let context: RetryContext | undefined;
  for (let retry = 0; ; retry += 1) {
    try {
      await run.attempt(context);
      return run.signal.aborted ? "cancelled" : "succeeded";
    } catch (error) {
      run.onError(error, retry + 1);
      if (run.signal.aborted) return "cancelled";
      if (run.policy === undefined || (most !== -1 && retry >= most)) return "failed";
      context = toRetryContext(retry + 1, most, error);
    }
    await delay(retryDelay(run.policy, retry + 1), undefined, { signal: run.signal }).catch(() => undefined);
    if (run.signal.aborted) return "cancelled";
  }
}

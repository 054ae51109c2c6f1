import { expect, it } from "vitest";
import { retryDelay, runWithRetries } from "../../../local/functions-host/retry-policy.ts";

const exponential = {
  retryStrategy: "exponentialBackoff",
  maxRetryCount: -1,
  minimumInterval: { seconds: 2 },
  maximumInterval: { seconds: 300 },
} as const;

it("waits the same time each time by a fixed delay", () => {
  const policy = { retryStrategy: "fixedDelay", maxRetryCount: 3, delayInterval: { seconds: 5 } } as const;
  expect([1, 2, 3].map((retry) => retryDelay(policy, retry))).toEqual([5000, 5000, 5000]);
});

it("doubles the wait of an exponential backoff up to its maximum, for ever", () => {
  const waits = [1, 2, 3, 8, 9, 5000].map((retry) => retryDelay(exponential, retry));
  expect(waits).toEqual([2000, 4000, 8000, 256_000, 300_000, 300_000]);
});

it("begins no attempt and calls the run cancelled once the host has stopped", async () => {
  const stop = new AbortController();
  let attempts = 0;
  const outcome = runWithRetries({
    policy: exponential,
    signal: stop.signal,
    attempt: async () => {
      attempts += 1;
      throw new Error("down");
    },
    onError: () => stop.abort(),
  });
  expect([await outcome, attempts]).toEqual(["cancelled", 1]);
});

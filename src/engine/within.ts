import { Retryable } from "../model/errors.ts";

/** The promise, or `Retryable` when it has not settled within `ms`. What it was doing may still go on: only reads belong here. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new Retryable(
          `${what} took longer than ${ms} ms`,
          "Look whether the cluster answers slowly; it is tried again.",
          {
            retryAfterMs: 5_000,
          },
        ),
      );
    }, ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

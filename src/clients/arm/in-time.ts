/**
 * What `act` comes to, or the reason of its signal's abortion (a `TimeoutError`) after `ms`, whether it listens to the
 * signal or not: getting a token is part of a call, and a credential may hang.
 */
export async function inTime<T>(ms: number, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const reason = new DOMException("It took too long.", "TimeoutError");
      reject(reason);
      over.abort(reason);
    }, ms);
  });
  try {
    return await Promise.race([act(over.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

import { setTimeout as delay } from "node:timers/promises";
import type { BatchCounts } from "./functions.ts";

const LIMIT_MS = 60_000;

/** The batches that the functions report, in order: each goes to whoever waits for one, else to the listener. */
export class Batches {
  /** Gets the batches that nobody waits for. */
  onOther: (counts: BatchCounts) => void = () => undefined;
  #waiting: ((counts: BatchCounts) => void) | null = null;

  /** Hands a batch on. */
  readonly take = (counts: BatchCounts): void => {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.onOther(counts);
    else waiting(counts);
  };

  /** The next batch. Raises an error when there is none within a minute. */
  async next(): Promise<BatchCounts> {
    const over = new AbortController();
    const late = delay(LIMIT_MS, null, { signal: over.signal }).catch(() => null);
    const batch = new Promise<BatchCounts>((resolve) => {
      this.#waiting = resolve;
    });
    const counts = await Promise.race([batch, late]);
    over.abort();
    if (counts === null) throw new Error("The functions took no event within a minute: see functions.log.");
    return counts;
  }
}

import type { Clock } from "../../model/clock.ts";
import { Retryable } from "../../model/errors.ts";
import { asNoWay, noWay } from "./no-way.ts";

/** So long the one call that looks whether it is over has for itself. */
const PROBE_MS = 10_000;

/**
 * Keeps calls from waiting, one after another, for a cluster that is not there. Open, it refuses at once with the
 * reason why; when its time is over, one call goes through and the others wait for what it finds.
 */
export class Circuit {
  readonly #clock: Clock;
  #open: { readonly why: Retryable; readonly from: number; readonly until: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Raises `Retryable`, with the time that is left, where it is open. */
  enter(): void {
    if (this.#open === null) return;
    const { why, from, until } = this.#open;
    const now = this.#clock.now().getTime();
    // A clock that was set back must not hold it open.
    if (now >= from && now < until) {
      const closed = { retryAfterMs: until - now, undone: true, cause: why };
      const error = new Retryable(why.message, why.advice, closed);
      throw noWay(why) === null ? error : asNoWay(error, { mayHaveLeft: false });
    }
    this.#open = { why, from: now, until: now + PROBE_MS };
  }

  /** It could not be reached: nobody tries for so long. */
  open(why: Retryable, ms: number): void {
    const from = this.#clock.now().getTime();
    this.#open = { why, from, until: from + ms };
  }

  /** It was reached. */
  close(): void {
    this.#open = null;
  }
}

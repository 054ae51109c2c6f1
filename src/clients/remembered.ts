import type { Clock } from "../model/clock.ts";
import { Retryable } from "../model/errors.ts";

/** How long a word is relied on. */
export interface Kept {
  readonly keptMs: number;
  /** A no; what cannot be told for now is asked again at once in any case. */
  readonly noMs: number;
}

/** Asks once for all who ask at the same time, and relies on the word for a while. Raises what asking raises. */
export function remembered<T>(clock: Clock, ask: () => Promise<T>, { keptMs, noMs }: Kept): () => Promise<T> {
  let known: { readonly word: Promise<T>; readonly from: number; until: number } | null = null;
  return () => {
    const now = clock.now().getTime();
    // A clock that was set back does not prolong it.
    if (known !== null && now >= known.from && now < known.until) return known.word;
    const entry = { word: ask(), from: now, until: now + keptMs };
    known = entry;
    entry.word.catch((error: unknown) => {
      entry.until = error instanceof Retryable ? now : now + noMs;
    });
    return entry.word;
  };
}

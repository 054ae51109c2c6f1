/** Common ground of the four errors: a sentence of what happened, and one that tells the operator what to do. */
abstract class ReflexError extends Error {
  /** One sentence for the operator that names what to do. */
  readonly advice: string;

  constructor(message: string, advice: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.advice = advice;
  }
}

/**
 * It may work later: throttled, unreachable, moved under us. `retryAfterMs` is the least time to wait. `undone`: the other
 * side said itself that it did nothing of it.
 */
export class Retryable extends ReflexError {
  readonly kind = "retryable";
  readonly retryAfterMs: number;
  readonly undone: boolean;

  constructor(
    message: string,
    advice: string,
    options: { retryAfterMs: number; undone?: boolean; cause?: unknown },
  ) {
    super(message, advice, options);
    this.retryAfterMs = options.retryAfterMs;
    this.undone = options.undone ?? false;
  }
}

/** It will not work however often it is tried: forbidden, malformed, not there to be had. */
export class Permanent extends ReflexError {
  readonly kind = "permanent";
}

/** A guard said no. An outcome that goes on record, not a fault. */
export class Refused extends ReflexError {
  readonly kind = "refused";
}

/** Somebody else changed what the plan touches; `remains` lists the fields, one sentence each. */
export class Conflict extends ReflexError {
  readonly kind = "conflict";
  readonly remains: readonly string[];

  constructor(message: string, advice: string, options?: { remains?: readonly string[]; cause?: unknown }) {
    super(message, advice, options);
    this.remains = options?.remains ?? [];
  }
}

/** What goes on record for an error: what happened, then what to do. */
export function sentence({ message, advice }: { readonly message: string; readonly advice: string }): string {
  return `${message.replace(/\.$/, "")}. ${advice}`;
}

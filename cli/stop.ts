import type { ExitCode } from "./command-io.ts";

/** Ends a command: one sentence for standard error, and the exit code. */
export class Stop extends Error {
  readonly code: Exclude<ExitCode, 0>;
  /** The app asks to come back after so long; null: it did not say. */
  readonly retryAfterMs: number | null;

  constructor(code: Exclude<ExitCode, 0>, sentence: string, retryAfterMs: number | null = null) {
    super(sentence);
    this.name = "Stop";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

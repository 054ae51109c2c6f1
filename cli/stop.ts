import type { ExitCode } from "./command-io.ts";

/** Ends a command: one sentence for standard error, and the exit code. */
export class Stop extends Error {
  readonly code: Exclude<ExitCode, 0>;

  constructor(code: Exclude<ExitCode, 0>, sentence: string) {
    super(sentence);
    this.name = "Stop";
    this.code = code;
  }
}

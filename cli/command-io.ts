/** How a command ends: 0 good, 1 a negative answer, 2 wrong use (house rules, 6). */
export type ExitCode = 0 | 1 | 2;

/** Everything of the machine that a command may use, handed in by the composition root. */
export interface CommandIo {
  /** Standard output. */
  write(text: string): void;
  /** Standard error. */
  writeError(text: string): void;
  /** The bytes of a file, `-` being standard input. Rejects with an error that carries Node's `code`. */
  readFile(path: string): Promise<Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fetch: typeof globalThis.fetch;
  now(): Date;
}

/** What a command's file gets to add its command: the machine, and where to say how it ended. */
export interface CommandContext {
  readonly io: CommandIo;
  end(code: ExitCode): void;
}

/** A setting of the environment; an empty one counts as not set. */
export function setting(io: CommandIo, name: string): string | undefined {
  const value = io.env[name]?.trim();
  return value === "" ? undefined : value;
}

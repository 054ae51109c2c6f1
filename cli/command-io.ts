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
  /** The same piece by piece; the error comes with the first piece. */
  openFile(path: string): AsyncIterable<Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fetch: typeof globalThis.fetch;
  /** An access token of whoever is signed in to the Azure CLI. Rejects with a sentence of what is missing. */
  azureToken(tenant: string, scope: string): Promise<string>;
  now(): Date;
  /** Asks the person at the terminal and gives the answer as typed; null where nobody sits at one. */
  readonly ask: ((question: string) => Promise<string>) | null;
  wait(ms: number): Promise<void>;
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

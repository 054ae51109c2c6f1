import { runCommand } from "../../cli/run-command.ts";

/** What one run of the command left on the terminal. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Standard output as lines of JSON. */
  json(): unknown[];
}

/** The machine on which a command runs; what is absent does not exist. */
export interface Machine {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly fetch?: typeof globalThis.fetch;
  readonly now?: string;
  /** What the Azure CLI of the machine gives; nobody is signed in where it is absent. */
  readonly azureToken?: (tenant: string, scope: string) => Promise<string>;
  /** What the person at the terminal answers; nobody sits there where it is absent. */
  readonly ask?: (question: string) => string;
  /** Told of each wait, which takes no time. */
  readonly waited?: (ms: number) => void;
}

/** Odd, so that lines and characters are cut anywhere. */
const PIECE = 4_093;

/** Runs a command line in this process and captures what it prints. */
export async function reflex(argv: readonly string[], machine: Machine = {}): Promise<Ran> {
  const read = (path: string): Uint8Array => {
    const content = Object.hasOwn(files, path) ? files[path] : undefined;
    if (content === undefined) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
    return typeof content === "string" ? new TextEncoder().encode(content) : content;
  };
  const { files = {}, env = {}, fetch = globalThis.fetch, now = "2026-03-02T08:00:00Z" } = machine;
  let out = "";
  let err = "";
  const code = await runCommand(argv, {
    write: (text) => {
      out += text;
    },
    writeError: (text) => {
      err += text;
    },
    readFile: async (path) => read(path),
    openFile: async function* (path) {
      const bytes = read(path);
      for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
    },
    env,
    fetch,
    azureToken:
      machine.azureToken ?? (() => Promise.reject(new Error("Please run 'az login' from a command prompt"))),
    now: () => new Date(now),
    ask: machine.ask === undefined ? null : async (question) => machine.ask?.(question) ?? "",
    wait: async (ms) => machine.waited?.(ms),
  });
  return {
    code,
    out,
    err,
    json: () =>
      out
        .trimEnd()
        .split("\n")
        .map((line): unknown => JSON.parse(line)),
  };
}

/** Texts of an attacker: escapes of terminals, directions, line ends, things that cannot be seen. */
export const HOSTILE =
  "a\u001b[31m\u009b2J\u202eexe\u2066\u200b\r\nid  forged\u2028\u{e0041}\u0007\u0000\ud800z";

/** Everything in a text that a terminal would obey or hide, but for line ends. */
export function unsafeIn(text: string): string[] {
  return text.match(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu) ?? [];
}

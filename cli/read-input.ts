import type { CommandIo } from "./command-io.ts";
import { errorCode, errorWords } from "./error-words.ts";
import { Stop } from "./stop.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a directory",
  EACCES: "you may not read it",
};

/** The bytes of a file that a person named, `-` being standard input. Raises `Stop` with exit code 2 and the reason. */
export async function readInput(io: CommandIo, path: string): Promise<Uint8Array> {
  try {
    return await io.readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The bytes of a file piece by piece, for files that are larger than memory; otherwise as `readInput`. */
export async function* openInput(io: Pick<CommandIo, "openFile">, path: string): AsyncGenerator<Uint8Array> {
  const chunks = io.openFile(path)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        throw unreadable(path, error);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}

function unreadable(path: string, error: unknown): Stop {
  const code = errorCode(error);
  const reason = code === null ? undefined : REASONS[code];
  return new Stop(2, `${inputName(path)} cannot be read: ${reason ?? code ?? errorWords(error)}`);
}

/** A file as it is named in sentences. */
export function inputName(path: string): string {
  return path === "-" ? "standard input" : path;
}

/** The files that a person named. Raises `Stop` where standard input, which can be read once, is named twice. */
export function namedInputs(paths: readonly string[]): readonly string[] {
  if (paths.filter((path) => path === "-").length > 1)
    throw new Stop(2, "standard input (-) can be read only once; name it once");
  return paths;
}

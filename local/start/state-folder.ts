import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** The folder in which a local system keeps everything; nobody else on this machine may read it. */
export interface StateFolder {
  readonly path: string;
  /** Writes a file whole or not at all. */
  write(name: string, text: string): void;
  /** The text of a file, or null. */
  read(name: string): string | null;
  remove(name: string): void;
  /** Makes a folder inside. */
  folder(name: string): StateFolder;
}

/** The folder is held by another system; the message says by which process. */
export class FolderTaken extends Error {}

const LOCK = "process-id";

/** Opens the folder for this process alone, making it where it is missing. Raises `FolderTaken`. */
export function takeStateFolder(path: string): StateFolder {
  const folder = openFolder(path);
  const holder = Number(folder.read(LOCK) ?? "");
  if (holder > 0 && holder !== process.pid && isAlive(holder)) {
    throw new FolderTaken(
      `${path} is in use by process ${holder}: end that one, or give another folder with --state.`,
    );
  }
  folder.write(LOCK, String(process.pid));
  return folder;
}

/** Lets another process have the folder. */
export function releaseStateFolder(folder: StateFolder): void {
  folder.remove(LOCK);
}

function openFolder(path: string): StateFolder {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o700);
  return {
    path,
    write(name, text) {
      const file = join(path, name);
      writeFileSync(`${file}.new`, text, { mode: 0o600 });
      renameSync(`${file}.new`, file);
    },
    read(name) {
      try {
        return readFileSync(join(path, name), "utf8");
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
        throw error;
      }
    },
    remove: (name) => rmSync(join(path, name), { force: true }),
    folder: (name) => openFolder(join(path, name)),
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and somebody else's.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Checkpoints } from "./event-hub-source.ts";

async function readAll(file: string): Promise<Record<string, number>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw error;
  }
  const document: unknown = JSON.parse(text);
  const checkpoints: Record<string, number> = {};
  if (typeof document !== "object" || document === null)
    throw new Error(`${file} holds no checkpoints: delete it.`);
  for (const [partition, next] of Object.entries(document)) {
    if (typeof next !== "number") throw new Error(`${file} holds no checkpoints: delete it.`);
    checkpoints[partition] = next;
  }
  return checkpoints;
}

/**
 * Checkpoints of one hub and consumer group in one JSON file (partition -> next sequence number).
 * Each save replaces the file by a rename, so that a process killed at any moment leaves a whole file.
 */
export function createFileCheckpoints(file: string): Checkpoints {
  let known: Promise<Record<string, number>> | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function write(partition: string, nextSequence: number): Promise<void> {
    known ??= readAll(file);
    const checkpoints = await known;
    checkpoints[partition] = nextSequence;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.new`, JSON.stringify(checkpoints));
    await rename(`${file}.new`, file);
  }

  return {
    async load(partition) {
      known ??= readAll(file);
      return (await known)[partition];
    },
    save(partition, nextSequence) {
      // Partitions save at the same time, the file is one: one write after another.
      const done = writing.then(() => write(partition, nextSequence));
      writing = done.catch(() => undefined);
      return done;
    },
  };
}

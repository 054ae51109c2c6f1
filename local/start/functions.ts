import { createWriteStream } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { type HostProcess, type HostProcessOptions, startHostProcess } from "../functions-host/index.ts";

const batchSchema = z.object({
  event: z.literal("batch"),
  facts: z.object({
    recorded: z.number(),
    joined: z.number(),
    parked: z.number(),
    unmatched: z.number(),
  }),
});
const logSchema = z.object({
  level: z.string(),
  event: z.string(),
  facts: z.record(z.string(), z.unknown()),
});

/** What became of the records of one batch. */
export type BatchCounts = z.infer<typeof batchSchema>["facts"];

/** What a local system does with the process of its functions. */
export interface FunctionsOptions extends Omit<HostProcessOptions, "onLine"> {
  /** Gets every line that the functions print. */
  readonly logFile: string;
  onBatch(counts: BatchCounts): void;
  /** Gets what an operator should see: warnings, errors, and that the process ended. */
  onTrouble(sentence: string): void;
}

/** The functions in their own process, which is started again when it ends by itself. */
export interface LocalFunctions {
  readonly url: string;
  /** Of the present process. */
  readonly pid: number;
  stop(): Promise<void>;
}

const PAUSE_MS = 1_000;

/** Starts the functions. Raises an error with their last lines when they end before they are ready. */
export async function startFunctions(options: FunctionsOptions): Promise<LocalFunctions> {
  const { logFile, onBatch, onTrouble, ...host } = options;
  const log = createWriteStream(logFile);
  const onLine = (line: string): void => {
    log.write(`${line}\n`);
    const counts = batchSchema.safeParse(documentOf(line)).data?.facts;
    if (counts !== undefined) onBatch(counts);
    const trouble = troubleIn(line);
    if (trouble !== null) onTrouble(trouble);
  };
  let process: HostProcess = await startHostProcess({ ...host, onLine });
  const { url } = process;
  let stopping = false;
  const keepUp = async (): Promise<void> => {
    for (;;) {
      const { code, signal } = await process.ended;
      if (stopping) return;
      onTrouble(`The functions have ended (${signal ?? `exit ${code}`}) and are started again.`);
      await delay(PAUSE_MS);
      if (stopping) return;
      process = await startHostProcess({ ...host, port: Number(new URL(url).port), onLine });
      if (stopping) await process.stop();
    }
  };
  const kept = keepUp().catch((error: unknown) => {
    onTrouble(`The functions cannot be started again: ${error instanceof Error ? error.message : error}`);
  });
  return {
    url,
    get pid() {
      return process.pid;
    },
    async stop() {
      stopping = true;
      await process.stop();
      await kept;
      await new Promise<void>((resolve) => log.end(resolve));
    },
  };
}

function documentOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** What a line says that an operator should see; null for the rest, which is in the log file. */
function troubleIn(line: string): string | null {
  const entry = logSchema.safeParse(documentOf(line)).data;
  if (entry !== undefined) {
    return entry.level === "info" ? null : `${entry.level}: ${entry.event} ${JSON.stringify(entry.facts)}`;
  }
  return /^\[(warning|error|critical)\]/.test(line) ? line : null;
}

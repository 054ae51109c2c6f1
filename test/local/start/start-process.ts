import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { z } from "zod";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const addressSchema = z.strictObject({
  url: z.string(),
  key: z.string().min(32),
  token: z.url(),
  events: z.string(),
  hub: z.string(),
});

/** Builds the app where nobody has yet. */
export function buildApp(): void {
  if (!existsSync(join(root, "dist/main.js")))
    execFileSync(process.execPath, ["build/bundle.ts"], { cwd: root });
}

/** A folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "reflex-start-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A copy of the shipped samples with only the payloads whose names begin with one of these. */
export async function samplesOnly(...beginnings: readonly string[]): Promise<string> {
  const folder = await temporaryFolder();
  await cp(join(root, "local/samples"), folder, { recursive: true });
  for (const name of await readdir(join(folder, "events"))) {
    if (!beginnings.some((beginning) => name.startsWith(beginning))) await rm(join(folder, "events", name));
  }
  return folder;
}

/** `npm start` without npm. */
export interface Started {
  readonly pid: number;
  /** What it has printed so far, errors included. */
  printed(): string;
  /** Waits until it has printed this. */
  says(words: string | RegExp): Promise<void>;
  /** Processes that it has started and that live. */
  children(): number[];
  /** What it tells the `reflex` command. */
  address(state: string): z.infer<typeof addressSchema>;
  signal(name: NodeJS.Signals): void;
  /** Its exit code; null when it ended by a signal. */
  ended(): Promise<number | null>;
}

/** Starts it with these arguments; it does not outlive the test. */
export function start(...args: readonly string[]): Started {
  const child: ChildProcess = spawn(process.execPath, [join(root, "local/start.ts"), ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "" },
  });
  const exit = once(child, "exit");
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
    });
  }
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await exit;
  });
  const pid = child.pid ?? 0;
  return {
    pid,
    printed: () => text,
    says: (words) => soon(() => expect(text).toMatch(words), 40_000),
    children: () => livingChildren(pid),
    address(state) {
      const file = join(state, "local.json");
      expect(statSync(file).mode & 0o777).toBe(0o600);
      return addressSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    },
    signal: (name) => void child.kill(name),
    async ended() {
      await exit;
      return child.exitCode;
    },
  };
}

/** Repeats a check until it holds; fails with its last failure. */
export async function soon(check: () => void | Promise<void>, limitMs = 15_000): Promise<void> {
  await expect
    .poll(
      async () => {
        await check();
        return true;
      },
      { timeout: limitMs, interval: 100 },
    )
    .toBe(true);
}

/** Whether a process is there. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function livingChildren(pid: number): number[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
  return table.split("\n").flatMap((line) => {
    const [child, parent] = line.trim().split(/\s+/).map(Number);
    return parent === pid && child !== undefined && lives(child) ? [child] : [];
  });
}

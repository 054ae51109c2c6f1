import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { HostProcessSettings } from "./process-settings.ts";

/** How to start an app in its own process. */
export interface HostProcessOptions extends HostProcessSettings {
  /** App settings of the app; only PATH is passed on besides. */
  readonly env: Readonly<Record<string, string>>;
  /** Gets each line of the child's output that is not the ready line. */
  onLine?(line: string): void;
}

/** How a process ended: by itself with a code, or by a signal. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** An app that runs in its own process. */
export interface HostProcess {
  readonly url: string;
  readonly pid: number;
  /** Resolves when the process is gone, for whatever reason. */
  readonly ended: Promise<ProcessEnd>;
  /** SIGTERM; running invocations have their ten seconds. */
  stop(): Promise<ProcessEnd>;
  /** SIGKILL: what was running is lost in the middle. */
  kill(): Promise<ProcessEnd>;
}

function readyUrl(line: string): string | undefined {
  if (!line.startsWith('{"ready":true')) return undefined;
  const document: unknown = JSON.parse(line);
  if (typeof document !== "object" || document === null || !("url" in document)) return undefined;
  return typeof document.url === "string" ? document.url : undefined;
}

function readLines(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on("line", onLine);
}

async function waitForEnd(child: ChildProcess): Promise<ProcessEnd> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return { code: child.exitCode, signal: child.signalCode };
}

/**
 * Starts the functions host with an app as a child process, so that the app can be killed while the stand-ins
 * live on. Rejects with the child's last lines when it ends before it is ready.
 */
export async function startHostProcess(options: HostProcessOptions): Promise<HostProcess> {
  const { env, onLine, ...settings } = options;
  const main = fileURLToPath(new URL("./main.ts", import.meta.url));
  const child = spawn(process.execPath, [main, JSON.stringify(settings)], {
    // The channel tells the child when this process dies.
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });
  const ended = waitForEnd(child);
  const lines: string[] = [];
  const url = await new Promise<string>((ready, failed) => {
    const take = (line: string) => {
      lines.push(line);
      if (lines.length > 20) lines.shift();
      onLine?.(line);
    };
    readLines(child.stderr, take);
    readLines(child.stdout, (line) => {
      const found = readyUrl(line);
      if (found === undefined) take(line);
      else ready(found);
    });
    child.once("error", failed);
    child.once("close", () =>
      failed(new Error(`The functions host ended before it was ready.\n${lines.join("\n")}`)),
    );
  });
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  return { url, pid: child.pid ?? 0, ended, stop: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}

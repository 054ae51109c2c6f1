import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import process from "node:process";
import { createInterface } from "node:readline";

/** How to start the storage emulator. */
export interface AzuriteOptions {
  /** Keeps the data in this folder; in memory when left out. */
  readonly directory?: string;
  /** Ports to take again after a restart; 0, the default, takes a free one. */
  readonly tablePort?: number;
  readonly blobPort?: number;
}

/** A running storage emulator with one account. */
export interface Azurite {
  /** For tables and blobs; the table client also wants `allowInsecureConnection`. */
  readonly connectionString: string;
  readonly tableUrl: string;
  readonly blobUrl: string;
  readonly account: string;
  readonly accountKey: string;
  readonly tablePort: number;
  readonly blobPort: number;
  /** Called when it ends without being asked to: whoever needs it cannot go on. */
  onLost: () => void;
  /** SIGTERM, so that what was written last reaches the disk, and SIGKILL when that takes too long; resolves when it is gone. */
  stop(): Promise<void>;
}

const require = createRequire(import.meta.url);

const ACCOUNT = "reflexlocal";
/** No secret: it opens only this emulator, on this machine. */
const ACCOUNT_KEY = Buffer.from("the storage emulator of a local defender-reflex").toString("base64");
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 8_000;
const LISTENING =
  /^Azurite (Blob|Queue|Table) service (?:is )?successfully listen(?:s|ing) (?:on|at) https?:\/\/[^:]+:(\d+)/;

/** Loaded before the emulator: ends it in its orderly way when the channel to its parent closes. */
const END_WITH_PARENT = `data:text/javascript,${encodeURIComponent(
  'process.on("disconnect", () => process.kill(process.pid, "SIGTERM")); process.channel?.unref();',
)}`;

type Service = "Blob" | "Queue" | "Table";

/** Collects the ports that the emulator prints; rejects when it ends or says nothing for too long. */
function readPorts(child: ChildProcess): Promise<ReadonlyMap<string, number>> {
  const ports = new Map<string, number>();
  const said: string[] = [];
  return new Promise((ready, failed) => {
    const late = setTimeout(
      () => failed(new Error(`Azurite is not ready yet.\n${said.join("\n")}`)),
      START_LIMIT_MS,
    );
    const take = (line: string) => {
      said.push(line);
      if (said.length > 20) said.shift();
      const [, service, port] = LISTENING.exec(line) ?? [];
      if (service === undefined) return;
      ports.set(service, Number(port));
      if (ports.size === 3) {
        clearTimeout(late);
        ready(ports);
      }
    };
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on("line", take);
    }
    child.once("close", () => {
      clearTimeout(late);
      failed(new Error(`Azurite ended before it was ready.\n${said.join("\n")}`));
    });
    child.once("error", failed);
  });
}

function portOf(ports: ReadonlyMap<string, number>, service: Service): number {
  const port = ports.get(service);
  if (port === undefined) throw new Error(`Azurite named no port of its ${service} service.`);
  return port;
}

/**
 * Starts Azurite as a child process on 127.0.0.1 and waits until its services listen.
 * Rejects with its last lines when it ends or is not ready within a minute.
 */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  const entry = require.resolve("azurite/dist/src/azurite.js");
  const place =
    options.directory === undefined ? ["--inMemoryPersistence"] : ["--location", options.directory];
  const ports = [
    "--blobPort",
    options.blobPort ?? 0,
    "--tablePort",
    options.tablePort ?? 0,
    "--queuePort",
    0,
  ];
  const flags = ["--silent", "--skipApiVersionCheck", "--disableTelemetry", ...place, ...ports.map(String)];
  const child = spawn(process.execPath, ["--import", END_WITH_PARENT, entry, ...flags], {
    cwd: options.directory ?? tmpdir(),
    // The channel tells the child when this process dies, even by SIGKILL: two emulators on one folder spoil it.
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { PATH: process.env["PATH"] ?? "", AZURITE_ACCOUNTS: `${ACCOUNT}:${ACCOUNT_KEY}` },
  });
  const gone = once(child, "exit");
  let stopping = false;
  // Whoever forgets to stop it must not leave it behind.
  const killWithUs = () => child.kill("SIGTERM");
  process.once("exit", killWithUs);
  async function stop(): Promise<void> {
    stopping = true;
    process.off("exit", killWithUs);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      // It waits for connections that its clients keep open; what was written has reached the disk by then.
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
      await gone;
      clearTimeout(late);
    }
  }
  try {
    const listening = await readPorts(child);
    const tablePort = portOf(listening, "Table");
    const blobPort = portOf(listening, "Blob");
    const tableUrl = `http://127.0.0.1:${tablePort}/${ACCOUNT}`;
    const blobUrl = `http://127.0.0.1:${blobPort}/${ACCOUNT}`;
    const account = `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};`;
    const connectionString = `${account}TableEndpoint=${tableUrl};BlobEndpoint=${blobUrl};`;
    const access = { account: ACCOUNT, accountKey: ACCOUNT_KEY, connectionString };
    const running: Azurite = {
      ...access,
      tableUrl,
      blobUrl,
      tablePort,
      blobPort,
      onLost: () => undefined,
      stop,
    };
    child.once("exit", () => {
      if (!stopping) running.onLost();
    });
    return running;
  } catch (error) {
    await stop();
    throw error;
  }
}

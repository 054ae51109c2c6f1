// `npm start`: the whole product on this machine. What it can be told is in start/options.ts.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Batches } from "./start/batches.ts";
import { firstTimes } from "./start/first-times.ts";
import { isFree } from "./start/free-port.ts";
import { readOptions, type StartOptions, USAGE } from "./start/options.ts";
import { readSamples } from "./start/samples.ts";
import { sendSamples } from "./start/send-samples.ts";
import { FolderTaken, releaseStateFolder, type StateFolder, takeStateFolder } from "./start/state-folder.ts";
import { type LocalSystem, startSystem } from "./start/system.ts";
import { tableRow } from "./start/table.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const print = (line: string): void => console.log(line);
const fail = (line: string): void => console.error(line);

/** Resolves with the first signal that asks this process to end, or when npm, which started it, has gone. */
const ended = new Promise<string>((resolveEnded) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => resolveEnded(signal));
  }
  const parent = process.ppid;
  if (process.env["npm_lifecycle_event"] !== "start") return;
  // Ending npm by a signal ends its shell, which passes nothing on: who is left alone then ends by itself.
  setInterval(() => {
    if (process.ppid !== parent) resolveEnded("npm has ended");
  }, 500).unref();
});

let isEnding = false;
void ended.then(() => {
  isEnding = true;
});

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") {
    print(USAGE);
    return 0;
  }
  if ("fault" in options) {
    fail(options.fault);
    return 2;
  }
  if (!existsSync(join(root, "dist/main.js"))) {
    fail("The app is not built: run npm run build, or npm start, which does it.");
    return 2;
  }
  if (!(await isFree(options.port))) {
    fail(`Port ${options.port} is taken: give another with --port, such as --port ${options.port + 1}.`);
    return 2;
  }
  const path = options.once ? mkdtempSync(join(tmpdir(), "reflex-once-")) : resolve(options.state);
  const folder = takeStateFolder(path);
  try {
    return await run(options, folder);
  } finally {
    releaseStateFolder(folder);
    if (options.once) rmSync(path, { recursive: true, force: true });
  }
}

async function run(options: StartOptions, folder: StateFolder): Promise<number> {
  const samples = resolve(options.samples ?? join(root, "local/samples"));
  const payloads = options.samples === null ? [] : readSamples(samples);
  const batches = new Batches();
  const system = await startSystem(folder, {
    ...options,
    root,
    samples,
    timers: !options.once,
    onBatch: batches.take,
    onTrouble: fail,
  });
  const work = options.once ? compareAll() : stayUp();
  try {
    const code = await Promise.race([work, ended]);
    if (typeof code === "number") return code;
    print(options.once ? `Stopped: ${code}.` : "Stopping; what is known stays in the state folder.");
    return options.once ? 130 : 0;
  } finally {
    // What was under way when the signal came fails on what is ended below, and nobody waits for it.
    work.catch(() => undefined);
    await system.stop();
  }

  async function compareAll(): Promise<number> {
    const sending = { system, batches, samples: payloads, sentAt: () => new Date(), print };
    const found = await sendSamples({ ...sending, compare: true });
    if (found.length === 0) {
      print(`\nAll ${payloads.length} payloads came out as expected.`);
      return 0;
    }
    const count = found.length === 1 ? "1 difference" : `${found.length} differences`;
    fail(`\n${count} from what is expected:\n${found.map((one) => `  ${one}`).join("\n")}`);
    return 1;
  }

  async function stayUp(): Promise<string> {
    await system.observer.look(null);
    if (payloads.length > 0) {
      const sending = { system, batches, samples: payloads, sentAt: firstTimes(system.data), print };
      await sendSamples({ ...sending, compare: false });
    }
    print(welcome(system, options));
    let shown: Promise<void> = Promise.resolve();
    batches.onOther = (counts) => {
      shown = shown
        .then(async () => print(tableRow(" ", "from the hub", await system.observer.look(counts))))
        .catch((error: unknown) => fail(sentence(error)));
    };
    return ended;
  }
}

function welcome({ url, key, token, kubeconfig }: LocalSystem, { state, cluster }: StartOptions): string {
  return `
defender-reflex is up. Ctrl-C ends it; ${state} keeps what it knows.

  API          ${url}/api/remediations
  key          ${key}   (header x-functions-key)
  token        ${token}   (answers with one for the header Authorization)
  kubeconfig   ${kubeconfig}${cluster === null ? "   (the stand-in's)" : ""}

  npx reflex list
  npx reflex send local/samples/events/12-miner.json
`;
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    // Ctrl-C reaches the processes below as well, and what is only starting then fails.
    if (isEnding) process.exit(130);
    fail(sentence(error));
    process.exit(error instanceof FolderTaken ? 2 : 1);
  },
);

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { EventHubProducerClient } from "@azure/event-hubs";
import { expect, it, onTestFinished } from "vitest";
import { startEventHubs } from "../../../local/event-hubs/index.ts";
import { createFileCheckpoints, startHostProcess } from "../../../local/functions-host/index.ts";
import { buildTestApp, eventually } from "./test-app.ts";

const keys = { host: "host-key", master: "master-key" };

// The app writes what it sees to a file: memory does not outlive a killed process.
const app = `
import { appendFileSync } from "node:fs";
const write = (line) => appendFileSync(process.env.SEEN_FILE, line + "\\n");
app.eventHub("alerts", { connection: "HUB", eventHubName: "%HUB_NAME%", cardinality: "many", dataType: "binary",
  retry: { strategy: "fixedDelay", delayInterval: 0, maxRetryCount: -1 },
  handler: async (batch, context) => {
    for (const body of batch) {
      write("begin " + body.toString("hex"));
      if (String(body) === "hang") await new Promise((resume) => setTimeout(resume, 60_000));
      write("end " + body.toString("hex"));
    }
  } });
app.http("health", { methods: ["GET"], authLevel: "anonymous", handler: () => ({ body: String(process.pid) }) });
app.timer("sweep", { schedule: "0 0 0 1 1 *", handler: (timer, context) => { context.log("swept"); throw new Error("two\\nlines"); } });
`;

const hex = (text: string) => Buffer.from(text).toString("hex");

async function prepare() {
  const built = await buildTestApp(app, { extensions: { eventHubs: { maxEventBatchSize: 1 } } });
  const hubs = await startEventHubs({ hubs: { alerts: { partitions: 1 } } });
  onTestFinished(() => hubs.close());
  const seenFile = join(built.directory, "seen.txt");
  const lines: string[] = [];
  async function start() {
    const child = await startHostProcess({
      appFile: built.appFile,
      hostFile: built.hostFile,
      port: 0,
      keys,
      timers: false,
      checkpointDirectory: join(built.directory, "checkpoints"),
      env: { HUB: hubs.connectionString, HUB_NAME: "alerts", SEEN_FILE: seenFile },
      onLine: (line) => lines.push(line),
    });
    onTestFinished(async () => {
      await child.kill();
    });
    return child;
  }
  const seen = async () => (await readFile(seenFile, "utf8").catch(() => "")).split("\n").filter(Boolean);
  const checkpoint = () =>
    createFileCheckpoints(join(built.directory, "checkpoints", "alerts-_default.json")).load("0");
  return { hubs, lines, start, seen, checkpoint };
}

it("reads the hub over AMQP, loses nothing when killed in the middle, and goes on from its checkpoint", async () => {
  const { hubs, start, seen, checkpoint } = await prepare();
  const producer = new EventHubProducerClient(hubs.connectionString, "alerts");
  onTestFinished(() => producer.close());
  const first = await start();
  const raw = Buffer.from([0xff, 0x00, 0x31]);
  await producer.sendBatch([{ body: { Id: "1" } }, { body: raw }, { body: Buffer.from("hang") }]);
  const before = [`begin ${hex('{"Id":"1"}')}`, `end ${hex('{"Id":"1"}')}`, "begin ff0031", "end ff0031"];
  await eventually(async () => expect(await seen()).toEqual([...before, `begin ${hex("hang")}`]));
  expect(await checkpoint()).toBe(2);
  expect(await first.kill()).toEqual({ code: null, signal: "SIGKILL" });

  hubs.hub("alerts").append("0", Buffer.from("later"));
  const second = await start();
  // The batch that was never checkpointed comes again, what was does not, and nothing overtakes it.
  const again = [...before, `begin ${hex("hang")}`, `begin ${hex("hang")}`];
  await eventually(async () => expect(await seen()).toEqual(again));
  expect(await checkpoint()).toBe(2);
  await second.kill();
});

it("goes on after the hub cut its connection", async () => {
  const { hubs, start, seen, checkpoint } = await prepare();
  await start();
  hubs.hub("alerts").append("0", Buffer.from("a"));
  await eventually(async () => expect(await checkpoint()).toBe(1));
  hubs.faults.cutConnections();
  hubs.hub("alerts").append("0", Buffer.from("b"));
  await eventually(async () => expect(await checkpoint()).toBe(2));
  expect(await seen()).toEqual(["a", "b"].flatMap((body) => [`begin ${hex(body)}`, `end ${hex(body)}`]));
});

it("serves HTTP in the child, fires timers on request, prints each error as one line and stops on SIGTERM", async () => {
  const { lines, start } = await prepare();
  const child = await start();
  expect(await (await fetch(`${child.url}/api/health`)).text()).toBe(String(child.pid));
  expect((await fetch(`${child.url}/_host/tick/sweep`, { method: "POST" })).status).toBe(500);
  await eventually(() =>
    expect(lines).toEqual([
      "[information] sweep: swept",
      "[error] host: sweep failed, attempt 1: two | lines",
    ]),
  );
  expect(await child.stop()).toEqual({ code: 0, signal: null });
});

it("stops on SIGTERM also when the hub is gone", async () => {
  const { hubs, start } = await prepare();
  const child = await start();
  await hubs.close();
  expect(await child.stop()).toEqual({ code: 0, signal: null });
});

it("ends when the process that started it is killed", async () => {
  const built = await buildTestApp(`app.http("health", { methods: ["GET"], handler: () => ({}) });`);
  const { directory: checkpointDirectory, appFile, hostFile } = built;
  const options = { appFile, hostFile, checkpointDirectory, port: 0, keys, timers: false, env: {} };
  const index = new URL("../../../local/functions-host/index.ts", import.meta.url).href;
  const script = `import { startHostProcess } from "${index}";
    const child = await startHostProcess(${JSON.stringify(options)});
    console.log(child.pid);`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output]: unknown[] = await once(parent.stdout, "data");
  const pid = Number(String(output));
  expect(process.kill(pid, 0)).toBe(true);
  parent.kill("SIGKILL");
  await eventually(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"));
});

it("tells why it did not start", async () => {
  const built = await buildTestApp(app);
  const settings = { ...built, port: 0, keys, timers: false, checkpointDirectory: built.directory };
  await expect(startHostProcess({ ...settings, env: { HUB_NAME: "alerts" } })).rejects.toThrow(
    'The app setting "HUB" is missing',
  );
  await expect(startHostProcess({ ...settings, appFile: "/nowhere/main.js", env: {} })).rejects.toThrow(
    "main.js",
  );
});

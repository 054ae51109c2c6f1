import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Checkpoints, EventHubSource, HostLog } from "../../../local/functions-host/index.ts";
import { createFileCheckpoints, startFunctionsHost } from "../../../local/functions-host/index.ts";
import { createMemoryCheckpoints, createMemorySource } from "./memory-source.ts";
import { buildTestApp, eventually, seenByApp, temporaryDirectory } from "./test-app.ts";

const binary = (handler: string, retry = "") => `
app.eventHub("alerts", { connection: "HUB", eventHubName: "%HUB_NAME%", cardinality: "many", dataType: "binary", ${retry}
  handler: ${handler} });`;

interface Started {
  readonly source: EventHubSource;
  readonly checkpoints: Checkpoints;
  readonly hostJson?: object;
  readonly graceMs?: number;
}

async function start(code: string, { source, checkpoints, hostJson, graceMs = 10_000 }: Started) {
  const logs: HostLog[] = [];
  const host = await startFunctionsHost({
    ...(await buildTestApp(code, hostJson)),
    keys: { host: "h", master: "m" },
    settings: { HUB_NAME: "alerts-hub" },
    graceMs,
    connect: async () => ({ source, checkpoints }),
    onLog: (log) => logs.push(log),
  });
  onTestFinished(async () => {
    await host.stop();
  });
  return { host, logs, errors: () => logs.filter((log) => log.level === "error").map((log) => log.message) };
}

it("hands over a batch as exact bytes, in batches of the size of host.json, with metadata in step", async () => {
  const seen = seenByApp();
  const source = createMemorySource(1);
  const checkpoints = createMemoryCheckpoints();
  const bytes = Buffer.from([0xff, 0x00, 0x7b]);
  source.append("0", '{"Id": "1"}', "123", bytes);
  await start(binary("(batch, context) => { seen.push([batch, context.triggerMetadata]); }"), {
    source,
    checkpoints,
    hostJson: { extensions: { eventHubs: { maxEventBatchSize: 2 } } },
  });
  await eventually(() =>
    expect(checkpoints.saved).toEqual([
      ["0", 2],
      ["0", 3],
    ]),
  );
  expect(seen).toMatchObject([
    [
      [Buffer.from('{"Id": "1"}'), Buffer.from("123")],
      {
        partitionContext: { eventHubName: "alerts-hub", consumerGroup: "$Default", partitionId: "0" },
        sequenceNumberArray: [0, 1],
        offsetArray: ["0", "128"],
        partitionKeyArray: ["key", "key"],
        enqueuedTimeUtcArray: ["2026-03-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"],
        propertiesArray: [{ origin: "test" }, { origin: "test" }],
        systemPropertiesArray: [{ sequenceNumber: 0 }, { sequenceNumber: 1 }],
      },
    ],
    [[bytes], { sequenceNumberArray: [2] }],
  ]);
});

it("parses bodies of a text batch, one by one for cardinality one", async () => {
  const seen = seenByApp();
  const source = createMemorySource(1);
  const checkpoints = createMemoryCheckpoints();
  source.append("0", '{"Id":1}', "not json");
  await start(
    `app.eventHub("many", { connection: "HUB", eventHubName: "e", cardinality: "many", handler: (batch) => { seen.push(batch); } });
     app.eventHub("one", { connection: "HUB", eventHubName: "e", handler: (event, context) => { seen.push(event, context.triggerMetadata.sequenceNumber); } });`,
    { source, checkpoints },
  );
  await eventually(() =>
    expect(checkpoints.saved).toEqual([
      ["0", 2],
      ["0", 2],
    ]),
  );
  expect(seen).toHaveLength(5);
  expect(seen).toEqual(expect.arrayContaining([[{ Id: 1 }, "not json"], { Id: 1 }, 0, "not json", 1]));
});

it("repeats a failing batch by its policy, then passes over it, and other partitions go on meanwhile", async () => {
  const seen = seenByApp();
  const source = createMemorySource(2);
  const checkpoints = createMemoryCheckpoints();
  const retry = `retry: { strategy: "fixedDelay", delayInterval: 0, maxRetryCount: 2 },`;
  source.append("0", "bad");
  const { errors } = await start(
    binary(
      `([body], context) => { seen.push([String(body), context.retryContext?.retryCount, context.retryContext?.exception?.message]);
         if (String(body) === "bad") throw new Error("refused"); }`,
      retry,
    ),
    { source, checkpoints },
  );
  await eventually(() => expect(checkpoints.saved).toEqual([["0", 1]]));
  expect(seen).toEqual([
    ["bad", undefined, undefined],
    ["bad", 1, "refused"],
    ["bad", 2, "refused"],
  ]);
  expect(errors()).toHaveLength(3);
  expect(errors()[2]).toBe("alerts failed on partition 0, attempt 3: refused");
  source.append("0", "good");
  source.append("1", "good");
  await eventually(() => expect(checkpoints.saved).toHaveLength(3));
  expect(seen.slice(3)).toEqual(Array(2).fill(["good", undefined, undefined]));
});

it("without a policy passes over a failed batch at once", async () => {
  const source = createMemorySource(1);
  const checkpoints = createMemoryCheckpoints();
  source.append("0", "bad");
  const { errors } = await start(binary(`() => { throw new Error("refused"); }`), { source, checkpoints });
  await eventually(() => expect(checkpoints.saved).toEqual([["0", 1]]));
  expect(errors()).toHaveLength(1);
});

it("retries without end while the cause lasts: the partition stands still, the other one does not", async () => {
  const seen = seenByApp();
  Reflect.set(globalThis, "storeIsDown", true);
  onTestFinished(() => void Reflect.deleteProperty(globalThis, "storeIsDown"));
  const source = createMemorySource(2);
  const checkpoints = createMemoryCheckpoints();
  const retry = `retry: { strategy: "exponentialBackoff", minimumInterval: 0, maximumInterval: 1000, maxRetryCount: -1 },`;
  await start(
    binary(
      `([body]) => { seen.push(String(body)); if (globalThis.storeIsDown && String(body) === "first") throw new Error("down"); }`,
      retry,
    ),
    { source, checkpoints, hostJson: { extensions: { eventHubs: { maxEventBatchSize: 1 } } } },
  );
  source.append("0", "first", "second");
  source.append("1", "other");
  await eventually(() => expect(seen.filter((body) => body === "first").length).toBeGreaterThan(20));
  expect(seen).toContain("other");
  expect(seen).not.toContain("second");
  expect(checkpoints.saved).toEqual([["1", 1]]);
  Reflect.set(globalThis, "storeIsDown", false);
  await eventually(() =>
    expect(checkpoints.saved).toEqual([
      ["1", 1],
      ["0", 1],
      ["0", 2],
    ]),
  );
  expect(seen.at(-1)).toBe("second");
});

it("goes on from the checkpoint file after a restart", async () => {
  const seen = seenByApp();
  const source = createMemorySource(2);
  const file = join(await temporaryDirectory(), "deep", "checkpoints.json");
  const code = binary("(batch) => { for (const body of batch) seen.push(String(body)); }");
  source.append("0", "a", "b");
  source.append("1", "c");
  const first = await start(code, { source, checkpoints: createFileCheckpoints(file) });
  await eventually(async () => {
    const kept = createFileCheckpoints(file);
    expect([await kept.load("0"), await kept.load("1")]).toEqual([2, 1]);
  });
  await first.host.stop();
  source.append("0", "d");
  await start(code, { source, checkpoints: createFileCheckpoints(file) });
  await eventually(() => expect(seen.toSorted()).toEqual(["a", "b", "c", "d"]));
});

it("on stop lets the running invocation end but does not checkpoint it, so it comes again", async () => {
  const seen = seenByApp();
  const source = createMemorySource(1);
  const checkpoints = createMemoryCheckpoints();
  const code = binary(
    `async () => { seen.push("begun"); await new Promise((go) => { globalThis.goOn = go; }); seen.push("ended"); }`,
  );
  source.append("0", "a");
  const { host } = await start(code, { source, checkpoints });
  await eventually(() => expect(seen).toEqual(["begun"]));
  const stopping = host.stop();
  const goOn: unknown = Reflect.get(globalThis, "goOn");
  if (typeof goOn === "function") goOn();
  expect(await stopping).toBe(true);
  expect(seen).toEqual(["begun", "ended"]);
  expect(checkpoints.saved).toEqual([]);
});

it("on stop gives up an invocation that does not end in time, and a retry that waits", async () => {
  const source = createMemorySource(1);
  source.append("0", "a");
  const seen = seenByApp();
  const hanging = await start(binary(`() => { seen.push(1); return new Promise(() => {}); }`), {
    source,
    checkpoints: createMemoryCheckpoints(),
    graceMs: 50,
  });
  await eventually(() => expect(seen).toEqual([1]));
  expect(await hanging.host.stop()).toBe(false);
  const waiting = await start(
    binary(
      `() => { throw new Error("down"); }`,
      `retry: { strategy: "fixedDelay", delayInterval: { minutes: 5 }, maxRetryCount: -1 },`,
    ),
    { source, checkpoints: createMemoryCheckpoints() },
  );
  await eventually(() => expect(waiting.errors()).toHaveLength(1));
  expect(await waiting.host.stop()).toBe(true);
});

it("says so and asks again when the hub cannot be read or a checkpoint cannot be written", async () => {
  const seen = seenByApp();
  const source = createMemorySource(1);
  source.append("0", "a");
  let failures = 1;
  const flaky: EventHubSource = {
    ...source,
    read(...where) {
      failures -= 1;
      if (failures >= 0) throw new Error("link lost");
      return source.read(...where);
    },
  };
  const full: Checkpoints = {
    load: async () => undefined,
    save: async () => Promise.reject(new Error("disk full")),
  };
  const { errors } = await start(binary("() => { seen.push(1); }"), { source: flaky, checkpoints: full });
  await eventually(() => expect(errors()).toHaveLength(2));
  expect(errors()).toEqual([
    "Partition 0 cannot be read: link lost",
    "Checkpoint of partition 0 cannot be written: disk full",
  ]);
  expect(seen).toEqual([1]);
});

import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EventHubsStandIn, startEventHubs } from "../../local/event-hubs/index.ts";
import { reflex } from "./terminal.ts";

let hubs: EventHubsStandIn;
beforeAll(async () => {
  const names = ["whole", "split", "local", "large", "many", "untouched"];
  hubs = await startEventHubs({ hubs: Object.fromEntries(names.map((name) => [name, { partitions: 1 }])) });
});
afterAll(() => hubs.close());

const bodies = (hub: string) =>
  hubs
    .hub(hub)
    .read("0", 0, 1000)
    .map(({ body }) => body.toString());
const env = (hub: string) => ({ REFLEX_EVENTS: hubs.connectionString, REFLEX_EVENTS_HUB: hub });

describe("reflex send", () => {
  it("sends each file as it is as one event, also lists and NDJSON", async () => {
    const files = { list: '[{"a": 1},\n {"b": 2}]\n', lines: '{"c":3}\r\n{"d":4}\n', "-": " not json " };
    const { code, out, err } = await reflex(["send", "list", "lines", "-"], { files, env: env("whole") });
    expect({ code, out, err }).toEqual({ code: 0, out: "Sent 3 events to the hub whole.\n", err: "" });
    expect(bodies("whole")).toEqual(Object.values(files));
  });

  it("sends one event per record with --split", async () => {
    const files = {
      list: '[{"a": 1}, "{\\"b\\": 2}"]',
      wrapped: '{"records":[{"c":3}]}',
      lines: '{"d": 4}\n\n{ broken\r\n{"e": 5}\n',
      one: '{\n  "f": 6\n}',
    };
    const { code, json } = await reflex(["send", "--split", "--json", ...Object.keys(files)], {
      files,
      env: env("split"),
    });
    expect(code).toBe(0);
    expect(json()).toEqual([{ sent: 7, hub: "split" }]);
    expect(bodies("split")).toEqual([
      '{"a":1}',
      '{"b": 2}',
      '{"c":3}',
      '{"d": 4}',
      "{ broken",
      '{"e": 5}',
      files.one,
    ]);
  });

  it("falls back to the hub of a local start", async () => {
    const start = { url: "http://localhost:7071/", key: "k", token: "http://127.0.0.1:1/token" };
    const file = { ...start, events: hubs.connectionString, hub: "local" };
    const files = { a: "{}", ".reflex/local.json": JSON.stringify(file) };
    const { code, out } = await reflex(["send", "a"], { files });
    expect({ code, out }).toEqual({ code: 0, out: "Sent 1 event to the hub local.\n" });
    expect(bodies("local")).toEqual(["{}"]);
  });

  it("finds the name of the hub in a connection string that names it", async () => {
    const connection = `${hubs.connectionString}EntityPath=local`;
    const { out } = await reflex(["send", "a"], { files: { a: "[]" }, env: { REFLEX_EVENTS: connection } });
    expect(out).toBe("Sent 1 event to the hub local.\n");
  });

  it("sends more than fits into one delivery, in order", async () => {
    const records = Array.from({ length: 30 }, (_none, index) => ({ index, pad: "x".repeat(100_000) }));
    const files = { export: JSON.stringify(records) };
    const { code, out } = await reflex(["send", "--split", "export"], { files, env: env("many") });
    expect({ code, out }).toEqual({ code: 0, out: "Sent 30 events to the hub many.\n" });
    expect(bodies("many").map((body) => JSON.parse(body).index)).toEqual(records.map(({ index }) => index));
  });

  it("sends nothing at all where one file is larger than the hub takes", async () => {
    const files = { small: "{}", huge: JSON.stringify([{ pad: "x".repeat(1_100_000) }]) };
    const { code, out, err } = await reflex(["send", "small", "huge"], { files, env: env("large") });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(
      /^reflex: huge holds an event of 11\d{5} bytes, more than the hub takes \(1048576\); use --split/,
    );
    expect(bodies("large")).toEqual([]);
  });

  it.each<[string, string[], Record<string, string>, RegExp]>([
    ["no hub", ["send", "a"], {}, /no hub to send to: set REFLEX_EVENTS .* or run `npm start`/],
    [
      "no name of a hub",
      ["send", "a"],
      { REFLEX_EVENTS: "Endpoint=sb://x/;SharedAccessKey=secret" },
      /set REFLEX_EVENTS_HUB/,
    ],
    [
      "no connection string",
      ["send", "a"],
      { REFLEX_EVENTS: "secret", REFLEX_EVENTS_HUB: "h" },
      /no connection string/,
    ],
    [
      "two names of hubs",
      ["send", "a"],
      {
        REFLEX_EVENTS: "Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=secret;EntityPath=a",
        REFLEX_EVENTS_HUB: "b",
      },
      /names another hub/,
    ],
    ["an empty file", ["send", "empty"], {}, /empty is empty; nothing was sent/],
    ["a missing file", ["send", "a", "missing"], {}, /missing cannot be read/],
  ])("answers 2 and sends nothing: %s", async (_name, argv, settings, sentence) => {
    const { code, out, err } = await reflex(argv, { files: { a: "{}", empty: "" }, env: settings });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(sentence);
    expect(err).not.toContain("secret");
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });

  it("answers 1 for a hub that does not exist, and says that nothing was sent", async () => {
    const { code, out, err } = await reflex(["send", "a"], { files: { a: "{}" }, env: env("nowhere") });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(
      /^reflex: the hub nowhere at 127\.0\.0\.1:?\d* did not take the events \(.*\); nothing was sent\.\n$/,
    );
  });

  it("answers 1 for a namespace that nobody serves", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    await new Promise((resolve) => server.close(resolve));
    const connection = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=n;SharedAccessKey=secret;UseDevelopmentEmulator=true;`;
    const settings = { REFLEX_EVENTS: connection, REFLEX_EVENTS_HUB: "alerts" };
    const { code, err } = await reflex(["send", "a"], { files: { a: "{}" }, env: settings });
    expect(code).toBe(1);
    expect(err).toMatch(/ECONNREFUSED/);
    expect(err).not.toContain("secret");
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });
});

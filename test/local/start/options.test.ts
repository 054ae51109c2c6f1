import { createServer } from "node:net";
import process from "node:process";
import { describe, expect, it, onTestFinished } from "vitest";
import { readOptions } from "../../../local/start/options.ts";
import { readSamples, withTimes } from "../../../local/start/samples.ts";
import { releaseStateFolder, takeStateFolder } from "../../../local/start/state-folder.ts";
import { buildApp, samplesOnly, start, temporaryFolder } from "./start-process.ts";

describe("the options of npm start", () => {
  it("has an answer for each when nothing is asked", () => {
    expect(readOptions([])).toEqual({
      once: false,
      port: 7071,
      mode: null,
      cluster: null,
      samples: "local/samples",
      state: ".reflex",
    });
  });

  it("observes on somebody's cluster unless more is asked", () => {
    const cluster = { kubeconfig: "k", context: "c" };
    expect(readOptions(["--kubeconfig", "k", "--context", "c"])).toMatchObject({ cluster, mode: "observe" });
    const asked = ["--kubeconfig", "k", "--mode", "enforce", "--no-samples"];
    expect(readOptions(asked)).toMatchObject({ mode: "enforce", samples: null });
  });

  it("takes a free port for --once, so that it runs beside what is up", () => {
    expect(readOptions(["--once"])).toMatchObject({ once: true, port: 0 });
  });

  it.each([
    [["--ones"], /--ones/],
    [["again"], /again/],
    [["--port"], /--port/],
    [["--port", "http"], /--port http is no port/],
    [["--port", "70710"], /from 0 to 65535/],
    [["--port="], /is no port/],
    [["--mode", "strict"], /off, observe, approve, enforce/],
    [["--context", "c"], /--kubeconfig/],
    [["--once", "--no-samples"], /leave out --no-samples/],
    [["--once", "--mode", "observe"], /leave out --mode/],
    [["--once", "--kubeconfig", "k"], /leave out --kubeconfig/],
    [["--once", "--state", "s"], /leave out --state/],
  ])("refuses %j in one sentence", (args, words) => {
    const read = readOptions(args);
    expect(read).toEqual({ fault: expect.stringMatching(words) });
    expect(JSON.stringify(read)).not.toContain("\\n");
  });

  it("ends with 2 for a flag that it does not know, and for a port that is taken", async () => {
    buildApp();
    const wrong = start("--ones");
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? String(address.port) : "";
    const taken = start("--port", port, "--state", await temporaryFolder());

    expect(await wrong.ended()).toBe(2);
    expect(wrong.printed()).toMatch(/^Unknown option '--ones'.*\n$/);
    expect(await taken.ended()).toBe(2);
    expect(taken.printed()).toMatch(new RegExp(`^Port ${port} is taken: give another with --port.*\n$`));
  });
});

describe("the state folder", () => {
  it("has one process at a time, and outlives one that vanished", async () => {
    const path = await temporaryFolder();
    const folder = takeStateFolder(path);
    folder.write("process-id", String(process.ppid));
    expect(() => takeStateFolder(path)).toThrow(/in use by process \d+.*--state/);
    // No process has this id: the largest one is far below.
    folder.write("process-id", "99999999");
    releaseStateFolder(takeStateFolder(path));
    expect(folder.read("process-id")).toBeNull();
  });
});

describe("the samples", () => {
  it("get their times when they are sent", () => {
    const now = new Date("2026-05-01T12:00:00.000Z");
    const text = '{"a":"{{minutes-ago:0}}","b":"{{minutes-ago:90}}"}';
    expect(withTimes(text, now)).toBe('{"a":"2026-05-01T12:00:00.000Z","b":"2026-05-01T10:30:00.000Z"}');
  });

  it("each have an expectation, and all states and playbooks of note occur in them", async () => {
    const samples = readSamples(await samplesOnly(""));
    const outcomes = samples.flatMap(({ expected }) => expected.remediations);
    expect(samples.length).toBeGreaterThanOrEqual(24);
    expect(new Set(outcomes.map(({ playbook }) => playbook))).toEqual(
      new Set(["isolate-pod", "scale-to-zero", "block-image", "collect-evidence", "notify"]),
    );
    expect(new Set(outcomes.map(({ state }) => state))).toEqual(
      new Set(["in-force", "done", "refused", "skipped", "observed", "awaiting-approval", "reverted"]),
    );
    expect(samples.flatMap(({ expected }) => expected.cluster).length).toBeGreaterThanOrEqual(8);
  });
});

import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startEventHubs } from "../../local/event-hubs/index.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const ORDERS = readFileSync(new URL("../fixtures/signals/orders-pod.eventhub.json", import.meta.url), "utf8");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reflex-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the real process in the folder, with nothing of ours in its environment. */
function start(argv: readonly string[], input: string | null, env: Record<string, string> = {}) {
  return new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...argv], {
      cwd: folder,
      env: { PATH: process.env["PATH"], ...env },
    });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
    child.stdin.end(input ?? "");
  });
}

describe("the reflex process", () => {
  it("decodes standard input and files, with the exit code of the command", async () => {
    writeFileSync(join(folder, "bad.json"), "nonsense");
    const { code, out, err } = await start(["decode", "-", "bad.json"], ORDERS);
    expect({ code, err }).toEqual({ code: 1, err: "" });
    const lines = out.trimEnd().split("\n");
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
      expect.objectContaining({ kind: "alert", pod: "orders-0" }),
      { parked: expect.any(String) },
    ]);
  });

  it("answers 2 with one sentence for a folder given as a file", async () => {
    expect(await start(["decode", "."], null)).toEqual({
      code: 2,
      out: "",
      err: "reflex: . cannot be read: it is a directory.\n",
    });
  });

  it("is silent when its reader has seen enough", async () => {
    const many = `[${Array.from({ length: 3000 }, () => ORDERS).join(",")}]`;
    writeFileSync(join(folder, "many.json"), many);
    const command = `"${process.execPath}" "${MAIN}" decode many.json | head -n 1`;
    const { stdout, stderr } = await promisify(execFile)("bash", ["-o", "pipefail", "-c", command], {
      cwd: folder,
    });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ kind: "alert" });
  });

  it("writes all of a long answer into a pipe", async () => {
    const records = Array.from({ length: 500 }, () => ORDERS);
    const { code, out } = await start(["decode", "-"], `[${records.join(",")}]`);
    expect(code).toBe(0);
    expect(out.trimEnd().split("\n")).toHaveLength(500);
  });

  it("sends to the hub of its environment and ends by itself", async () => {
    const hubs = await startEventHubs({ hubs: { alerts: { partitions: 1 } } });
    try {
      const env = { REFLEX_EVENTS: hubs.connectionString, REFLEX_EVENTS_HUB: "alerts" };
      const sent = await start(["send", "-"], ORDERS, env);
      expect(sent).toEqual({ code: 0, out: "Sent 1 event to the hub alerts.\n", err: "" });
      expect(
        hubs
          .hub("alerts")
          .read("0", 0, 10)
          .map(({ body }) => body.toString()),
      ).toEqual([ORDERS]);
    } finally {
      await hubs.close();
    }
  });
});

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { buildApp, lives, samplesOnly, soon, start } from "./start-process.ts";

beforeAll(buildApp);

describe("npm start -- --once", () => {
  it("sends every shipped payload, finds all as expected, and leaves no process behind", async () => {
    const started = start("--once");
    await soon(() => expect(started.children()).toHaveLength(2));
    const children = started.children();

    expect(await started.ended(), started.printed()).toBe(0);
    expect(started.printed()).toMatch(/All (\d\d) payloads came out as expected/);
    expect(started.printed()).not.toContain("✗");
    expect(children.filter(lives)).toEqual([]);
  }, 60_000);

  it("exits 1 and names the payload, the place and both values where the cluster is not as expected", async () => {
    const samples = await samplesOnly("16-", "40-");
    const file = join(samples, "events/16-privileged-container.expected.json");
    const text = await readFile(file, "utf8");
    const broken = text.replace(
      '"path": "/apis/apps/v1/namespaces/shop/deployments/worker",\n      "where": "/spec/replicas",\n      "equals": 0',
      '"path": "/apis/apps/v1/namespaces/shop/deployments/worker",\n      "where": "/spec/replicas",\n      "equals": 1',
    );
    expect(broken).not.toBe(text);
    await writeFile(file, broken);
    const started = start("--once", "--samples", samples);

    expect(await started.ended()).toBe(1);
    const printed = started.printed();
    expect(printed).toContain(
      "16-privileged-container: GET /apis/apps/v1/namespaces/shop/deployments/worker at /spec/replicas is 0, expected 1",
    );
    expect(printed).toContain("1 difference");
    expect(printed).toMatch(/✗ 16-privileged-container/);
    expect(printed).toMatch(/✓ 40-cut-off/);
  }, 60_000);
});

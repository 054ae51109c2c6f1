import { describe, expect, it } from "vitest";
import { ingest } from "../../src/engine/ingest.ts";
import { registerParked } from "../../src/functions/parked.ts";
import { alert, type Bench, bench } from "../engine/harness.ts";
import { another } from "../engine/processes.ts";
import { type AppInProcess, appInProcess } from "./app-in-process.ts";
import { HOSTILE, type Ran, reflex, unsafeIn } from "./terminal.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function started(b: Bench = bench()): { b: Bench; app: AppInProcess; run(...argv: string[]): Promise<Ran> } {
  const app = appInProcess(b.engine, registerParked);
  const run = (...argv: string[]): Promise<Ran> => reflex(["parked", ...argv], app);
  return { b, app, run };
}

/** The ids, newest first. */
async function idsOf(run: (...argv: string[]) => Promise<Ran>): Promise<string[]> {
  const { json } = await run("list", "--json");
  return json().map((one) => String(Reflect.get(Object(one), "id")));
}

describe("reflex parked list", () => {
  it("lists what is parked, newest first, with its reason", async () => {
    const { b, run } = started();
    expect(await run("list")).toMatchObject({ code: 0, out: "Nothing is parked.\n" });
    await b.ingest(bytes("one"));
    b.clock.pass(60_000);
    await b.ingest(bytes("{ two"));
    const { code, out } = await run("list");
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^ID +AGE +BYTES +REASON$/);
    expect(lines[1]).toMatch(/^0\.1\.0\.[0-9a-f]{12} +0s +5 +\S/);
    expect(lines[2]).toMatch(/^0\.0\.0\.[0-9a-f]{12} +0s +3 +\S/);
  });

  it("says that there are more, and lists all of them when told", async () => {
    const { b, run } = started();
    for (const text of ["one", "two", "three"]) {
      await b.ingest(bytes(text));
      b.clock.pass(1);
    }
    expect((await run("list", "--limit", "2")).out).toContain("There are older ones: add --all.");
    const all = await run("list", "--all", "--limit", "1", "--json");
    expect(all.json()).toHaveLength(3);
    expect(await run("list", "--limit", "x")).toMatchObject({ code: 2 });
  });
});

describe("reflex parked show", () => {
  it("shows text with what a terminal would obey made visible", async () => {
    const { b, run } = started();
    await b.ingest(bytes(`bad ${HOSTILE.toWellFormed()}`));
    const ids = await idsOf(run);
    const outs = await Promise.all(ids.map((id) => run("show", id)));
    const out = outs.map((one) => one.out).join("");
    expect(outs.every(({ code }) => code === 0)).toBe(true);
    expect(unsafeIn(out)).toEqual([]);
    expect(out).toContain("\\u202e");
  });

  it("keeps the lines of a text", async () => {
    const { b, run } = started();
    await b.ingest(bytes('{\n  "bad": \u202e\n'));
    const [id = ""] = await idsOf(run);
    expect((await run("show", id)).out).toMatch(/\n\{\n {2}"bad": \\u202e\n/);
  });

  it("gives what is no text as base64", async () => {
    const { b, run } = started();
    await b.ingest(new Uint8Array([0xff, 0, 1]));
    const [id = ""] = await idsOf(run);
    expect((await run("show", id)).out).toContain("as base64: /wAB");
    expect((await run("show", id, "--json")).json()).toMatchObject([{ text: null, base64: "/wAB", size: 3 }]);
  });

  it("says where there is none of that id", async () => {
    const { run } = started();
    const gone = await run("show", "0.1.0.0123456789ab");
    expect(gone).toMatchObject({ code: 1, err: "reflex: There is no parked event 0.1.0.0123456789ab.\n" });
    expect(await run("show", "../remediations")).toMatchObject({ code: 2 });
  });
});

describe("reflex parked replay", () => {
  async function withDefect(): Promise<ReturnType<typeof started>> {
    const all = started();
    const hex = (): never => {
      throw new TypeError("a defect of the engine");
    };
    const engine = another(all.b, { randomness: { hex } });
    await ingest(engine, [{ body: alert(), partition: "2", sequence: 7, enqueuedAt: null }]);
    return all;
  }

  it("decides what was parked once its cause has gone, and 1 where one stays parked", async () => {
    const { b, run } = await withDefect();
    await b.ingest(bytes("still bad"));
    const { code, out } = await run("replay", "--all");
    expect(code).toBe(1);
    expect(out).toMatch(/^2\.7\.event\.[0-9a-f]{12} {2}done\n/m);
    expect(out).toMatch(/^0\.0\.0\.[0-9a-f]{12} {2}parked again: \S/m);
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
    expect(await idsOf(run)).toHaveLength(1);
  });

  it("takes ids or --all, and not both", async () => {
    const { run } = started();
    expect(await run("replay")).toMatchObject({ code: 2 });
    expect(await run("replay", "0.0.0.0123456789ab", "--all")).toMatchObject({ code: 2 });
  });
});

describe("reflex parked drop", () => {
  it("wants a reason, and removes one", async () => {
    const { b, run } = started();
    await b.ingest(bytes("bad"));
    const [id = ""] = await idsOf(run);
    expect(await run("drop", id)).toMatchObject({ code: 2 });
    expect(await run("drop", id, "--reason", "a test of the exporter")).toMatchObject({ code: 0 });
    expect((await run("list")).out).toBe("Nothing is parked.\n");
    expect(await run("drop", id, "--reason", "again")).toMatchObject({ code: 1 });
  });
});

describe("who may", () => {
  it("list without the bytes, and no more, is the reader", async () => {
    const { b, app, run } = started();
    await b.ingest(bytes("bad"));
    const [id = ""] = await idsOf(run);
    app.as("Reflex.Read");
    expect((await run("list")).code).toBe(0);
    for (const argv of [
      ["show", id],
      ["replay", id],
      ["drop", id, "--reason", "r"],
    ]) {
      expect((await run(...argv)).code, argv.join(" ")).toBe(1);
    }
    app.as("Reflex.Admin");
    expect((await run("show", id)).code).toBe(0);
  });

  it("touch them is no administrator whose role is limited to a scope", async () => {
    const b = bench();
    const scope = { allow: [{ namespace: "shop" }], deny: [] };
    const access = [{ role: "Reflex.Admin" as const, to: [], scope }];
    const limited = { ...b, engine: another(b, { configuration: { ...b.engine.configuration, access } }) };
    const { run } = started(limited);
    await b.ingest(bytes("bad"));
    const [id = ""] = await idsOf(run);
    expect(await run("show", id)).toMatchObject({
      code: 1,
      err: expect.stringContaining("limited to a scope"),
    });
  });
});

import { beforeAll, describe, expect, it } from "vitest";
import { registerAudit } from "../../src/functions/audit.ts";
import { livedBench } from "../engine/audit-bench.ts";
import type { Bench } from "../engine/harness.ts";
import { another } from "../engine/processes.ts";
import { type AppInProcess, appInProcess } from "./app-in-process.ts";
import { type Ran, reflex, unsafeIn } from "./terminal.ts";

let b: Bench;
let app: AppInProcess;
beforeAll(async () => {
  b = await livedBench();
  app = appInProcess(b.engine, registerAudit);
});

const run = (...argv: string[]): Promise<Ran> =>
  reflex(["audit", ...argv], { ...app, now: b.clock.now().toISOString() });
const get = async (query: string): Promise<Response> => app.fetch(`http://127.0.0.1/api/audit/${query}`);

describe("reflex audit verify", () => {
  it("says that all is as it was written, and what it looked at", async () => {
    const { code, out, err } = await run("verify");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(
      /^Nothing was altered or is missing: 5 remediations, [1-9]\d* daily roots over [1-9]\d* heads, 3 rows of the control history\.\n$/,
    );
  });

  it("names what was altered and ends with 1", async () => {
    const broken = await livedBench();
    const row = broken.table.snapshot().find(({ key }) => key.startsWith("a!"));
    await broken.table.transact(row?.partition ?? "", [{ do: "delete", key: row?.key ?? "", etag: "*" }]);
    const other = appInProcess(broken.engine, registerAudit);
    const { code, out } = await reflex(["audit", "verify"], other);
    expect(code).toBe(1);
    expect(out).toContain(row?.key);
    expect(out).toContain("Looked at: ");
    const asJson = await reflex(["audit", "verify", "--json"], other);
    expect(asJson.json()).toMatchObject([{ complete: true, checked: { notes: 3 } }]);
  });

  it("compares with the hash of a root that was kept", async () => {
    const kept = String(b.log.find(({ event }) => event === "audit root")?.facts?.["hash"]);
    expect(await run("verify", "--root", kept)).toMatchObject({ code: 0 });
    expect(await run("verify", "--root", "0".repeat(64))).toMatchObject({ code: 1 });
    expect(await run("verify", "--root", "kept")).toMatchObject({ code: 2 });
  });
});

describe("reflex audit export", () => {
  it("prints every row as a line of JSON", async () => {
    const { code, out, json } = await run("export");
    expect(code).toBe(0);
    const rows = b.table.snapshot().filter(({ key }) => /^a!|^history-\d/.test(key));
    expect(json()).toHaveLength(rows.length);
    expect(unsafeIn(out)).toEqual([]);
  });

  it("prints CSV with one line of headings, however many pages", async () => {
    const { code, out } = await run("export", "--format", "csv");
    const lines = out.trimEnd().split("\r\n");
    expect(code).toBe(0);
    expect(lines[0]).toBe(
      "kind,id,sequence,at,who,what,why,before,after,rule,playbook,target,details,previous,hash",
    );
    expect(lines.filter((line) => line.startsWith("kind"))).toHaveLength(1);
    expect(lines.length).toBe((await run("export")).json().length + 1);
  });

  it("bounds it in time, and says what it does not know", async () => {
    const all = (await run("export")).json().length;
    const young = (await run("export", "--from", "1h")).json().length;
    expect(young).toBeGreaterThan(0);
    expect(young).toBeLessThan(all);
    expect(await run("export", "--format", "xml")).toMatchObject({ code: 2 });
    expect(await run("export", "--from", "soon")).toMatchObject({ code: 2 });
  });
});

describe("GET audit/export", () => {
  it("gives text with the address of the next page, the headings on the first one only", async () => {
    let lines = 0;
    let headings = 0;
    let path: string | null = "export?format=csv&limit=3&code=key";
    while (path !== null) {
      const answer = await get(path);
      expect(answer.headers.get("content-type")).toBe("text/csv; charset=utf-8");
      const text = await answer.text();
      headings += text.split("kind,id").length - 1;
      lines += text.split("\r\n").length - 1;
      const link: string | null = answer.headers.get("link");
      expect(link ?? "").not.toContain("code=");
      path = link === null ? null : (/<\/api\/audit\/([^>]+)>; rel="next"/.exec(link)?.[1] ?? "no link");
    }
    expect(headings).toBe(1);
    expect(lines).toBe((await run("export")).json().length + 1);
    expect((await get("export?format=jsonl")).headers.get("content-type")).toBe("application/x-ndjson");
  });

  it.each([
    "export?format=xml",
    "export?after=x",
    "export?limit=0",
    "export?from=soon",
    "export?form=csv",
    "verify?after=heads.x.1",
    "verify?root=1",
    "verify?roots=1",
  ])("refuses %s with a sentence", async (query) => {
    const answer = await get(query);
    expect(answer.status).toBe(400);
    expect(String(Reflect.get(Object(await answer.json()), "detail"))).toMatch(/^\w+: .{10,}/);
  });

  it("hands out only what the role reaches, and to nobody without it", async () => {
    const scope = { allow: [{ namespace: "shop" }], deny: [] };
    const access = [{ role: "Reflex.Admin" as const, to: [], scope }];
    const engine = another(b, { configuration: { ...b.engine.configuration, access } });
    const limited = appInProcess(engine, registerAudit);
    const rows = (await reflex(["audit", "export"], limited)).json();
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.every((row) => Reflect.get(Object(row), "kind") === "remediation")).toBe(true);
    expect(JSON.stringify(rows)).not.toContain('"kind":"alert"');
    limited.as("Reflex.Read");
    expect((await limited.fetch("http://127.0.0.1/api/audit/export")).status).toBe(403);
    expect((await limited.fetch("http://127.0.0.1/api/audit/verify")).status).toBe(200);
    limited.as();
    expect((await limited.fetch("http://127.0.0.1/api/audit/verify")).status).toBe(403);
  });
});

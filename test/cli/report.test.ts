import { describe, expect, it } from "vitest";
import { revert } from "../../src/engine/revert.ts";
import { registerReport } from "../../src/functions/report.ts";
import { ANN } from "../engine/audit-bench.ts";
import { alert, type Bench, bench } from "../engine/harness.ts";
import { another } from "../engine/processes.ts";
import { appInProcess } from "./app-in-process.ts";
import { type Ran, reflex } from "./terminal.ts";

function runner(b: Bench): (...argv: string[]) => Promise<Ran> {
  const app = appInProcess(b.engine, registerReport);
  return (...argv) => reflex(["report", ...argv], { ...app, now: b.clock.now().toISOString() });
}

describe("reflex report", () => {
  it("tells what observe would have done, and the budgets beside it", async () => {
    const b = bench({ mode: "observe" });
    await b.ingest(alert());
    const { code, out, err } = await runner(b)("miners");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("Rule miners (observe) since ");
    expect(out).toContain("It planned 1 change to 1 target and only observed.");
    expect(out).toMatch(/^pod shop\/web-1 on prod +1$/m);
    expect(out).toMatch(/^BUDGET +OF +HOUR \(UTC\) +TARGETS +LIMIT$/m);
    expect(out).toMatch(/^namespace +prod\/shop +2026-03-02T08 +1 +\d+$/m);
  });

  it("tells what people took back, and why", async () => {
    const b = bench();
    await b.ingest(alert());
    await revert(another(b), b.records()[0]?.id ?? "", ANN);
    const { out } = await runner(b)("miners", "--since", "1d");
    expect(out).toContain("People took back or rejected 1 of its 1 remediations");
    expect(out).toMatch(/pod shop\/web-1 on prod +reverted +ann +a drill/);
  });

  it("names the rules there are where there is none of that name", async () => {
    const run = runner(bench());
    expect(await run("minors")).toMatchObject({
      code: 1,
      err: 'reflex: There is no rule "minors". There are miners, notices.\n',
    });
    expect(await run("../health")).toMatchObject({ code: 2 });
    expect(await run("miners", "--since", "soon")).toMatchObject({ code: 2 });
  });

  it("gives the same as JSON, and counts only what its reader may see", async () => {
    const b = bench({ mode: "observe" });
    await b.ingest(alert());
    expect((await runner(b)("miners", "--json")).json()).toMatchObject([{ rule: "miners", remediations: 1 }]);
    const scope = { allow: [{ namespace: "other" }], deny: [] };
    const access = [{ role: "Reflex.Read" as const, to: [], scope }];
    const limited = { ...b, engine: another(b, { configuration: { ...b.engine.configuration, access } }) };
    expect((await runner(limited)("miners", "--json")).json()).toMatchObject([{ remediations: 0 }]);
  });
});

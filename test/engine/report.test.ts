import { describe, expect, it } from "vitest";
import { type ReportRecord, reportOf } from "../../src/engine/report.ts";
import { revert } from "../../src/engine/revert.ts";
import { ruleReport } from "../../src/engine/rule-report.ts";
import { ANN } from "./audit-bench.ts";
import { alert, bench, configuration } from "./harness.ts";
import { another } from "./processes.ts";
import { CLUSTER } from "./world.ts";

const budgets = { ...configuration("observe").budgets, perRule: 20, perNamespace: 10 };
const SINCE = new Date("2026-03-01T00:00:00Z");
const ABOUT = {
  rule: "miners",
  mode: "observe",
  perHour: null,
  budgets,
  since: SINCE,
  complete: true,
} as const;

let made = 0;

function record(more: Partial<ReportRecord> & { pod?: string; namespace?: string } = {}): ReportRecord {
  const { pod = "web", namespace = "shop", ...rest } = more;
  made += 1;
  return {
    id: `id-${made}`,
    rule: "miners",
    playbook: "quarantine",
    target: { kind: "pod", cluster: CLUSTER, namespace, name: pod },
    state: "observed",
    mode: "observe",
    planHash: "h",
    touched: false,
    revertedBy: null,
    signal: `s-${made}`,
    createdAt: "2026-03-02T08:10:00.000Z",
    updatedAt: "2026-03-02T08:10:00.000Z",
    ...rest,
  };
}

describe("the report of a rule", () => {
  it("counts what observe would have done, by place and by target", () => {
    const records = [
      record({ pod: "a" }),
      record({ pod: "a" }),
      record({ pod: "b", namespace: "pay" }),
      record({ planHash: null, state: "no-op" }),
      record({ state: "refused" }),
      record({ rule: "others" }),
    ];
    const report = reportOf(records, ABOUT);
    expect(report).toMatchObject({ remediations: 5, signals: 5 });
    expect(report.states).toEqual([
      { name: "observed", count: 3 },
      { name: "no-op", count: 1 },
      { name: "refused", count: 1 },
    ]);
    expect(report.observed).toMatchObject({
      plans: 3,
      targets: 2,
      clusters: [{ name: "prod", count: 3 }],
      namespaces: [
        { name: "prod/shop", count: 2 },
        { name: "prod/pay", count: 1 },
      ],
      top: [
        { name: "pod shop/a on prod", count: 2 },
        { name: "pod pay/b on prod", count: 1 },
      ],
    });
    expect(report.sentences).toContain("It planned 3 changes to 2 targets and only observed.");
  });

  it("shows the hour with the most targets against each budget, the same target counting once", () => {
    const records = Array.from({ length: 12 }, (_none, index) => record({ pod: `p-${index % 11}` }));
    records.push(record({ pod: "later", createdAt: "2026-03-02T09:00:00.000Z" }));
    const { peaks, sentences } = reportOf(records, ABOUT);
    expect(peaks.find(({ budget }) => budget === "namespace")).toEqual({
      budget: "namespace",
      name: "prod/shop",
      hour: "2026-03-02T08",
      targets: 11,
      limit: budgets.perNamespace,
    });
    expect(peaks.map(({ budget, targets }) => [budget, targets])).toEqual([
      ["rule", 11],
      ["playbook", 11],
      ["cluster", 11],
      ["namespace", 11],
      ["subscription", 11],
    ]);
    const over = 11 - budgets.perNamespace;
    expect(over).toBeGreaterThan(0);
    expect(sentences.filter((text) => text.includes("budget for namespace"))).toEqual([
      expect.stringContaining(`so ${over} would have waited`),
    ]);
  });

  it("measures a rule with a budget of its own by that one", () => {
    const records = [record({ pod: "a" }), record({ pod: "b" })];
    const { peaks } = reportOf(records, { ...ABOUT, perHour: 1 });
    expect(peaks.find(({ budget }) => budget === "rule")).toMatchObject({ targets: 2, limit: 1 });
    expect(reportOf(records, ABOUT).sentences.join(" ")).toContain("stayed within every budget");
  });

  it("lists what people took back or rejected, with who and why", () => {
    const records = [
      record({ state: "reverted", revertedBy: ANN }),
      record({ state: "rejected", revertedBy: { ...ANN, who: "bob" } }),
      record({ state: "reverted" }),
      record({ rule: "others", state: "reverted", revertedBy: ANN }),
    ];
    const { takenBack, sentences } = reportOf(records, ABOUT);
    expect(takenBack.count).toBe(2);
    expect(takenBack.newest.map(({ who, why }) => [who, why])).toEqual([
      ["ann", "a drill"],
      ["bob", "a drill"],
    ]);
    expect(sentences).toContain(
      "People took back or rejected 2 of its 3 remediations: look why before it is raised.",
    );
  });

  it("tells what other rules did to the same targets, and to no other", () => {
    const records = [
      record({ pod: "a" }),
      record({ pod: "A", rule: "hard", mode: "enforce", touched: true, state: "in-force" }),
      record({ pod: "a", rule: "soft", state: "observed" }),
      record({ pod: "b", rule: "hard", mode: "enforce", touched: true, state: "in-force" }),
    ];
    expect(reportOf(records, ABOUT).others).toEqual([{ name: "hard: quarantine, in-force", count: 1 }]);
  });

  it("does not judge where there is nothing, and says what it did not read", () => {
    expect(reportOf([], { ...ABOUT, complete: false }).sentences).toEqual([
      expect.stringContaining("nothing to judge it by"),
      expect.stringContaining("more records than were read"),
    ]);
  });
});

describe("asking for the report of a rule", () => {
  it("reads the records since a moment, those that the reader may see", async () => {
    const b = bench({ mode: "observe" });
    for (const name of ["web-2", "web-3"]) b.world.addPod(name);
    await b.ingest(alert({ id: "a-1" }));
    b.clock.pass(3_600_000);
    const since = b.clock.now();
    const at = since.toISOString();
    await b.ingest(alert({ id: "a-2", pod: "web-2", at }), alert({ id: "a-3", pod: "web-3", at }));
    const all = await ruleReport(b.engine, "miners", SINCE, () => true);
    const late = await ruleReport(b.engine, "miners", since, () => true);
    const some = await ruleReport(
      b.engine,
      "miners",
      SINCE,
      ({ target }) => target.kind === "pod" && target.name === "web-2",
    );
    const plans = [all, late, some].map((one) => ("report" in one ? one.report.observed.plans : null));
    expect(plans).toEqual([3, 2, 1]);
    expect(all).toMatchObject({ report: { rule: "miners", mode: "observe", complete: true } });
  });

  it("counts what a person took back", async () => {
    const b = bench();
    await b.ingest(alert());
    await revert(another(b), b.records()[0]?.id ?? "", ANN);
    expect(await ruleReport(b.engine, "miners", SINCE, () => true)).toMatchObject({
      report: { takenBack: { count: 1, newest: [{ who: "ann" }] } },
    });
  });

  it("names the rules there are where there is none of that name; one that only records know is one", async () => {
    const b = bench();
    await b.ingest(alert());
    expect(await ruleReport(b.engine, "minors", SINCE, () => true)).toEqual({ known: ["miners", "notices"] });
    const without = { ...b.engine.configuration, rules: [] };
    const engine = another(b, { configuration: without });
    expect(await ruleReport(engine, "miners", SINCE, () => true)).toMatchObject({ report: { mode: null } });
  });
});

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { CSV_HEADINGS, csvOf, jsonLinesOf } from "../../src/engine/audit-csv.ts";
import { auditExport, type ExportRow, isExportCursor } from "../../src/engine/audit-export.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { DAY, livedBench } from "./audit-bench.ts";
import type { Bench } from "./harness.ts";
import { another, sweepAfter } from "./processes.ts";

let b: Bench;

beforeAll(async () => {
  b = await livedBench();
});

const ALL = { from: null, to: null, limit: 500, sees: () => true, seesControl: true };

/** Every row of an export, page by page. */
async function exportAll(
  engine: Engine,
  more: Partial<Parameters<typeof auditExport>[1]> = {},
): Promise<ExportRow[]> {
  const rows: ExportRow[] = [];
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof auditExport>> = await auditExport(engine, {
      ...ALL,
      ...more,
      after,
    });
    rows.push(...page.rows);
    after = page.next;
    expect(after === null || isExportCursor(after)).toBe(true);
  } while (after !== null);
  return rows;
}

const count = (pattern: RegExp): number => b.table.snapshot().filter(({ key }) => pattern.test(key)).length;

const ROW: ExportRow = {
  kind: "remediation",
  id: "a",
  sequence: 1,
  at: "2026-03-02T08:00:00.000Z",
  who: "engine",
  what: "claimed",
  why: "",
  before: null,
  after: "done",
  rule: null,
  playbook: null,
  target: null,
  details: {},
  previous: "",
  hash: "h",
};

/** A reader of CSV after RFC 4180. */
function cellsOf(csv: string): string[][] {
  const lines: string[][] = [[]];
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    lines.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    if (end === "\r\n") lines.push([]);
  }
  return lines.slice(0, -1);
}

describe("the export of the audit", () => {
  it("has every row of every history once, with what it is about", async () => {
    const rows = await exportAll(b.engine);
    expect(rows.filter(({ kind }) => kind === "remediation")).toHaveLength(count(/^a!/));
    expect(rows.filter(({ kind }) => kind === "control")).toHaveLength(count(/^history-\d/));
    expect(new Set(rows.map(({ hash }) => hash)).size).toBe(rows.length);
    const some = rows.find(({ what, target }) => what !== "claimed" && target?.kind === "pod");
    expect(some).toMatchObject({ rule: "miners", playbook: "quarantine" });
  });

  it("is the same in pages of any size", async () => {
    const whole = await exportAll(b.engine);
    for (const limit of [1, 2, 7]) expect(await exportAll(b.engine, { limit })).toEqual(whole);
  });

  it("has only what was written in the time asked for", async () => {
    const whole = await exportAll(b.engine);
    const times = whole.map(({ at }) => at).sort();
    const middle = times[Math.floor(times.length / 2)] ?? "";
    const young = await exportAll(b.engine, { from: new Date(middle) });
    const old = await exportAll(b.engine, { to: new Date(middle) });
    expect(young).toEqual(whole.filter(({ at }) => at >= middle));
    expect(old).toEqual(whole.filter(({ at }) => at < middle));
    expect(old.length).toBeGreaterThan(0);
  });

  it("hides what its reader may not see", async () => {
    const sees: (typeof ALL)["sees"] | ((target: ExportRow["target"]) => boolean) = (
      target: ExportRow["target"],
    ) => target?.kind === "alert";
    const rows = await exportAll(b.engine, { sees, seesControl: false });
    expect(new Set(rows.map(({ kind, target }) => `${kind} ${target?.kind}`))).toEqual(
      new Set(["remediation alert"]),
    );
  });

  it("still has the history of what retention removed, and what it was about", async () => {
    const old = await livedBench();
    const before = await exportAll(old.engine);
    await sweepAfter(old, DAY, 401 * DAY, DAY);
    expect(old.records()).toEqual([]);
    const rows = await exportAll(another(old));
    expect(rows.length).toBeGreaterThan(before.length);
    expect(rows.filter(({ what }) => what === "retired").every(({ target }) => target !== null)).toBe(true);
  });
});

describe("CSV", () => {
  it("gives every cell back to a reader, and is no formula and hides nothing whatever the texts are", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 30 }),
      fc.stringMatching(/^[=+\-@\t\r\n ,"'\u202e\uff1d\u200b]{0,4}[a-z"(),]{0,6}$/),
    );
    fc.assert(
      fc.property(text, text, text, (who, why, what) => {
        const csv = `${CSV_HEADINGS}${csvOf([{ ...ROW, who, why, what, details: { why } }])}`;
        const [headings = [], cells = [], ...more] = cellsOf(csv);
        expect(more).toEqual([]);
        expect(cells).toHaveLength(headings.length);
        for (const cell of cells) {
          expect(cell).not.toMatch(/^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/u);
          expect(cell).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        }
        const plain = (given: string): string =>
          given.replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, " ").replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, "");
        const read = (name: string): string => cells[headings.indexOf(name)] ?? "";
        expect([plain(why), `'${plain(why)}`]).toContain(read("why"));
      }),
      { numRuns: 500 },
    );
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u202e=1", "＝1"])(
    "makes %j a text",
    (why) => {
      expect(csvOf([{ ...ROW, why }])).toContain(`"'`);
    },
  );
});

describe("JSON lines", () => {
  it("are one line for each row and the same values", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (why) => {
        const row = { ...ROW, why: why.toWellFormed() };
        const lines = jsonLinesOf([row, row]).split("\n");
        expect(lines).toHaveLength(3);
        expect(JSON.parse(lines[0] ?? "")).toEqual(row);
        expect(lines[0]).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

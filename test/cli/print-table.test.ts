import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CommandIo } from "../../cli/command-io.ts";
import { type Column, printTable } from "../../cli/print-table.ts";

function printed(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  let out = "";
  const io: Pick<CommandIo, "write"> = {
    write(text) {
      out += text;
    },
  };
  printTable(io, columns, rows);
  return out.split("\n").slice(0, -1);
}

describe("a table", () => {
  it("is aligned by what a terminal shows, not by characters", () => {
    const rows = [
      ["界界", "x"],
      ["🙂", "x"],
      ["e\u0301e\u0301", "x"],
      ["ｗ", "x"],
      ["", ""],
    ];
    expect(printed([{ title: "NAME" }, { title: "B" }], rows)).toEqual([
      "NAME  B",
      "界界  x",
      "🙂    x",
      "e\u0301e\u0301    x",
      "ｗ    x",
      "-     -",
    ]);
  });

  it("cuts long values at the end, or in the middle where the end has to be seen", () => {
    const rows = [
      ["abcdefghij", "abcdefghij"],
      ["abcdef", "abcdef"],
      ["界界界界", "界界界界"],
    ];
    expect(
      printed(
        [
          { title: "END", most: 6 },
          { title: "MID", most: 6, keepsEnd: true },
        ],
        rows,
      ),
    ).toEqual(["END     MID", "abcde…  abc…ij", "abcdef  abcdef", "界界…   界…界"]);
  });

  it("has one line per row and is never wider than its columns, whatever is in it", () => {
    const text = fc.string({ unit: "binary-ascii", maxLength: 30 });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 6 }), (rows) => {
        const lines = printed(
          [
            { title: "A", most: 9 },
            { title: "B", most: 9, keepsEnd: true },
          ],
          rows,
        );
        expect(lines).toHaveLength(rows.length + 1);
        expect(Math.max(...lines.map((line) => Array.from(line).length))).toBeLessThanOrEqual(20);
      }),
      { numRuns: 200 },
    );
  });
});

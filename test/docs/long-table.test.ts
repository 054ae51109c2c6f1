import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { longRows, withLongRows } from "../../build/long-table.ts";

const figure = (suite: string, what: string, value: string): string =>
  `${JSON.stringify({ suite, what, value })}\n`;
const RUN = { command: "npm run test:long", day: "2026-11-25" };

describe("the table of the long run", () => {
  it("has a row for each figure, with the command and the day", () => {
    expect(longRows(figure("Parallel", "events", "5000"), RUN)).toEqual([
      "| Parallel | events | 5000 | `npm run test:long`, 2026-11-25 |",
    ]);
  });

  it("keeps what stands there of other suites, and replaces all of the suites that ran", () => {
    const page = readFileSync("docs/promises.md", "utf8");
    const first = withLongRows(
      page,
      longRows(figure("A", "x", "1") + figure("B", "y", "2") + figure("B", "z", "3"), RUN),
    );
    const second = withLongRows(first, longRows(figure("B", "y", "4"), RUN));
    const rows = second.split("\n").filter((line) => /^\| [AB] \|/.test(line));
    expect(
      rows.map((row) =>
        row
          .split("|")
          .slice(1, 4)
          .map((cell) => cell.trim()),
      ),
    ).toEqual([
      ["A", "x", "1"],
      ["B", "y", "4"],
    ]);
    expect(withLongRows(second, [])).toBe(second);
  });

  it("is refused by a page without a place for it", () => {
    expect(() => withLongRows("# A page", [])).toThrow(/no place/);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pageFaults } from "../pages/page-faults.ts";
import { readRunList } from "../pages/run-list.ts";

const RUN = new Map([
  ["test/a.test.ts > a > holds", "passed"],
  ["test/a.test.ts > a > is left out", "skipped"],
  ["test/a.test.ts > a > breaks", "failed"],
  ["test/worker/w.test.ts > w > runs", "passed"],
]);

const page = (...lines: string[]) => `# Page\n\n## Rows\n\n### 1. First\n\nWords.\n\n${lines.join("\n")}\n`;
const faults = (...lines: string[]) => pageFaults(page(...lines), RUN, [1]);

describe("the check of the pages", () => {
  it("is content with a test that ran and passed, and with a row that a later part closes", () => {
    expect(faults("- `test/a.test.ts > a > holds`")).toEqual([]);
    expect(faults("Open: closed by the part about Azure.")).toEqual([]);
    expect(faults("- `test/a.test.ts > a > holds`", "Open: closed by the part about Azure.")).toEqual([]);
  });

  it.each([
    [
      "a name that does not exist",
      ["- `test/a.test.ts > a > held`"],
      "did not run: test/a.test.ts > a > held",
    ],
    ["a test that was skipped", ["- `test/a.test.ts > a > is left out`"], "was skipped"],
    ["a test that failed", ["- `test/a.test.ts > a > breaks`"], "was failed"],
    ["a test that runs only elsewhere", ["- `test/worker/w.test.ts > w > runs`"], "only elsewhere"],
    ["a row without a test", ["Just words."], "names no test"],
    ["an open row that nothing closes", ["Open: some day"], "open without a part"],
    [
      "a row that waits",
      ["- `test/a.test.ts > a > holds`", "- pending: a test of b"],
      "waits for a test: a test of b",
    ],
  ])("finds %s", (_what, lines, words) => {
    const found = faults(...lines);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain("1. First: ");
    expect(found[0]).toContain(words);
  });

  it("finds rows that are missing, too many or out of order", () => {
    const good = "- `test/a.test.ts > a > holds`";
    expect(pageFaults(page(good), RUN, [2])).toEqual(["The rows are 1, not 1,2."]);
    expect(pageFaults(page(good, "", "### 1. Again", "", good), RUN, [1])).toEqual([
      "The rows are 1,1, not 1.",
    ]);
    expect(pageFaults(page(good, "", "## More", "", "### 1. Other", "", good), RUN, [1, 1])).toEqual([]);
  });

  it("looks at names outside of the rows too", () => {
    const more = page("- `test/a.test.ts > a > holds`", "", "## More", "", "- `test/a.test.ts > a > held`");
    expect(pageFaults(more, RUN, [1])).toEqual([
      "More: names a test that did not run: test/a.test.ts > a > held",
    ]);
  });

  describe("reads the runner's list", () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "reflex-pages-"));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it("with names as the pages write them", () => {
      const file = join(folder, "results.json");
      const assertionResults = [{ ancestorTitles: ["a", "b"], title: "holds", status: "passed" }];
      writeFileSync(
        file,
        JSON.stringify({ testResults: [{ name: resolve("test/a.test.ts"), assertionResults }] }),
      );

      expect([...readRunList(file)]).toEqual([["test/a.test.ts > a > b > holds", "passed"]]);
    });

    it("and says what to do where there is none", () => {
      expect(() => readRunList(join(folder, "none.json"))).toThrow("run the whole suite first");
    });
  });
});

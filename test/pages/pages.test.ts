import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { pageFaults, type Section } from "./page-faults.ts";
import { readRunList } from "./run-list.ts";

// Runs after the whole suite (vitest.pages.config.ts), whose list of tests it reads.
describe("what the pages promise is shown by tests that ran and passed", () => {
  const statements = [
    { prefix: "ISO", rows: 28 },
    { prefix: "SCL", rows: 16 },
    { prefix: "IMG", rows: 21 },
    { prefix: "ACT", rows: 10 },
    { prefix: "PRT", rows: 7 },
  ];
  it.each<[string, Section[]]>([
    ["docs/threat-model.md", [21]],
    ["docs/promises.md", [8, 18]],
    ["docs/kubernetes.md", statements],
  ])("in %s", (page, sections) => {
    expect(pageFaults(readFileSync(page, "utf8"), readRunList(".vitest/results.json"), sections)).toEqual([]);
  });
});

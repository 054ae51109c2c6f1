import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { pageFaults } from "./page-faults.ts";
import { readRunList } from "./run-list.ts";

// Runs after the whole suite (vitest.pages.config.ts), whose list of tests it reads.
describe("what the pages promise is shown by tests that ran and passed", () => {
  it.each([
    ["docs/threat-model.md", [20]],
    ["docs/promises.md", [8, 18]],
  ])("in %s", (page, sections) => {
    expect(pageFaults(readFileSync(page, "utf8"), readRunList(".vitest/results.json"), sections)).toEqual([]);
  });
});

import { readFileSync } from "node:fs";
import { z } from "zod";

// Prints the closing line of the main test run; fails where a test failed or no run has left its list.
const results = z
  .object({
    numPassedTests: z.number(),
    numFailedTests: z.number(),
    numPendingTests: z.number(),
    numTodoTests: z.number(),
    success: z.boolean(),
  })
  .parse(JSON.parse(readFileSync(".vitest/results.json", "utf8")));
const skipped = results.numPendingTests + results.numTodoTests;
console.log(`${results.numPassedTests} passed, ${results.numFailedTests} failed, ${skipped} skipped`);
process.exitCode = results.success ? 0 : 1;

import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { z } from "zod";
import type { RunList } from "./page-faults.ts";

const resultsSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      assertionResults: z.array(
        z.object({ ancestorTitles: z.array(z.string()), title: z.string(), status: z.string() }),
      ),
    }),
  ),
});

/** How the tests of the last whole run ended. Raises where there has been none. */
export function readRunList(file: string): RunList {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new Error(`There is no ${file}: run the whole suite first, as npm test does.`, { cause });
  }
  return new Map(
    resultsSchema.parse(JSON.parse(text)).testResults.flatMap(({ name, assertionResults }) => {
      const path = relative(process.cwd(), name);
      return assertionResults.map(({ ancestorTitles, title, status }): [string, string] => [
        [path, ...ancestorTitles, title].join(" > "),
        status,
      ]);
    }),
  );
}

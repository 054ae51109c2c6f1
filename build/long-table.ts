import { z } from "zod";

const figureSchema = z.object({ suite: z.string(), what: z.string(), value: z.string() });
const PLACE = /<!-- long run -->[\s\S]*?<!-- end of long run -->/;

/** The table of a long run: its figures as the suites noted them, a line of JSON each, with command, seed and day. */
export function longTable(
  figures: string,
  { seed, minutes, day }: { readonly seed: string; readonly minutes: number; readonly day: string },
): string {
  const rows = figures
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => figureSchema.parse(JSON.parse(line)))
    .map(({ suite, what, value }) => `| ${suite} | ${what} | ${value} |`);
  return [
    `\`REFLEX_SEED=${seed} npm run test:long\`, ${day}, ${minutes} minutes on two cores:`,
    "",
    "| suite | what | figure |",
    "|---|---|---|",
    ...rows,
  ].join("\n");
}

/** The page with the table in its place. Raises an error where the page has none. */
export function withLongTable(page: string, table: string): string {
  if (!PLACE.test(page)) throw new Error("docs/promises.md has no place for the table of the long run.");
  return page.replace(PLACE, () => `<!-- long run -->\n${table}\n<!-- end of long run -->`);
}

import { z } from "zod";

const figureSchema = z.object({ suite: z.string(), what: z.string(), value: z.string() });
const PLACE = /<!-- long run -->[\s\S]*?<!-- end of long run -->/;
const HEAD = ["| suite | what | figure | run |", "|---|---|---|---|"];

/** The rows of a run: its figures as the suites noted them, a line of JSON each, each with the command and the day. */
export function longRows(
  figures: string,
  { command, day }: { readonly command: string; readonly day: string },
): string[] {
  return figures
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => figureSchema.parse(JSON.parse(line)))
    .map(({ suite, what, value }) => `| ${suite} | ${what} | ${value} | \`${command}\`, ${day} |`);
}

/**
 * The page with these rows in its table, in place of what stood there of their suites; the rows of other suites stay.
 * Raises an error where the page has no place for them.
 */
export function withLongRows(page: string, rows: readonly string[]): string {
  const [found] = PLACE.exec(page) ?? [];
  if (found === undefined) throw new Error("docs/promises.md has no place for the table of the long run.");
  const fresh = new Set(rows.map(suiteOf));
  const kept = found
    .split("\n")
    .filter((line) => line.startsWith("| ") && !HEAD.includes(line) && !fresh.has(suiteOf(line)));
  const table = [
    ...HEAD,
    ...[...kept, ...rows].toSorted((one, other) => suiteOf(one).localeCompare(suiteOf(other))),
  ];
  return page.replace(PLACE, () => `<!-- long run -->\n${table.join("\n")}\n<!-- end of long run -->`);
}

function suiteOf(row: string): string {
  return row.split("|")[1]?.trim() ?? "";
}

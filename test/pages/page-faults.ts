/** One row of a page: its heading, the tests that it names, what is said to be open, what still waits for a name. */
export interface PageRow {
  readonly title: string;
  readonly tests: readonly string[];
  readonly open: string | null;
  readonly pending: readonly string[];
}

/** How a test of the run ended, by its full name: `file > describe > it`. */
export type RunList = ReadonlyMap<string, string>;

/** Tests that run only where a worker, a cluster or a browser is: a page that rests on one would rest on a skip. */
const ELSEWHERE = /^test\/(?:worker|cluster|browser)\//;

/** The parts of a page under its headings, with the tests that they name. Rows have a heading `### 1. …`. */
export function readRows(page: string): readonly PageRow[] {
  return page.split(/^(?=#{1,3} )/m).map((part) => {
    const [heading = "", ...lines] = part.split("\n");
    const after = (start: RegExp) =>
      lines.flatMap((line) => {
        const found = start.exec(line);
        return found === null ? [] : [line.slice(found[0].length).trim()];
      });
    return {
      title: heading.replace(/^#+ /, "").trim(),
      tests: lines.flatMap((line) => /^- `(.+)`$/.exec(line)?.[1] ?? []),
      open: after(/^open: /i)[0] ?? null,
      pending: after(/^(?:- )?pending:/i),
    };
  });
}

/** A part of a page: how many rows it has, and what stands before their numbers (`ISO-01`), if anything. */
export type Section = number | { readonly prefix: string; readonly rows: number };

/** What is wrong with a page: rows that are not the expected ones, and names that the run does not bear out. */
export function pageFaults(page: string, run: RunList, sections: readonly Section[]): readonly string[] {
  const parts = readRows(page);
  const numbers = parts.flatMap(({ title }) => ROW.exec(title)?.[1] ?? []);
  const expected = sections.flatMap(numbersOf);
  const order =
    numbers.join() === expected.join() ? [] : [`The rows are ${numbers.join()}, not ${expected.join()}.`];
  return [...order, ...parts.flatMap((row) => rowFaults(row, run).map((fault) => `${row.title}: ${fault}`))];
}

const ROW = /^(\d+|[A-Z]{3}-\d\d)\.? /;

function isRow({ title }: PageRow): boolean {
  return ROW.test(title);
}

function numbersOf(section: Section): string[] {
  const { prefix, rows } = typeof section === "number" ? { prefix: null, rows: section } : section;
  return Array.from({ length: rows }, (_none, at) =>
    prefix === null ? String(at + 1) : `${prefix}-${String(at + 1).padStart(2, "0")}`,
  );
}

function rowFaults(row: PageRow, run: RunList): string[] {
  const { tests, open, pending } = row;
  const nothing =
    isRow(row) && tests.length === 0 && open === null ? ["names no test and is not marked as open"] : [];
  const unsaid = open === null || /^closed by \S/.test(open) ? [] : ["is open without a part that closes it"];
  return [
    ...nothing,
    ...unsaid,
    ...pending.map((what) => `waits for a test: ${what}`),
    ...tests.flatMap((name) => testFaults(name, run)),
  ];
}

function testFaults(name: string, run: RunList): string[] {
  if (ELSEWHERE.test(name)) return [`names a test that runs only elsewhere: ${name}`];
  const status = run.get(name);
  if (status === undefined) return [`names a test that did not run: ${name}`];
  return status === "passed" ? [] : [`names a test that was ${status}: ${name}`];
}

import type { Page, Row, Table } from "../store/table.ts";
import type { RemediationRows } from "./audit-faults.ts";

/** Rows of a page. A plan row may hold half a mebibyte. */
const PAGE = 500;
const PAGE_OF_PLANS = 16;

/** The rows of one kind of one shard in the order of their ids, read page by page. */
class Stream {
  readonly #table: Table;
  readonly #shard: string;
  readonly #kind: string;
  readonly #page: number;
  #rows: readonly Row[] = [];
  #place = 0;
  #from: string | undefined;

  constructor(table: Table, shard: string, kind: "r" | "x" | "a" | "p", behind: string) {
    this.#table = table;
    this.#shard = shard;
    this.#kind = `${kind}!`;
    this.#page = kind === "p" ? PAGE_OF_PLANS : PAGE;
    this.#from = behind === "" ? this.#kind : `${this.#kind}${behind}~`;
  }

  /** The id of the next row; null at the end. */
  async id(): Promise<string | null> {
    const row = await this.#next();
    return row === null ? null : (row.key.slice(this.#kind.length).split("!", 1)[0] ?? "");
  }

  /** The rows of an id, which are behind these. */
  async take(id: string): Promise<Row[]> {
    const rows: Row[] = [];
    while ((await this.id()) === id) {
      const row = await this.#next();
      if (row !== null) rows.push(row);
      this.#place += 1;
    }
    return rows;
  }

  async #next(): Promise<Row | null> {
    while (this.#place >= this.#rows.length && this.#from !== undefined) {
      const to = `${this.#kind}~`;
      const page: Page = await this.#table.range(this.#shard, { from: this.#from, to }, this.#page);
      this.#rows = page.rows;
      this.#place = 0;
      this.#from = page.next;
    }
    return this.#rows[this.#place] ?? null;
  }
}

/**
 * All that stands in a shard of each remediation, in the order of the ids behind one, with bounded memory: whatever has
 * a record, a tombstone, a history or plans, however little is left of it. Raises `StoreUnreachable`.
 */
export async function* remediationRows(
  table: Table,
  shard: string,
  behind: string,
): AsyncGenerator<RemediationRows> {
  const of = (kind: "r" | "x" | "a" | "p") => new Stream(table, shard, kind, behind);
  const [records, tombstones, audit, plans] = [of("r"), of("x"), of("a"), of("p")] as const;
  const streams = [records, tombstones, audit, plans];
  for (;;) {
    const ids = (await Promise.all(streams.map((stream) => stream.id()))).filter((id) => id !== null);
    if (ids.length === 0) return;
    const id = ids.reduce((least, one) => (one < least ? one : least));
    const [record = null] = await records.take(id);
    const [tombstone = null] = await tombstones.take(id);
    yield { id, record, tombstone, audit: await audit.take(id), plans: await plans.take(id) };
  }
}

/** The same of one remediation, as it is now. */
export async function rowsOfRemediation(table: Table, shard: string, id: string): Promise<RemediationRows> {
  // The record last: what moves on meanwhile is newer there than its history, and that is seen.
  const kinds = ["x", "p", "a", "r"] as const;
  const rows: Record<(typeof kinds)[number], Row[]> = { x: [], p: [], a: [], r: [] };
  for (const kind of kinds) {
    let from: string | undefined = `${kind}!${id}`;
    while (from !== undefined) {
      const to = `${kind}!${id}~`;
      const page: Page = await table.range(shard, { from, to }, kind === "p" ? PAGE_OF_PLANS : PAGE);
      rows[kind].push(...page.rows);
      from = page.next;
    }
  }
  const [record = null] = rows.r;
  const [tombstone = null] = rows.x;
  return { id, record, tombstone, audit: rows.a, plans: rows.p };
}

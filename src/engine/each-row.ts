import type { Range, Row, Table } from "../store/table.ts";

const PAGE = 1_000;

/** Every row of a range, page by page. Raises `StoreUnreachable`. */
export async function* eachRow(table: Table, partition: string, range: Range): AsyncGenerator<Row> {
  let from: string | undefined = range.from;
  while (from !== undefined) {
    const page = await table.range(partition, { from, to: range.to }, PAGE);
    yield* page.rows;
    from = page.next;
  }
}

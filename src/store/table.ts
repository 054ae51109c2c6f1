/** What a cell may hold: Table Storage's own types, as far as we use them. Bytes at most 64 KiB, text at most 32 K characters. */
export type Cell = string | number | boolean | Uint8Array;

/** One row with its ETag. Partition and row key are not among the cells. */
export interface Row {
  readonly partition: string;
  readonly key: string;
  readonly etag: string;
  readonly cells: Readonly<Record<string, Cell>>;
}

/** One change of a transaction. `replace` and `delete` are conditional where an ETag is given; `*` means "must exist". */
export type Operation =
  | { readonly do: "insert"; readonly key: string; readonly cells: Readonly<Record<string, Cell>> }
  | {
      readonly do: "replace";
      readonly key: string;
      readonly cells: Readonly<Record<string, Cell>>;
      readonly etag: string;
    }
  | { readonly do: "upsert"; readonly key: string; readonly cells: Readonly<Record<string, Cell>> }
  | { readonly do: "delete"; readonly key: string; readonly etag: string };

/** A stretch of row keys of one partition: `from` is included, `to` is not. */
export interface Range {
  readonly from: string;
  readonly to: string;
}

/** One page of a range, in the order of the row keys; `next` is where to go on, absent at the end. */
export interface Page {
  readonly rows: readonly Row[];
  readonly next?: string;
}

/**
 * The table: four operations, no policy. `transact` is atomic inside one partition (at most 100 changes, each row
 * once, 4 MiB) and returns the new ETags by row key. Errors: `RowConflict` where the table says 409, 412 or 404
 * (which proves nothing about who did it: the client repeats lost requests), `StoreUnreachable` where nobody answered.
 */
export interface Table {
  get(partition: string, key: string): Promise<Row | null>;
  range(partition: string, range: Range, limit: number): Promise<Page>;
  transact(partition: string, operations: readonly Operation[]): Promise<ReadonlyMap<string, string>>;
  /** Makes the table if it is not there. */
  prepare(): Promise<void>;
}

/** The table refused a transaction: a row existed, had moved, or was missing. Nothing of it was written, or all of it earlier. */
export class RowConflict extends Error {
  readonly status: 404 | 409 | 412;

  constructor(status: 404 | 409 | 412, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "RowConflict";
    this.status = status;
  }
}

/** Nobody answered, or the answer was lost: whether it was written is not known. */
export class StoreUnreachable extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "StoreUnreachable";
  }
}

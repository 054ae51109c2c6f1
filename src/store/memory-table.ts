import { createOrderedKeys, type OrderedKeys } from "./ordered-keys.ts";
import {
  type Cell,
  type Operation,
  type Page,
  type Range,
  type Row,
  RowConflict,
  type Table,
} from "./table.ts";
import { checkKey, checkRange, checkTransaction } from "./table-limits.ts";

/** What was asked of a memory table so far; a refused transaction counts, since the cloud bills it too. */
interface TableCounts {
  readonly transactions: number;
  /** Of these, how many ended with a `RowConflict`. */
  readonly refused: number;
  /** Point reads, found or not. */
  readonly reads: number;
  readonly pages: number;
  /** Rows that came back, by point reads and in pages. */
  readonly rowsRead: number;
}

/** A table in memory, with what a test wants to see beside the four operations. */
export interface MemoryTable extends Table {
  /** Every row, ordered by partition and key; copies. */
  snapshot(): Row[];
  /** A copy of the counts up to now. */
  counts(): TableCounts;
}

interface Stored {
  readonly etag: string;
  readonly cells: Readonly<Record<string, Cell>>;
}

/** The rows of one partition and their keys in order. */
interface Partition {
  readonly rows: Map<string, Stored>;
  readonly keys: OrderedKeys;
}

/**
 * A table in memory that keeps and refuses what Azure Table Storage does: its limits (`LimitExceeded`), conflicts,
 * atomic transactions, ordinal order. Rows are copied in and out. `longestPage` cuts every page at so many rows,
 * whatever was asked for, as the service may.
 */
export function createMemoryTable(options: { readonly longestPage?: number } = {}): MemoryTable {
  const partitions = new Map<string, Partition>();
  const counts = { transactions: 0, refused: 0, reads: 0, pages: 0, rowsRead: 0 };
  // Never used twice, also not for a row that is made anew.
  let lastEtag = 0;

  const write = (partition: Partition, operation: Operation): string | null => {
    if (operation.do === "delete") {
      partition.rows.delete(operation.key);
      partition.keys.remove(operation.key);
      return null;
    }
    if (!partition.rows.has(operation.key)) {
      partition.keys.add(operation.key);
    }
    lastEtag += 1;
    const etag = `W/"${lastEtag}"`;
    partition.rows.set(operation.key, { etag, cells: copyOf(operation.cells) });
    return etag;
  };

  return {
    async get(partition, key) {
      checkKey("partition", partition);
      checkKey("row", key);
      counts.reads += 1;
      const stored = partitions.get(partition)?.rows.get(key);
      if (stored === undefined) {
        return null;
      }
      counts.rowsRead += 1;
      return rowOf(partition, key, stored);
    },

    async range(partition, range, limit) {
      checkRange(partition, range, limit);
      const page = pageOf(
        partition,
        partitions.get(partition),
        range,
        Math.min(limit, options.longestPage ?? limit),
      );
      counts.pages += 1;
      counts.rowsRead += page.rows.length;
      return page;
    },

    async transact(partition, operations) {
      checkTransaction(partition, operations);
      counts.transactions += 1;
      const held = partitions.get(partition) ?? { rows: new Map(), keys: createOrderedKeys() };
      for (const operation of operations) {
        const conflict = conflictOf(operation, held.rows.get(operation.key));
        if (conflict !== null) {
          counts.refused += 1;
          throw conflict;
        }
      }
      partitions.set(partition, held);
      const etags = new Map<string, string>();
      for (const operation of operations) {
        const etag = write(held, operation);
        if (etag !== null) {
          etags.set(operation.key, etag);
        }
      }
      return etags;
    },

    // A memory table is there from the start.
    async prepare() {},

    snapshot() {
      const everything = [...partitions].sort(([a], [b]) => (a < b ? -1 : 1));
      return everything.flatMap(([name, { rows, keys }]) =>
        [...keys.from("")].flatMap((key) => {
          const stored = rows.get(key);
          return stored === undefined ? [] : [rowOf(name, key, stored)];
        }),
      );
    },

    counts: () => ({ ...counts }),
  };
}

function pageOf(name: string, partition: Partition | undefined, range: Range, limit: number): Page {
  const rows: Row[] = [];
  for (const key of partition?.keys.from(range.from) ?? []) {
    if (key >= range.to) {
      break;
    }
    if (rows.length === limit) {
      return { rows, next: key };
    }
    const stored = partition?.rows.get(key);
    if (stored !== undefined) {
      rows.push(rowOf(name, key, stored));
    }
  }
  return { rows };
}

/** Why the service would refuse this change of this row, or null. A missing row is 404 also where an ETag was given. */
function conflictOf(operation: Operation, stored: Stored | undefined): RowConflict | null {
  if (operation.do === "upsert") {
    return null;
  }
  if (operation.do === "insert") {
    return stored === undefined ? null : new RowConflict(409, `The row ${operation.key} is there already.`);
  }
  if (stored === undefined) {
    return new RowConflict(404, `There is no row ${operation.key}.`);
  }
  if (operation.etag !== "*" && operation.etag !== stored.etag) {
    return new RowConflict(412, `The row ${operation.key} has changed since it was read.`);
  }
  return null;
}

function rowOf(partition: string, key: string, stored: Stored): Row {
  return { partition, key, etag: stored.etag, cells: copyOf(stored.cells) };
}

function copyOf(cells: Readonly<Record<string, Cell>>): Record<string, Cell> {
  return Object.fromEntries(
    Object.entries(cells).map(([name, cell]) => {
      if (cell instanceof Uint8Array) {
        return [name, new Uint8Array(cell)];
      }
      // On the wire there is no negative zero.
      return [name, cell === 0 ? 0 : cell];
    }),
  );
}

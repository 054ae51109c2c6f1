import { odata, type TableClient, type TransactionAction } from "@azure/data-tables";
import { createConditionalDeletes } from "./conditional-deletes.ts";
import { toStoreError } from "./store-error.ts";
import {
  type Cell,
  type Operation,
  type Page,
  type Row,
  RowConflict,
  StoreUnreachable,
  type Table,
} from "./table.ts";
import { checkKey, checkRange, checkTransaction } from "./table-limits.ts";

/** One outside call takes 10 s at most, the client's own repeats included; a lease is built on that. */
const CALL_MS = 10_000;

/** What the service and the client put beside the cells of a row. */
const NO_CELLS = new Set(["partitionKey", "rowKey", "etag", "timestamp"]);

type Entity = Readonly<Record<string, unknown>>;

/**
 * A table of Azure Table Storage. One change is a transaction too, so every refusal has one shape. Limits are
 * checked before sending (`LimitExceeded`). Numbers are kept as doubles, whole ones too: one type, and they come
 * back as numbers; `Int64` would come back as bigint. The client gets one policy; give each table its own.
 */
export function createAzureTable({ client }: { readonly client: TableClient }): Table {
  const deletes = createConditionalDeletes();
  // In the first phase: the policy that signs with a key also counts the length of the body.
  client.pipeline.addPolicy(deletes.policy, { phase: "Serialize" });

  return {
    async get(partition, key) {
      checkKey("partition", partition);
      checkKey("row", key);
      try {
        const entity = await client.getEntity(partition, key, { abortSignal: timeLimit() });
        return toRow(partition, entity);
      } catch (error) {
        const meaning = toStoreError(error, "get");
        if (meaning instanceof RowConflict && meaning.status === 404) {
          return null;
        }
        throw meaning;
      }
    },

    async range(partition, range, limit) {
      checkRange(partition, range, limit);
      const filter = odata`PartitionKey eq ${partition} and RowKey ge ${range.from} and RowKey lt ${range.to}`;
      try {
        const pages = client
          .listEntities({ queryOptions: { filter }, abortSignal: timeLimit() })
          .byPage({ maxPageSize: limit });
        // The service may send an empty page that goes on; nobody asked for those.
        for await (const page of pages) {
          if (page.length > 0 || page.continuationToken === undefined) {
            return toPage(partition, page, page.continuationToken !== undefined);
          }
        }
        return { rows: [] };
      } catch (error) {
        throw toStoreError(error, "range");
      }
    },

    async transact(partition, operations) {
      checkTransaction(partition, operations);
      const signal = timeLimit();
      const conditions = operations.flatMap((operation) =>
        operation.do === "delete" ? [operation.etag] : [],
      );
      deletes.expect(signal, conditions);
      const actions = operations.map((operation) => toAction(partition, operation));
      try {
        const { subResponses } = await client.submitTransaction(actions, { abortSignal: signal });
        return etagsOf(operations, subResponses);
      } catch (error) {
        throw toStoreError(error, "transact");
      }
    },

    async prepare() {
      try {
        await client.createTable({ abortSignal: timeLimit() });
      } catch (error) {
        throw toStoreError(error, "prepare");
      }
    },
  };
}

function timeLimit(): AbortSignal {
  return AbortSignal.timeout(CALL_MS);
}

function toAction(partition: string, operation: Operation): TransactionAction {
  const keys = { partitionKey: partition, rowKey: operation.key };
  switch (operation.do) {
    case "insert":
      return ["create", { ...keys, ...toProperties(operation.cells) }];
    case "upsert":
      return ["upsert", { ...keys, ...toProperties(operation.cells) }, "Replace"];
    case "replace":
      return ["update", { ...keys, ...toProperties(operation.cells) }, "Replace", { etag: operation.etag }];
    case "delete":
      return ["delete", keys];
  }
}

function toProperties(cells: Readonly<Record<string, Cell>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(cells).map(([name, cell]) => [
      name,
      typeof cell === "number" ? { type: "Double", value: cell } : cell,
    ]),
  );
}

/** The answers stand in the order of the changes; only inserts name their row. */
function etagsOf(
  operations: readonly Operation[],
  answers: readonly { readonly etag?: string }[],
): ReadonlyMap<string, string> {
  const etags = new Map<string, string>();
  for (const [place, operation] of operations.entries()) {
    const etag = answers[place]?.etag;
    if (operation.do === "delete") {
      continue;
    }
    if (etag === undefined) {
      throw new StoreUnreachable(`transact: the answer names no ETag for ${operation.key}.`);
    }
    etags.set(operation.key, etag);
  }
  return etags;
}

function toPage(partition: string, entities: readonly Entity[], goesOn: boolean): Page {
  const rows = entities.map((entity) => toRow(partition, entity));
  const last = rows.at(-1);
  // The service's own token is opaque and may not be kept. The least key behind another is that key with a space:
  // all characters below it are forbidden in keys.
  return goesOn && last !== undefined ? { rows, next: `${last.key} ` } : { rows };
}

function toRow(partition: string, entity: Entity): Row {
  const { rowKey, etag } = entity;
  if (typeof rowKey !== "string" || typeof etag !== "string") {
    throw new TypeError("A row came back without its key or its ETag.");
  }
  const cells = Object.entries(entity).flatMap(([name, value]): [string, Cell][] =>
    NO_CELLS.has(name) || name.startsWith("odata.") ? [] : [[name, toCell(rowKey, name, value)]],
  );
  return { partition, key: rowKey, etag, cells: Object.fromEntries(cells) };
}

function toCell(key: string, name: string, value: unknown): Cell {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  if (value instanceof Uint8Array) {
    return new Uint8Array(value);
  }
  throw new TypeError(`${name} in the row ${key} has a type that is never written here.`);
}

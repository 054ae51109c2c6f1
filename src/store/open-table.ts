import type { TableClient, TableServiceClientOptions } from "@azure/data-tables";
import type { Table } from "./table.ts";

/** Whatever gives Entra tokens, such as a credential of `@azure/identity`. */
interface TokenSource {
  getToken(scopes: string | string[]): Promise<{ token: string; expiresOnTimestamp: number } | null>;
}

/** Where the tables are, and as whom: a connection string for an emulator, an endpoint with an identity for the cloud. */
export type TableSettings =
  | { readonly connectionString: string }
  | { readonly endpoint: string; readonly credential: TokenSource };

/** What a test or a proxy puts into the client's pipeline. */
export type TableTransport = Pick<TableServiceClientOptions, "httpClient" | "additionalPolicies">;

/** Three repeats within the ten seconds of a call. A repeated write may meet its own success: see `RowConflict`. */
const RETRIES = { maxRetries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 };

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Opens a table of an account. The client library is loaded and the client made with the first call. Plain HTTP is
 * allowed to this machine only: elsewhere every call fails. The table need not exist: `prepare` makes it.
 */
export function openTable(settings: TableSettings, name: string, transport: TableTransport = {}): Table {
  let opened: Promise<Table> | undefined;
  const open = (): Promise<Table> => {
    opened ??= connect(settings, name, transport);
    return opened;
  };
  return {
    get: async (partition, key) => (await open()).get(partition, key),
    range: async (partition, range, limit) => (await open()).range(partition, range, limit),
    transact: async (partition, operations) => (await open()).transact(partition, operations),
    prepare: async () => (await open()).prepare(),
  };
}

async function connect(settings: TableSettings, name: string, transport: TableTransport): Promise<Table> {
  const [tables, { createAzureTable }] = await Promise.all([
    import("@azure/data-tables"),
    import("./azure-table.ts"),
  ]);
  const options = { ...transport, retryOptions: RETRIES, allowInsecureConnection: isLocal(settings) };
  const client: TableClient =
    "connectionString" in settings
      ? tables.TableClient.fromConnectionString(settings.connectionString, name, options)
      : new tables.TableClient(settings.endpoint, name, settings.credential, options);
  return createAzureTable({ client });
}

/** Whether the tables are on this machine, so that plain HTTP gives nothing away. */
function isLocal(settings: TableSettings): boolean {
  const endpoint =
    "connectionString" in settings
      ? /(?:^|;)\s*TableEndpoint=([^;]+)/i.exec(settings.connectionString)?.[1]
      : settings.endpoint;
  const url = URL.parse(endpoint?.trim() ?? "");
  return url?.protocol === "http:" && LOOPBACK.has(url.hostname);
}

import type { EvidenceStore } from "../model/evidence-port.ts";
import type { TableSettings } from "./open-table.ts";

/** Where the container is, and as whom: as with the tables. */
export type EvidenceSettings = TableSettings & { readonly container: string };

/** Three tries within the ten seconds of a call. A repeated write may meet its own success, which counts as written. */
const RETRIES = { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 };
const CONTAINER = /^[a-z0-9](?:-?[a-z0-9]){2,62}$/;

/**
 * Opens the container in which evidence is kept. The client library is loaded and the client made with the first call.
 * Raises an error for what is no name of a container, or no address.
 */
export function openEvidence(settings: EvidenceSettings): EvidenceStore {
  const { container } = settings;
  if (!CONTAINER.test(container)) {
    throw new Error(`REFLEX_EVIDENCE_CONTAINER is not the name of a blob container: ${container}`);
  }
  const place = `${accountOf(settings)}/${container}`;
  let opened: Promise<EvidenceStore> | undefined;
  const open = (): Promise<EvidenceStore> => {
    opened ??= connect(settings, place);
    return opened;
  };
  return {
    place,
    put: async (name, bytes) => (await open()).put(name, bytes),
    read: async (name) => (await open()).read(name),
    list: async (prefix) => (await open()).list(prefix),
  };
}

async function connect(settings: EvidenceSettings, place: string): Promise<EvidenceStore> {
  const [{ BlobServiceClient }, { createBlobEvidence }] = await Promise.all([
    import("@azure/storage-blob"),
    import("./blob-evidence.ts"),
  ]);
  const options = { retryOptions: RETRIES };
  const service =
    "connectionString" in settings
      ? BlobServiceClient.fromConnectionString(settings.connectionString, options)
      : new BlobServiceClient(settings.endpoint, settings.credential, options);
  return createBlobEvidence(service.getContainerClient(settings.container), place);
}

/** The account, as people know it; never a key. */
function accountOf(settings: TableSettings): string {
  if ("connectionString" in settings) {
    const account = /(?:^|;)\s*AccountName=([^;]+)/i.exec(settings.connectionString)?.[1];
    if (account === undefined)
      throw new Error("REFLEX_EVIDENCE is not the connection string of a storage account.");
    return account.trim();
  }
  const url = URL.parse(settings.endpoint.trim());
  if (url === null) throw new Error("REFLEX_EVIDENCE__blobServiceUri is not an address.");
  return url.hostname;
}

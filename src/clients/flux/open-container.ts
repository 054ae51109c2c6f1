import type { TokenCredential } from "@azure/identity";
import type { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";

/**
 * The client of a container, by its address. Retries are the engine's: a repeated write would be told 412 by its own
 * success. No redirect is followed. The library is loaded by this.
 */
export async function openContainer(
  url: string,
  credential: TokenCredential | StorageSharedKeyCredential,
): Promise<ContainerClient> {
  const { ContainerClient } = await import("@azure/storage-blob");
  // The library passes what it does not know of itself on to the pipeline below, which knows redirects.
  const options = { retryOptions: { maxTries: 1 }, redirectOptions: { maxRetries: 0 } };
  return new ContainerClient(url, credential, options);
}

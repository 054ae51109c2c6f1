import { BlobServiceClient } from "@azure/storage-blob";

/** Makes the container for evidence where it is not there yet: in Azure the operator does. */
export async function makeContainer(connectionString: string, name: string): Promise<void> {
  await BlobServiceClient.fromConnectionString(connectionString).getContainerClient(name).createIfNotExists();
}

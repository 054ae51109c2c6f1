import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TableClient } from "@azure/data-tables";
import { BlobServiceClient } from "@azure/storage-blob";
import { expect, it, onTestFinished } from "vitest";
import { type AzuriteOptions, startAzurite } from "../../../local/azurite/index.ts";

async function start(options: AzuriteOptions = {}) {
  const azurite = await startAzurite(options);
  onTestFinished(() => azurite.stop());
  const table = TableClient.fromConnectionString(azurite.connectionString, "rows", {
    allowInsecureConnection: true,
  });
  return { azurite, table };
}

it("serves tables and blobs in memory and frees its ports when stopped", async () => {
  const { azurite, table } = await start();
  await table.createTable();
  await table.createEntity({ partitionKey: "p", rowKey: "r", count: 1 });
  await expect(table.createEntity({ partitionKey: "p", rowKey: "r" })).rejects.toMatchObject({
    statusCode: 409,
  });
  const blobs = BlobServiceClient.fromConnectionString(azurite.connectionString);
  const container = blobs.getContainerClient("evidence");
  await container.create();
  const blob = container.getBlockBlobClient("log");
  await blob.upload("text", 4);
  expect((await blob.downloadToBuffer()).toString()).toBe("text");
  await azurite.stop();
  await azurite.stop();
  await expect(fetch(azurite.tableUrl)).rejects.toThrow("fetch failed");
});

it("keeps a row that was written right before the stop, and comes back on the same port", async () => {
  const directory = await mkdtemp(join(tmpdir(), "azurite-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const first = await start({ directory });
  await first.table.createTable();
  await first.table.createEntity({ partitionKey: "p", rowKey: "last" });
  await first.azurite.stop();
  const { tablePort, blobPort } = first.azurite;
  const second = await start({ directory, tablePort, blobPort });
  expect(second.azurite.connectionString).toBe(first.azurite.connectionString);
  expect(await second.table.getEntity("p", "last")).toMatchObject({ rowKey: "last" });
});

it("tells what Azurite said when it cannot start", async () => {
  const { azurite } = await start();
  await expect(startAzurite({ tablePort: azurite.tablePort })).rejects.toThrow(String(azurite.tablePort));
});

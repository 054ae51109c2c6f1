import { createServer, type Server } from "node:http";
import { BlobServiceClient } from "@azure/storage-blob";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Azurite, startAzurite } from "../../local/azurite/index.ts";
import { Permanent, Retryable } from "../../src/model/errors.ts";
import type { EvidenceStore } from "../../src/model/evidence-port.ts";
import { createMemoryEvidence } from "../../src/store/memory-evidence.ts";
import { openEvidence } from "../../src/store/open-evidence.ts";
import { evidenceContract } from "./evidence-contract.ts";

let azurite: Azurite;
let blobs: EvidenceStore;
const servers: Server[] = [];

beforeAll(async () => {
  azurite = await startAzurite();
  const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
  await service.getContainerClient("evidence").create();
  blobs = openEvidence({ connectionString: azurite.connectionString, container: "evidence" });
}, 60_000);
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
});
afterAll(() => azurite.stop());

const memory = createMemoryEvidence();
evidenceContract("memory", () => memory);
evidenceContract("Azure Blob Storage", () => blobs);

const FILE = new TextEncoder().encode("x");

/** A store whose service answers everything so; it counts what it is asked. */
async function answering(
  status: number,
  code: string,
): Promise<{ store: EvidenceStore; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    request.resume().on("end", () => {
      response.writeHead(status, { "x-ms-error-code": code, "content-type": "application/xml" });
      response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>secret words</Message></Error>`);
    });
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const connectionString = azurite.connectionString.replace(
    `BlobEndpoint=${azurite.blobUrl}`,
    `BlobEndpoint=http://127.0.0.1:${port}/reflexlocal`,
  );
  return { store: openEvidence({ connectionString, container: "evidence" }), asked: () => asked };
}

describe("what Azure Blob Storage refuses", () => {
  it.each([
    [403, "AuthorizationPermissionMismatch", "Grant the app's identity"],
    [401, "NoAuthenticationInformation", "Grant the app's identity"],
    [404, "ContainerNotFound", "Create the container"],
    [409, "ContainerBeingDeleted", "Look at the container"],
  ])("is told as lasting, with what to do: %i %s", async (status, code, advice) => {
    const { store, asked } = await answering(status, code);
    for (const call of [() => store.put("a/b", FILE), () => store.read("a/b"), () => store.list("a/")]) {
      const error: unknown = await call().catch((raised: unknown) => raised);
      expect(error).toBeInstanceOf(Permanent);
      expect(error).toMatchObject({ advice: expect.stringContaining(advice) });
      expect(String(error)).toContain("reflexlocal/evidence");
      expect(JSON.stringify([String(error), String(Reflect.get(Object(error), "cause"))])).not.toContain(
        "secret",
      );
    }
    expect(asked()).toBe(3);
  });

  it("is told as passing where the service is busy", async () => {
    const { store } = await answering(503, "ServerBusy");
    await expect(store.put("a/b", FILE)).rejects.toThrow(Retryable);
    await expect(store.read("a/b")).rejects.toThrow(Retryable);
  });

  it.each(["BlobAlreadyExists", "BlobImmutableDueToPolicy"])(
    "counts as there where it is: %s",
    async (code) => {
      const { store } = await answering(409, code);
      expect(await store.put("a/b", FILE)).toBe("there");
    },
  );

  it("is told as passing where nobody is there", async () => {
    const nowhere = azurite.connectionString.replace(azurite.blobUrl, "http://127.0.0.1:9/reflexlocal");
    const store = openEvidence({ connectionString: nowhere, container: "evidence" });
    await expect(store.list("")).rejects.toThrow(Retryable);
  });
});

describe("the settings of the store", () => {
  const { connectionString } = { connectionString: "AccountName=kept;AccountKey=c2VjcmV0;" };

  it("name the account and the container, never a key", () => {
    expect(openEvidence({ connectionString, container: "evidence" }).place).toBe("kept/evidence");
    const credential = { getToken: () => Promise.resolve(null) };
    const endpoint = "https://kept.blob.core.windows.net";
    expect(openEvidence({ endpoint, credential, container: "evidence" }).place).toBe(
      "kept.blob.core.windows.net/evidence",
    );
  });

  it.each([
    ["a container of another form", { connectionString, container: "Evidence" }],
    ["a connection string without an account", { connectionString: "x=y", container: "evidence" }],
    ["no address", { endpoint: "kept", credential: { getToken: async () => null }, container: "evidence" }],
  ])("are refused at once where they hold %s", (_what, settings) => {
    expect(() => openEvidence(settings)).toThrow(/REFLEX_EVIDENCE/);
  });
});

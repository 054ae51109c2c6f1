import type { ContainerClient } from "@azure/storage-blob";
import { isNoBlob } from "../clients/blob-answer.ts";
import type { EvidenceStore } from "../model/evidence-port.ts";
import { evidenceFault, isThere } from "./evidence-fault.ts";
import { checkEvidenceName, checkEvidencePrefix } from "./evidence-names.ts";

/** One outside call takes 10 s at most, the client's own repeats included; a lease is built on that. */
const CALL_MS = 10_000;
/** A remediation keeps some tens of files; nobody asks for more than those of one. */
const MOST_NAMES = 1_000;

/**
 * Evidence in a container of Azure Blob Storage. A file is written only where there is none of its name, a condition that
 * the service itself judges; nothing here changes or deletes one. The container has to be there.
 */
export function createBlobEvidence(client: ContainerClient, place: string): EvidenceStore {
  return {
    place,
    async put(name, bytes) {
      checkEvidenceName(name);
      try {
        await client.getBlockBlobClient(name).upload(Buffer.from(bytes), bytes.byteLength, {
          conditions: { ifNoneMatch: "*" },
          // A log is whatever somebody printed: no browser is to take it for a page.
          blobHTTPHeaders: { blobContentType: "application/octet-stream" },
          abortSignal: AbortSignal.timeout(CALL_MS),
        });
        return "kept";
      } catch (error) {
        if (isThere(error)) return "there";
        throw evidenceFault(error, place, "written");
      }
    },
    async read(name) {
      checkEvidenceName(name);
      try {
        const abortSignal = AbortSignal.timeout(CALL_MS);
        const { readableStreamBody } = await client
          .getBlobClient(name)
          .download(0, undefined, { abortSignal });
        const chunks: Buffer[] = [];
        for await (const chunk of readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
        return new Uint8Array(Buffer.concat(chunks));
      } catch (error) {
        if (isNoBlob(error)) return null;
        throw evidenceFault(error, place, "read");
      }
    },
    async list(prefix) {
      checkEvidencePrefix(prefix);
      try {
        const abortSignal = AbortSignal.timeout(CALL_MS);
        const names: string[] = [];
        for await (const { name } of client.listBlobsFlat({ prefix, abortSignal })) {
          names.push(name);
          if (names.length === MOST_NAMES) break;
        }
        return names.toSorted();
      } catch (error) {
        throw evidenceFault(error, place, "listed");
      }
    },
  };
}

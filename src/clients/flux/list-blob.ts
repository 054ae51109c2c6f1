import type { ContainerClient } from "@azure/storage-blob";
import { Permanent } from "../../model/errors.ts";
import { inTime } from "../arm/in-time.ts";
import { isNoBlob } from "../blob-answer.ts";
import { blobFault } from "./blob-fault.ts";

/** Name of the one blob that the app writes. */
export const LIST_BLOB = "blocked-images.yaml";

/** What was laid out, and the version that a change of it demands. */
export interface LaidOut {
  readonly text: string;
  readonly etag: string;
}

/** The blob with the list. Errors: `Retryable` (no answer, throttled; at once where the list moved), `Permanent` (401, 403, no container). */
export interface ListBlob {
  /** Null: there is none yet. */
  read(): Promise<LaidOut | null>;
  /** Writes it whole, in place of that version only (null: where there is none). */
  write(text: string, etag: string | null): Promise<string>;
}

/** More than a list that is full. */
const MOST_BYTES = 4 * 1024 * 1024;

/** The blob in a container; `open` is asked with the first call. */
export function createListBlob(
  open: () => Promise<ContainerClient>,
  place: string,
  timeoutMs: number,
): ListBlob {
  let opened: Promise<ContainerClient> | undefined;
  const call = async <T>(
    method: "GET" | "PUT",
    send: (client: ContainerClient, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    try {
      return await inTime(timeoutMs, async (signal) => {
        opened ??= open();
        return send(await opened, signal);
      });
    } catch (error) {
      throw blobFault(error, `${method} ${place}`);
    }
  };
  return {
    read: () =>
      call("GET", async (client, abortSignal) => {
        try {
          const answer = await client.getBlobClient(LIST_BLOB).download(0, undefined, { abortSignal });
          return { text: await textOf(answer.readableStreamBody ?? [], place), etag: etagOf(answer, place) };
        } catch (error) {
          if (isNoBlob(error)) return null;
          throw error;
        }
      }),
    write: (text, etag) =>
      call("PUT", async (client, abortSignal) => {
        const answer = await client
          .getBlockBlobClient(LIST_BLOB)
          .upload(Buffer.from(text), Buffer.byteLength(text), {
            conditions: etag === null ? { ifNoneMatch: "*" } : { ifMatch: etag },
            blobHTTPHeaders: { blobContentType: "application/yaml" },
            abortSignal,
          });
        return etagOf(answer, place);
      }),
  };
}

async function textOf(
  body: AsyncIterable<Buffer | string> | readonly Buffer[],
  place: string,
): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    // Leaving the loop destroys the stream, so that the rest is not fetched.
    if (size > MOST_BYTES) throw notOurs(place);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function etagOf({ etag }: { readonly etag?: string | undefined }, place: string): string {
  if (etag === undefined || etag === "") throw notOurs(place);
  return etag;
}

/** What lies there is no list of ours, and is not written over. */
export function notOurs(place: string): Permanent {
  return new Permanent(
    `What lies at ${place} is not the list of blocked images.`,
    "Look at who writes there; put the list back, or remove the blob to begin with an empty one.",
  );
}

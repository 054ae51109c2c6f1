import type { Dispatcher, request } from "undici";

/** What a GET gave, as it came over the wire; `cut`: there was more than was wanted; `type`: what it says that it is. */
export interface RawAnswer {
  readonly bytes: Uint8Array;
  readonly cut: boolean;
  readonly type: string;
}

/**
 * Asks for a path of the API server and takes so many bytes of the answer. Raises what the typed client raises: an error
 * with code, body and headers, or the network's.
 */
export type RawGet = (path: string, mostBytes: number) => Promise<RawAnswer>;

const MOST_ERROR_BYTES = 64 * 1024;

/**
 * GETs beside the typed client, which would decode a log as text, leave out what its types do not know, and has no
 * way to stop in the middle of an answer. No redirect is followed.
 */
export function openRawGet(means: {
  readonly request: typeof request;
  readonly dispatcher: Dispatcher;
  readonly server: string;
  readonly timeoutMs: number;
  readonly bearer: () => string | undefined;
}): RawGet {
  return async (path, mostBytes) => {
    const bearer = means.bearer();
    const { statusCode, headers, body } = await means.request(`${means.server}${path}`, {
      dispatcher: means.dispatcher,
      signal: AbortSignal.timeout(means.timeoutMs),
      headers: {
        accept: "application/json, */*",
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      },
    });
    const isGood = statusCode >= 200 && statusCode < 300;
    const taken = await firstBytes(body, isGood ? mostBytes : MOST_ERROR_BYTES);
    if (isGood) return { ...taken, type: String(headers["content-type"] ?? "") };
    throw Object.assign(new Error("The API server refused."), {
      code: statusCode,
      body: Buffer.from(taken.bytes).toString(),
      // Over HTTP/2 they come with more than names of headers among their keys.
      headers: Object.fromEntries(Object.entries(headers)),
    });
  };
}

async function firstBytes(body: AsyncIterable<Uint8Array>, most: number): Promise<Omit<RawAnswer, "type">> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.byteLength;
    // Leaving the loop ends the connection's answer.
    if (size > most) break;
  }
  return { bytes: new Uint8Array(Buffer.concat(chunks).subarray(0, most)), cut: size > most };
}

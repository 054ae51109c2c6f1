import type { HttpClient, PipelineRequest, PipelineResponse } from "@azure/core-rest-pipeline";
import type { ArmEndpoint } from "./arm-endpoint.ts";
import { StrangeAnswer } from "./classify-fault.ts";

/** No record that we read comes near it. */
const MOST_BYTES = 1024 * 1024;
const JSON_TYPE = /^(?:application|text)\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;
const EVERY_STATUS = new Set([Number.POSITIVE_INFINITY]);
/** Codes of Node for a connection that the other side closed. */
const CLOSED = new Set(["ECONNRESET", "EPIPE"]);

/**
 * The HTTP client under a pipeline: answers are whole, bounded, and JSON where they say success; a login page with 200
 * is none. Raises `StrangeAnswer` on others. A GET on a connection that was closed before any answer is asked again
 * once, over a new one. Requests to the cloud's origin go to the stand-in where there is one, last of all, so that every
 * policy above it works as in Azure.
 */
export function boundedClient(inner: HttpClient, endpoint: ArmEndpoint): HttpClient {
  return {
    async sendRequest(request) {
      const response = await answerTo(addressed(request, endpoint), inner);
      const text = await readBounded(response);
      const isSuccess = response.status >= 200 && response.status < 300;
      if (isSuccess && text !== "" && !JSON_TYPE.test(response.headers.get("content-type") ?? "")) {
        throw new StrangeAnswer("The answer is no JSON.");
      }
      const { readableStreamBody: _read, ...whole } = response;
      return { ...whole, request, bodyAsText: text };
    },
  };
}

/**
 * The answer to a request. A kept connection may be closed by the other side in the very moment in which it is used, and
 * what only reads may then be sent again (RFC 9110, 9.2.2); what acts may not.
 */
async function answerTo(request: PipelineRequest, inner: HttpClient): Promise<PipelineResponse> {
  try {
    return await inner.sendRequest(request);
  } catch (error) {
    if (request.method !== "GET" || !wasClosed(error)) throw error;
    return inner.sendRequest({ ...request, disableKeepAlive: true });
  }
}

function wasClosed(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && typeof error.code === "string" && CLOSED.has(error.code)
  );
}

function addressed(request: PipelineRequest, { standIn }: ArmEndpoint): PipelineRequest {
  const asked = { ...request, streamResponseStatusCodes: EVERY_STATUS };
  if (standIn === null) return asked;
  const { pathname, search } = new URL(request.url);
  const { agent: _agent, proxySettings: _proxy, ...direct } = asked;
  return { ...direct, url: new URL(pathname + search, standIn).href, allowInsecureConnection: true };
}

/** The whole body. Raises `StrangeAnswer` where it is too large, and what reading raises where it breaks off. */
async function readBounded({ readableStreamBody, bodyAsText }: PipelineResponse): Promise<string> {
  if (readableStreamBody === undefined) return bodyAsText ?? "";
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of readableStreamBody) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    // Leaving the loop destroys the stream, so that the rest is not fetched.
    if (size > MOST_BYTES) throw new StrangeAnswer(`The answer is larger than ${MOST_BYTES} bytes.`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

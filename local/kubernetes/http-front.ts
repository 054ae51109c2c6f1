import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiAnswer } from "./api-request.ts";
import type { Handled, RawRequest } from "./api-server.ts";
import type { FaultyAnswer, InjectedFaults } from "./injected-faults.ts";
import type { Watch } from "./watch-stream.ts";

/** One request as it was answered; status 0 where no answer went out. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly status: number;
  readonly user: string;
  readonly contentType: string;
}

/** What the front asks behind it. */
export interface Backend {
  readonly faults: InjectedFaults;
  handle(request: RawRequest): Handled;
  /** Answers the stand-in's own paths. */
  control(method: string, path: string, text: string): ApiAnswer;
  record(request: RecordedRequest): void;
}

const controlPrefix = "/_stand-in/";
const loginPage = "<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>";

/** Key and certificate of a server, as PEM. */
export interface ServerIdentity {
  readonly key: string;
  readonly cert: string;
}

/** The HTTP server in front of one stand-in, over TLS with an identity: reads, lets faults happen, answers, records. */
export function httpFront(backend: Backend, tls: ServerIdentity | undefined): Server {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    serve(backend, request, response).catch((error: unknown) => {
      // A fault of the stand-in itself: loud, and never mistaken for an answer of Kubernetes.
      console.error("The Kubernetes stand-in failed:", error);
      response.destroy();
    });
  };
  return tls === undefined ? createServer(answer) : createTlsServer({ ...tls }, answer);
}

async function serve(backend: Backend, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = "", query = ""] = (request.url ?? "").split(/\?(.*)/s);
  const method = request.method ?? "GET";
  const text = await readText(request);
  if (path.startsWith(controlPrefix)) {
    return sendJson(response, backend.control(method, path.slice(controlPrefix.length), text));
  }
  const contentType = (request.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
  const record = (status: number, user: string) =>
    backend.record({ method, path, query, status, user, contentType });

  const fault = backend.faults.take(method, path, query);
  if (fault?.kind === "delay") await sleep(fault.milliseconds);
  const instead = fault === undefined ? undefined : answeredByFault(fault);
  if (instead !== undefined) {
    record(instead.status, "");
    return instead.status === 0 ? undefined : sendJson(response, instead);
  }
  // From here to the answer nothing waits: every request sees and leaves a settled cluster.
  const handled = backend.handle({
    method,
    path,
    query: new URLSearchParams(query),
    contentType,
    userAgent: request.headers["user-agent"] ?? "",
    authorization: request.headers.authorization ?? "",
    text,
    storeNothing: fault?.kind === "not-done",
  });
  const { answer, user } = handled;
  if (fault?.kind === "lost-answer") {
    record(0, user);
    response.destroy();
    return;
  }
  if ("watch" in answer) {
    record(200, user);
    return sendEvents(
      response,
      answer.watch,
      Number(new URLSearchParams(query).get("timeoutSeconds") ?? "0"),
    );
  }
  record(answer.status, user);
  if (fault?.kind === "truncated") return sendHalf(response, answer);
  sendJson(response, answer);
}

// The faults that answer without asking; status 0 is no answer at all.
function answeredByFault(fault: FaultyAnswer): ApiAnswer | undefined {
  if (fault.kind === "hang") return { status: 0, body: "" };
  if (fault.kind === "html")
    return { status: 200, body: loginPage, headers: { "content-type": "text/html" } };
  if (fault.kind !== "status") return undefined;
  return { status: fault.status, body: fault.body ?? "", headers: fault.headers ?? {} };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
  return Buffer.concat(chunks).toString();
}

function sendJson(response: ServerResponse, answer: ApiAnswer): void {
  const { type, bytes } = wire(answer);
  response.writeHead(answer.status, {
    "content-type": type,
    "cache-control": "no-cache, private",
    ...answer.headers,
  });
  response.end(bytes);
}

function sendHalf(response: ServerResponse, answer: ApiAnswer): void {
  const { type, bytes } = wire(answer);
  response.writeHead(answer.status, {
    "content-type": type,
    "content-length": bytes.length,
    ...answer.headers,
  });
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.destroy());
}

function wire({ body, bytes }: ApiAnswer): { type: string; bytes: Buffer } {
  if (bytes !== undefined) return { type: "text/plain", bytes: Buffer.from(bytes) };
  if (typeof body === "string") return { type: "text/plain; charset=utf-8", bytes: Buffer.from(body) };
  return { type: "application/json", bytes: Buffer.from(`${JSON.stringify(body)}\n`) };
}

function sendEvents(response: ServerResponse, watch: Watch, seconds: number): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  const stop = watch((event) => response.write(`${JSON.stringify(event)}\n`));
  const timer = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined;
  response.on("close", () => {
    stop();
    clearTimeout(timer);
  });
}

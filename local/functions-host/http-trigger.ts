import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import type { FunctionApp, InvocationInput, RegisteredFunction } from "./function-app.ts";
import type { HostKeys } from "./host-keys.ts";
import { mayCall } from "./host-keys.ts";
import { parseRoute } from "./http-route.ts";
import type { HttpCookie, HttpData, TypedData } from "./worker-types.ts";

/** What the HTTP triggers need from the host. */
export interface HttpTriggerOptions {
  readonly app: FunctionApp;
  readonly keys: HostKeys;
  readonly routePrefix: string;
  resolve(value: string): string;
  /** Runs an invocation and counts it as running. */
  invoke(target: RegisteredFunction, input: InvocationInput): Promise<TypedData | null | undefined>;
  onError(sentence: string, error: unknown): void;
}

/** Answers one request; the promise ends when the answer has been handed over. */
export type HttpResponder = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

function nullable(entries: Iterable<[string, string]>): Record<string, { readonly value: string }> {
  return Object.fromEntries([...entries].map(([key, value]) => [key, { value }]));
}

async function toInput(
  request: IncomingMessage,
  url: URL,
  parameters: Record<string, string>,
): Promise<InvocationInput> {
  const headers: [string, string][] = [];
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.push([name, Array.isArray(value) ? value.join(", ") : value]);
  }
  const bytes = await buffer(request);
  const http: HttpData = {
    method: request.method ?? "GET",
    url: url.href,
    nullableHeaders: nullable(headers),
    nullableParams: nullable(Object.entries(parameters)),
    ...(bytes.length === 0 ? {} : { body: { bytes } }),
  };
  return { data: { http } };
}

const SAME_SITE = { none: undefined, lax: "Lax", strict: "Strict", explicitNone: "None" } as const;

function toSetCookie(cookie: HttpCookie): string {
  const parts = [`${cookie.name}=${encodeURIComponent(cookie.value)}`];
  const sameSite = SAME_SITE[cookie.sameSite ?? "none"];
  if (cookie.domain?.value !== undefined) parts.push(`Domain=${cookie.domain.value}`);
  if (cookie.path?.value !== undefined) parts.push(`Path=${cookie.path.value}`);
  if (cookie.maxAge?.value !== undefined) parts.push(`Max-Age=${cookie.maxAge.value}`);
  if (cookie.expires?.value !== undefined) {
    parts.push(`Expires=${new Date(cookie.expires.value.seconds * 1000).toUTCString()}`);
  }
  if (cookie.secure?.value === true) parts.push("Secure");
  if (cookie.httpOnly?.value === true) parts.push("HttpOnly");
  if (sameSite !== undefined) parts.push(`SameSite=${sameSite}`);
  return parts.join("; ");
}

function send(response: ServerResponse, answer: TypedData | null | undefined): void {
  const http = answer?.http;
  if (http === undefined) {
    response.writeHead(204).end();
    return;
  }
  const cookies = (http.cookies ?? []).map(toSetCookie);
  response.writeHead(Number(http.statusCode ?? "200"), {
    ...http.headers,
    ...(cookies.length === 0 ? {} : { "set-cookie": cookies }),
  });
  response.end(http.body?.bytes === undefined ? undefined : Buffer.from(http.body.bytes));
}

/**
 * Builds the responder of all HTTP functions of an app: route, method, key, invocation, answer.
 * 400 for a path that cannot be decoded, 404 for an unknown route or method, 401 without the right key,
 * 500 without a body for a function that throws.
 */
export function createHttpResponder(options: HttpTriggerOptions): HttpResponder {
  const entries = [...options.app.functions.values()]
    .filter((target) => target.trigger.type.toLowerCase() === "httptrigger")
    .map((target) => {
      const own = options.resolve(String(target.trigger["route"] ?? target.name));
      const methods = target.trigger["methods"];
      return {
        target,
        route: parseRoute(`${options.routePrefix}/${own}`),
        methods: new Set(Array.isArray(methods) ? methods.map((method) => String(method).toUpperCase()) : []),
      };
    })
    .sort((left, right) => (left.route.order < right.route.order ? -1 : 1));

  return async (request, response, url) => {
    const method = request.method ?? "GET";
    let found: { target: RegisteredFunction; parameters: Record<string, string> } | undefined;
    try {
      for (const { target, route, methods } of entries) {
        const parameters = methods.has(method) ? route.match(url.pathname) : undefined;
        if (parameters !== undefined) {
          found = { target, parameters };
          break;
        }
      }
    } catch {
      response.writeHead(400).end();
      return;
    }
    if (found === undefined) {
      response.writeHead(404).end();
      return;
    }
    if (!mayCall(request, url, found.target.name, found.target.trigger["authLevel"], options.keys)) {
      response.writeHead(401).end();
      return;
    }
    try {
      send(response, await options.invoke(found.target, await toInput(request, url, found.parameters)));
    } catch (error) {
      options.onError(`${found.target.name} failed`, error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    }
  };
}

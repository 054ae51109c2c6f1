import { app, type HttpHandler, HttpRequest, InvocationContext } from "@azure/functions";
import { vi } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import type { Api } from "../../src/functions/http-function.ts";
import { type Caller, ROLES, type Role } from "../../src/model/caller.ts";

interface Registered {
  readonly route: string;
  readonly methods: readonly string[];
  readonly handler: HttpHandler;
}

/** The app's HTTP functions in this process, as the network shows them. */
export interface AppInProcess {
  readonly fetch: typeof globalThis.fetch;
  /** Settings with which the command finds it. */
  readonly env: Record<string, string>;
  /** The caller of all that follows. */
  as(...roles: readonly Role[]): void;
}

/** Registers HTTP functions over an engine; the caller has every role until told otherwise. */
export function appInProcess(engine: Engine, register: (api: Api) => void): AppInProcess {
  const registered = new Map<string, Registered>();
  // The library of the Functions worker is the edge.
  const http = vi.spyOn(app, "http").mockImplementation((name, options) => {
    registered.set(name, {
      route: options.route ?? name,
      methods: options.methods ?? [],
      handler: options.handler,
    });
  });
  let caller: Caller = { id: "t/ann", name: "ann", kind: "person", groups: [], roles: ROLES };
  register({ openEngine: () => Promise.resolve(engine), authenticate: () => Promise.resolve(caller) });
  http.mockRestore();
  return {
    env: { REFLEX_URL: "http://127.0.0.1:7071" },
    as(...roles) {
      caller = { ...caller, roles };
    },
    async fetch(input, init) {
      const url = new URL(input instanceof Request ? input.url : input);
      const method = init?.method ?? "GET";
      const found = handlerFor(registered, method, url.pathname);
      if (found === null) return new Response(null, { status: 404 });
      const body = typeof init?.body === "string" ? { body: { string: init.body } } : {};
      const headers = Object.fromEntries(new Headers(init?.headers));
      const query = Object.fromEntries(url.searchParams);
      const request = new HttpRequest({
        method,
        url: url.href,
        headers,
        query,
        params: found.params,
        ...body,
      });
      const answer = (await found.handler(request, new InvocationContext())) ?? {};
      if (!("status" in answer)) throw new TypeError("the function gave no status");
      const json = "jsonBody" in answer ? JSON.stringify(answer.jsonBody) : undefined;
      const text = json ?? ("body" in answer && typeof answer.body === "string" ? answer.body : "");
      const given: unknown = answer.headers ?? {};
      return new Response(text, {
        status: Number(answer.status),
        headers: Object.entries(given as Record<string, string>),
      });
    },
  };
}

function handlerFor(
  registered: ReadonlyMap<string, Registered>,
  method: string,
  path: string,
): { readonly handler: HttpHandler; readonly params: Record<string, string> } | null {
  for (const { route, methods, handler } of registered.values()) {
    const pattern = new RegExp(`^/api/${route.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`);
    const match = pattern.exec(path);
    if (match !== null && methods.includes(method)) return { handler, params: { ...match.groups } };
  }
  return null;
}

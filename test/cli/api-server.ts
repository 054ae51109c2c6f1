import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { BadRequest, problem } from "../../src/functions/problem.ts";

export const KEY = "key-of-the-test";
const CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/prod";

/** One request that the command made. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** What to answer; an error becomes problem details as in the app. */
export type Answer = (asked: Asked) => {
  readonly status: number;
  readonly json?: unknown;
  readonly raw?: string;
};

/** An API on loopback that wants the key and remembers what it was asked. */
export interface ApiServer {
  readonly url: string;
  readonly asked: Asked[];
  /** Settings with which the command finds it. */
  readonly env: Record<string, string>;
  answer: Answer;
  close(): Promise<void>;
}

/** Starts the stand-in of the app's HTTP API. */
export async function startApi(): Promise<ApiServer> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const one = await read(request);
    asked.push(one);
    if (one.headers["x-functions-key"] !== KEY) {
      response.writeHead(401).end();
      return;
    }
    try {
      const { status, json, raw } = api.answer(one);
      response.writeHead(status, { "content-type": "application/json", location: "http://localhost:1/" });
      response.end(raw ?? JSON.stringify(json));
    } catch (error) {
      const { status, headers, body } = problem(error);
      response.writeHead(status ?? 500, { ...(headers as Record<string, string>) }).end(body);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api: ApiServer = {
    url,
    asked,
    env: { REFLEX_URL: url, REFLEX_KEY: KEY },
    answer: () => {
      throw new BadRequest("There is nothing at this address.", 404);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return api;
}

async function read(request: IncomingMessage): Promise<Asked> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const body = await text(request);
  return {
    method: request.method ?? "",
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: request.headers,
    body: body === "" ? null : JSON.parse(body),
  };
}

/** A remediation as the API gives it; `over` replaces fields. */
export function aRecord(over: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: "a826763190399990000abc",
    playbook: "isolate-pod",
    target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" },
    state: "in-force",
    proof: "proved",
    reason: "isolated, and read back",
    remains: [],
    mode: "enforce",
    rule: { name: "miner-contain", mode: "enforce", ttlMs: 28_800_000 },
    signal: { id: "2517_1", kind: "alert", key: "K8S.NODE_Webshell", title: "A web shell", severity: "High" },
    requestedBy: null,
    revertedBy: null,
    createdAt: "2026-03-02T06:00:00.000Z",
    updatedAt: "2026-03-02T06:00:05.000Z",
    inForceSince: "2026-03-02T06:00:04.000Z",
    deadline: "2026-03-02T14:00:00.000Z",
    ...over,
  };
}

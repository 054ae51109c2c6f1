import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type FaultyAnswer, InjectedFaults } from "../kubernetes/injected-faults.ts";

/** A running stand-in of key vaults, by the Host that a request would have had: one on this machine is all of them. */
export interface KeyVaultStandIn {
  readonly url: URL;
  /** The one token that it knows. */
  readonly token: string;
  /** Paths with their status, in the order of the answers; 0 for none. */
  readonly requests: readonly { readonly path: string; readonly status: number }[];
  readonly faults: InjectedFaults;
  /** Gives a secret a new version. */
  set(name: string, value: string): void;
  /** Takes the right to read it away. */
  forbid(name: string): void;
  stop(): Promise<void>;
}

const SECRET = /^\/secrets\/([A-Za-z0-9-]{1,127})$/;
const LOGIN_PAGE = "<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>";

/** Starts it on a free port of 127.0.0.1, for the vault of this origin. */
export async function startKeyVault(origin: string): Promise<KeyVaultStandIn> {
  const token = randomBytes(24).toString("hex");
  const secrets = new Map<string, { value: string; version: string }>();
  const forbidden = new Set<string>();
  const faults = new InjectedFaults();
  const requests: { path: string; status: number }[] = [];

  function answerTo(
    request: IncomingMessage,
    path: string,
    version: string,
  ): { status: number; body: object } {
    const name = SECRET.exec(path)?.[1];
    const found = name === undefined ? undefined : secrets.get(name.toLowerCase());
    if (request.headers.authorization !== `Bearer ${token}`)
      return fault(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.");
    if (request.method !== "GET" || name === undefined)
      return fault(400, "BadParameter", "It is not served.");
    if (version !== "7.4") return fault(400, "BadParameter", "The api-version is not supported.");
    if (forbidden.has(name.toLowerCase()))
      return fault(403, "Forbidden", "Caller is not authorized to perform action on resource.");
    if (found === undefined)
      return fault(404, "SecretNotFound", `A secret with (name/id) ${name} was not found in this key vault.`);
    const id = `${origin}/secrets/${name}/${found.version}`;
    return { status: 200, body: { value: found.value, id, attributes: { enabled: true } } };
  }

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://vault");
    const bad: FaultyAnswer | undefined = faults.take(request.method ?? "", pathname, "");
    const record = (status: number): void => void requests.push({ path: pathname, status });
    if (bad?.kind === "hang") {
      record(0);
      return;
    }
    if (bad?.kind === "html") {
      record(200);
      response.writeHead(200, { "content-type": "text/html" }).end(LOGIN_PAGE);
      return;
    }
    const { status, body } =
      bad?.kind === "status"
        ? { status: bad.status, body: bad.body ?? {} }
        : answerTo(request, pathname, searchParams.get("api-version") ?? "");
    record(status);
    response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
    response.end(JSON.stringify(body));
  }

  const server = createServer(serve);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  return {
    url: new URL(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`),
    token,
    requests,
    faults,
    set: (name, value) =>
      void secrets.set(name.toLowerCase(), { value, version: randomBytes(16).toString("hex") }),
    forbid: (name) => void forbidden.add(name.toLowerCase()),
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

function fault(status: number, code: string, message: string): { status: number; body: object } {
  return { status, body: { error: { code, message } } };
}

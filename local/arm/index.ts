import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { type FaultyAnswer, InjectedFaults } from "../kubernetes/injected-faults.ts";
import type { Contracts } from "./contracts.ts";
import { Documents } from "./documents.ts";
import { type ArmAnswer, answerTo, fault } from "./routes.ts";
import { RunCommands } from "./run-commands.ts";

/** One request as it was answered; status 0 where no answer went out. Requests for tokens are not among them. */
export interface ArmExchange {
  readonly method: string;
  readonly path: string;
  readonly apiVersion: string;
  readonly body: unknown;
  readonly status: number;
}

/** A running stand-in of Azure Resource Manager, Defender behind it, and of the endpoint of managed identities. */
export interface ArmStandIn {
  readonly url: string;
  /** What Azure would set for an app: its identity's endpoint, and where Resource Manager is. */
  readonly settings: Readonly<Record<string, string>>;
  readonly documents: Documents;
  /** The commands that were run in clusters. */
  readonly commands: RunCommands;
  readonly requests: readonly ArmExchange[];
  /** How many tokens were given out. */
  readonly tokens: number;
  /** How many of them were for the API servers of AKS. */
  readonly clusterTokens: number;
  /** The token that every AKS API server knows as the app's. */
  readonly clusterToken: string;
  /** In what requests and answers broke the official contracts, where these were handed in. */
  readonly breaches: readonly string[];
  /** What goes wrong next; the path may be that of tokens, `/msi/token`. */
  readonly faults: InjectedFaults;
  stop(): Promise<void>;
}

/** How it is started. */
export interface ArmStandInOptions {
  /** Every exchange is held against them. */
  readonly contracts?: Contracts | null;
}

/** Entra's application for all API servers of AKS. */
const AKS_APPLICATION = "6dae42f8-4368-4678-94ff-3960e28e3630";
const TOKEN_PATH = "/msi/token";
const LOGIN_PAGE = "<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>";
const DAY_SECONDS = 86_400;

/** Starts it on a free port of 127.0.0.1. */
export async function startArm(options: ArmStandInOptions = {}): Promise<ArmStandIn> {
  const documents = new Documents();
  const commands = new RunCommands();
  const faults = new InjectedFaults();
  const requests: ArmExchange[] = [];
  const breaches: string[] = [];
  const secret = randomBytes(16).toString("hex");
  const token = randomBytes(24).toString("hex");
  const clusterToken = randomBytes(24).toString("hex");
  let tokens = 0;
  let clusterTokens = 0;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = "", query = ""] = (request.url ?? "").split(/\?(.*)/s);
    const method = request.method ?? "GET";
    const text = (await buffer(request)).toString("utf8");
    const parameters = new URLSearchParams(query);
    const { "api-version": apiVersion = "", ...rest } = Object.fromEntries(parameters);
    const asked = {
      method,
      path: decodeURIComponent(path),
      apiVersion,
      body: parsed(text),
    };
    const isToken = asked.path === TOKEN_PATH;
    const record = (status: number): void => {
      if (!isToken) requests.push({ ...asked, status });
    };
    const bad = faults.take(method, asked.path, query);
    if (bad?.kind === "delay") await sleep(bad.milliseconds);
    const instead = bad === undefined ? null : answeredInstead(response, bad);
    if (instead !== null) return record(instead);
    const answer = isToken
      ? giveToken(request, parameters)
      : authorized(request)
        ? answerTo({ documents, commands }, { ...asked, parameters: rest })
        : refused();
    if (bad?.kind === "lost-answer") {
      record(0);
      response.destroy();
      return;
    }
    record(answer.status);
    if (!isToken && answer.status !== 401)
      breaches.push(...(options.contracts?.breaches(asked, answer) ?? []));
    send(response, answer, bad?.kind === "truncated");
  }

  function giveToken(request: IncomingMessage, parameters: URLSearchParams): ArmAnswer {
    if (request.headers["x-identity-header"] !== secret)
      return fault(401, "Unauthorized", "The identity header is wrong.");
    const resource = parameters.get("resource") ?? "";
    const isCluster = resource === AKS_APPLICATION;
    if (!isCluster && resource.replace(/\/$/, "") !== "https://management.azure.com")
      return fault(400, "InvalidResource", "Tokens are given for Resource Manager and for AKS only.");
    tokens += 1;
    if (isCluster) clusterTokens += 1;
    const expires = Math.floor(Date.now() / 1000) + DAY_SECONDS;
    return {
      status: 200,
      body: {
        access_token: isCluster ? clusterToken : token,
        expires_on: String(expires),
        resource,
        token_type: "Bearer",
      },
    };
  }

  function authorized(request: IncomingMessage): boolean {
    return request.headers.authorization === `Bearer ${token}`;
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      console.error("The stand-in of Resource Manager failed:", error);
      response.destroy();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    settings: { REFLEX_ARM__endpoint: url, IDENTITY_ENDPOINT: url + TOKEN_PATH, IDENTITY_HEADER: secret },
    documents,
    commands,
    requests,
    get tokens() {
      return tokens;
    },
    get clusterTokens() {
      return clusterTokens;
    },
    clusterToken,
    breaches,
    faults,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await commands.stop();
    },
  };
}

/** Lets a request fail without asking what it wants: the status that went out, 0 for none; null where it goes on. */
function answeredInstead(response: ServerResponse, bad: FaultyAnswer): number | null {
  if (bad.kind === "hang") return 0;
  if (bad.kind === "html") {
    response.writeHead(200, { "content-type": "text/html" }).end(LOGIN_PAGE);
    return 200;
  }
  if (bad.kind !== "status") return null;
  const body = bad.body ?? { error: { code: "InjectedFault", message: "The stand-in was told to." } };
  response.writeHead(bad.status, { "content-type": "application/json", ...bad.headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
  return bad.status;
}

function refused(): ArmAnswer {
  return fault(401, "AuthenticationFailed", "Authentication failed. The bearer token is missing or wrong.");
}

function parsed(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function send(response: ServerResponse, { status, body, headers }: ArmAnswer, isCut: boolean): void {
  const bytes = Buffer.from(body === null ? "" : JSON.stringify(body));
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": bytes.length,
    ...headers,
  });
  if (isCut) response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.destroy());
  else response.end(bytes);
}

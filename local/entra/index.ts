import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { LOCAL_AUDIENCE, LOCAL_PRINCIPALS, LOCAL_TENANT, type Principal } from "./people.ts";
import { createSigner, type Signer, type Signing } from "./sign.ts";

export { LOCAL_AUDIENCE, LOCAL_PRINCIPALS, LOCAL_TENANT, type Principal } from "./people.ts";

/** A token to be made. */
export interface TokenRequest {
  /** Default: Ada, who has every role. */
  readonly of?: Principal;
  readonly signing?: Signing;
  /** Claims to be other than usual; undefined leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** A running stand-in of Entra: one tenant with one app, its keys, and tokens for whoever is asked for. */
export interface EntraStandIn {
  readonly url: string;
  /** App settings under which an app trusts this stand-in. */
  readonly settings: Readonly<Record<string, string>>;
  /** Answers a GET with `{ token }`; `?as=` names one of the local principals. Its path is the secret. */
  readonly tokenUrl: string;
  /** How often the keys have been read. */
  readonly keyReads: number;
  token(request?: TokenRequest): Promise<string>;
  /** From now on the keys are answered so; null: as they are. */
  answerKeys(how: { readonly status: number; readonly location?: string } | "hang" | null): void;
  stop(): Promise<void>;
}

/** Options of a stand-in. */
export interface EntraOptions {
  /** Its clock; tests in which time runs faster have one of their own. */
  now?(): Date;
}

const LIFE_SECONDS = 3_600;
const KEYS_PATH = `/${LOCAL_TENANT}/discovery/v2.0/keys`;

/** Starts the issuer on a free port of 127.0.0.1. */
export async function startEntra({ now = () => new Date() }: EntraOptions = {}): Promise<EntraStandIn> {
  const signer: Signer = await createSigner();
  const tokenPath = `/token/${randomBytes(24).toString("hex")}`;
  let keys: Parameters<EntraStandIn["answerKeys"]>[0] = null;
  let keyReads = 0;

  const token = ({ of, signing = "RS256", claims = {} }: TokenRequest = {}): Promise<string> =>
    signer.sign({ ...usualClaims(of ?? nobodyElse(), now()), ...claims }, signing);

  function answerWithKeys(response: ServerResponse): void {
    keyReads += 1;
    // A hanging request is left without an answer until its client or the stand-in goes.
    if (keys === "hang") return;
    if (keys === null) send(response, 200, signer.jwks);
    else
      response.writeHead(keys.status, keys.location === undefined ? {} : { location: keys.location }).end();
  }

  async function answerWithToken(response: ServerResponse, who: string): Promise<void> {
    const of = Object.hasOwn(LOCAL_PRINCIPALS, who) ? LOCAL_PRINCIPALS[who] : undefined;
    if (of !== undefined) send(response, 200, { token: await token({ of }) });
    else send(response, 400, { error: `as: use one of ${Object.keys(LOCAL_PRINCIPALS).join(", ")}.` });
  }

  async function answer({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(url ?? "/", "http://127.0.0.1");
    if (method === "GET" && pathname === KEYS_PATH) answerWithKeys(response);
    else if (method === "GET" && pathname === tokenPath)
      await answerWithToken(response, searchParams.get("as") ?? "ada");
    else send(response, 404, { error: "Nothing is here." });
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => send(response, 500, { error: String(error) }));
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(0, "127.0.0.1", listening);
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  return {
    url,
    settings: {
      REFLEX_LOCAL: "true",
      REFLEX_TENANT: LOCAL_TENANT,
      REFLEX_AUDIENCE: LOCAL_AUDIENCE,
      REFLEX_ISSUER_KEYS: `${url}${KEYS_PATH}`,
    },
    tokenUrl: `${url}${tokenPath}`,
    get keyReads() {
      return keyReads;
    },
    token,
    answerKeys(how) {
      keys = how;
    },
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

function nobodyElse(): Principal {
  const { ada } = LOCAL_PRINCIPALS;
  if (ada === undefined) throw new Error("The local tenant has lost Ada.");
  return ada;
}

/** The claims of an access token of version 2 (Microsoft identity platform, "Access token claims reference"). */
function usualClaims({ name, oid, kind, roles, groups }: Principal, at: Date): Record<string, unknown> {
  const second = Math.floor(at.getTime() / 1000);
  const own =
    kind === "person"
      ? { scp: "access_as_user", name, preferred_username: `${oid.slice(-4)}@local.example` }
      : { idtyp: "app", app_displayname: name };
  return {
    aud: LOCAL_AUDIENCE,
    iss: `https://login.microsoftonline.com/${LOCAL_TENANT}/v2.0`,
    iat: second,
    nbf: second,
    exp: second + LIFE_SECONDS,
    azp: "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    oid,
    sub: oid,
    tid: LOCAL_TENANT,
    ver: "2.0",
    roles,
    ...(groups.length === 0 ? {} : { groups }),
    ...own,
  };
}

function send(response: ServerResponse, status: number, document: object): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(document));
}

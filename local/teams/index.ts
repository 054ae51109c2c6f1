import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { checkEnvelope } from "./envelope-check.ts";

/** A card that was taken. */
interface TeamsMessage {
  readonly receivedAt: Date;
  /** Size of the whole request body. */
  readonly bytes: number;
  readonly card: object;
}

/** A request that was answered with an error of the sender's own making. */
interface TeamsRefusal {
  readonly status: number;
  readonly reason: string;
}

/** How the next requests to the webhook go wrong. */
type TeamsFault =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly times: number;
      readonly retryAfterSeconds?: number;
    }
  | { readonly kind: "hang"; readonly times: number }
  | { readonly kind: "redirect"; readonly location: string; readonly times: number };

/** A running stand-in of the Workflows trigger "when a Teams webhook request is received". */
export interface TeamsStandIn {
  /** The secret address that a channel would be given; another signature is answered with 401. */
  readonly webhookUrl: string;
  /** Its `/_stand-in/messages` shows what came in, as JSON. */
  readonly url: string;
  readonly messages: readonly TeamsMessage[];
  readonly refused: readonly TeamsRefusal[];
  /** How many requests reached the webhook, those with a fault included. */
  readonly requestCount: number;
  /** Adds a fault behind those that are still to come. */
  inject(fault: TeamsFault): void;
  stop(): Promise<void>;
}

/** A Teams message with a card may be about 28 KB. */
const LARGEST_MESSAGE = 28 * 1024;
const WEBHOOK_PATH = "/workflows/reflex/triggers/manual/paths/invoke";
const SIGNATURE = "local-signature";

function answer(response: ServerResponse, status: number, document: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(document));
}

/** Lets a request fail as told; false when it was left alone. */
function applyFault(fault: TeamsFault | undefined, response: ServerResponse): boolean {
  if (fault?.kind === "status") {
    if (fault.retryAfterSeconds !== undefined)
      response.setHeader("retry-after", String(fault.retryAfterSeconds));
    answer(response, fault.status, { error: `The stand-in was told to answer ${fault.status}.` });
  } else if (fault?.kind === "redirect") {
    response.writeHead(302, { location: fault.location }).end();
  }
  // A hanging request is left without an answer until its client or the stand-in goes.
  return fault !== undefined;
}

/** Starts the webhook on a free port of 127.0.0.1. */
export async function startTeams(): Promise<TeamsStandIn> {
  const messages: TeamsMessage[] = [];
  const refused: TeamsRefusal[] = [];
  const faults: TeamsFault[] = [];
  let requestCount = 0;

  function refuse(response: ServerResponse, status: number, reason: string): void {
    refused.push({ status, reason });
    answer(response, status, { error: reason });
  }

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requestCount += 1;
    const body = await buffer(request);
    if (applyFault(faults.shift(), response)) return;
    if (body.length > LARGEST_MESSAGE) {
      refuse(response, 413, `RequestEntityTooLarge: ${body.length} bytes, ${LARGEST_MESSAGE} are allowed.`);
      return;
    }
    const check = checkEnvelope(body.toString("utf8"));
    if (check.kind === "refused") {
      refuse(response, 400, check.reason);
      return;
    }
    messages.push({ receivedAt: new Date(), bytes: body.length, card: check.card });
    // The flow says only that it began: 202, no body.
    response.writeHead(202).end();
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.parse(request.url ?? "/", "http://127.0.0.1");
    if (url?.pathname === "/_stand-in/messages" && request.method === "GET") {
      answer(response, 200, { messages, refused });
    } else if (url?.pathname !== WEBHOOK_PATH) response.writeHead(404).end();
    else if (request.method !== "POST") response.writeHead(405).end();
    else if (url.searchParams.get("sig") !== SIGNATURE) refuse(response, 401, "The signature is wrong.");
    else await receive(request, response);
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const url = `http://127.0.0.1:${port}`;
  return {
    webhookUrl: `${url}${WEBHOOK_PATH}?api-version=2016-06-01&sig=${SIGNATURE}`,
    url,
    messages,
    refused,
    get requestCount() {
      return requestCount;
    },
    inject(fault) {
      faults.push(...Array.from({ length: fault.times }, () => fault));
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

import { createServer, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { z } from "zod";

/** One row of a transaction as it goes over the wire: its key and cells. */
export type SentRow = Readonly<Record<string, unknown>> & { readonly RowKey: string };

/** A request on its way to the store. */
export interface SentRequest {
  readonly method: string;
  readonly url: string;
  /** The rows that a transaction writes; none for reads. */
  readonly rows: readonly SentRow[];
  readonly body: string;
}

/**
 * What becomes of a request, or of its answer: it goes on, or it is held until whoever sent it is dead, and then dropped,
 * so that it never comes to where it was going.
 */
export type Passage = "goes-on" | Promise<"dropped">;

/** Places to stop in the way of a request: before the store has it, and when it has it but nobody has heard. */
export interface Interception {
  before(request: SentRequest): Passage;
  after(request: SentRequest): Passage;
}

/** A proxy on loopback in front of a service of HTTP. */
export interface RecordingProxy {
  readonly url: string;
  /** Who is asked at each request; nobody at first. */
  interception: Interception | null;
  close(): Promise<void>;
}

const rowSchema = z.looseObject({ RowKey: z.string() });

/** Starts a proxy that shows every request to its interception and hands it on unchanged. */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const to = new URL(target);
  const proxy = { interception: null as Interception | null };
  const server = createServer((incoming, outgoing) => {
    const { method = "GET", url = "/", headers } = incoming;
    const pass = (passage: Passage | undefined, goOn: () => void): void => {
      if (typeof passage === "object") void passage.then(() => outgoing.destroy());
      else goOn();
    };
    void bodyOf(incoming).then((body) => {
      const text = body.toString("utf8");
      const sent: SentRequest = { method, url, rows: rowsOf(text), body: text };
      const onward = { host: to.hostname, port: to.port, method, path: url, headers };
      pass(proxy.interception?.before(sent), () => {
        const answering = request(onward, (answer) => {
          void bodyOf(answer).then((answered) =>
            pass(proxy.interception?.after(sent), () => {
              outgoing.writeHead(answer.statusCode ?? 502, withoutLength(answer.headers)).end(answered);
            }),
          );
        });
        answering.on("error", () => outgoing.destroy());
        answering.end(body);
      });
    });
    incoming.on("error", () => outgoing.destroy());
    outgoing.on("error", () => incoming.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${port}${to.pathname}`,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((closed) => server.close(() => closed()));
    },
  });
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function withoutLength({
  "transfer-encoding": _chunked,
  ...headers
}: IncomingHttpHeaders): IncomingHttpHeaders {
  return headers;
}

/** The rows in the parts of a batch: each stands as JSON on a line of its own. */
function rowsOf(body: string): SentRow[] {
  return body.split("\r\n").flatMap((line) => {
    if (!(line.startsWith("{") && line.includes("RowKey"))) return [];
    const row = rowSchema.safeParse(JSON.parse(line));
    return row.success ? [row.data] : [];
  });
}

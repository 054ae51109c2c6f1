import { createServer } from "node:http";
import type { Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import type { SMTPServerSession } from "smtp-server";
import { SMTPServer } from "smtp-server";
import type { MailText } from "./mail-text.ts";
import { splitMail } from "./mail-text.ts";

/** A message that was taken. */
interface MailMessage extends MailText {
  readonly receivedAt: Date;
  /** Addresses of the envelope, which the headers need not repeat. */
  readonly from: string;
  readonly to: readonly string[];
  /** Who logged in, if anybody did. */
  readonly user: string | undefined;
  readonly raw: Buffer;
}

/**
 * How the next conversations go wrong. `refuse` answers 550 to a recipient (any, or the one named). `hang` and
 * `close` act on the greeting, or at the end of the data: then the message is kept and only its answer is lost.
 */
type MailFault =
  | { readonly kind: "refuse"; readonly recipient?: string; readonly times: number }
  | { readonly kind: "hang" | "close"; readonly at: "greeting" | "data"; readonly times: number };

/** How to start the SMTP sink. */
export interface MailOptions {
  /** Demands this login; without it any login, or none, is good. */
  readonly login?: { readonly user: string; readonly password: string };
}

/** A running SMTP sink: it takes mail and delivers none. */
export interface MailStandIn {
  readonly host: string;
  readonly port: number;
  /** Its `/_stand-in/messages` shows what came in, as JSON. */
  readonly url: string;
  readonly messages: readonly MailMessage[];
  inject(fault: MailFault): void;
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";

/** An answer of the sink that is an error, with its SMTP code. */
function smtpError(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

/** Faults that are still to come; each counts down as it strikes. */
class FaultList {
  #faults: { fault: MailFault; left: number }[] = [];

  add(fault: MailFault): void {
    this.#faults.push({ fault, left: fault.times });
  }

  take(strikes: (fault: MailFault) => boolean): MailFault["kind"] | undefined {
    const found = this.#faults.find(({ fault, left }) => left > 0 && strikes(fault));
    if (found === undefined) return undefined;
    found.left -= 1;
    return found.fault.kind;
  }

  takeAt(place: "greeting" | "data"): MailFault["kind"] | undefined {
    return this.take((fault) => fault.kind !== "refuse" && fault.at === place);
  }
}

function toMessage(raw: Buffer, { envelope, user }: SMTPServerSession): MailMessage {
  const from = envelope.mailFrom === false ? "" : envelope.mailFrom.address;
  const to = envelope.rcptTo.map(({ address }) => address);
  return { receivedAt: new Date(), from, to, user, raw, ...splitMail(raw) };
}

/** Starts the sink and its HTTP view on free ports of 127.0.0.1, without TLS. */
export async function startMail(options: MailOptions = {}): Promise<MailStandIn> {
  const messages: MailMessage[] = [];
  const faults = new FaultList();
  const sockets = new Map<number, Socket>();

  /** Goes on, says nothing for ever, or cuts the line. */
  function strike(place: "greeting" | "data", session: SMTPServerSession, goOn: () => void): void {
    const kind = faults.takeAt(place);
    if (kind === undefined) goOn();
    else if (kind === "close") sockets.get(session.remotePort)?.destroy();
  }

  const smtp = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    authOptional: options.login === undefined,
    logger: false,
    onAuth({ username, password }, _session, callback) {
      const { login } = options;
      const good = login === undefined || (username === login.user && password === login.password);
      if (good) callback(null, { user: username });
      else callback(smtpError(535, "The login is wrong."));
    },
    onConnect(session, callback) {
      strike("greeting", session, () => callback());
    },
    onRcptTo({ address }, _session, callback) {
      const kind = faults.take(
        (fault) => fault.kind === "refuse" && (fault.recipient === undefined || fault.recipient === address),
      );
      callback(kind === undefined ? null : smtpError(550, `No mailbox for ${address}.`));
    },
    onData(stream, session, callback) {
      buffer(stream).then(
        (raw) => {
          messages.push(toMessage(raw, session));
          strike("data", session, () => callback(null));
        },
        (error: unknown) => callback(error instanceof Error ? error : smtpError(451, String(error))),
      );
    },
  });
  // A client that goes in the middle is the test's business, not the end of this process.
  smtp.on("error", () => undefined);
  smtp.server.on("connection", (socket: Socket) => {
    const { remotePort } = socket;
    if (remotePort === undefined) return;
    sockets.set(remotePort, socket);
    socket.once("close", () => sockets.delete(remotePort));
  });
  const view = createServer((request, response) => {
    if (request.method !== "GET" || request.url !== "/_stand-in/messages") {
      response.writeHead(404).end();
      return;
    }
    const shown = messages.map((message) => ({ ...message, raw: message.raw.toString("utf8") }));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ messages: shown }));
  });
  await new Promise<void>((listening) => smtp.listen(0, HOST, () => listening()));
  await new Promise<void>((listening) => view.listen(0, HOST, listening));
  const [mailAddress, viewAddress] = [smtp.server.address(), view.address()];
  const portOf = (address: typeof viewAddress) => (typeof address === "object" ? (address?.port ?? 0) : 0);
  return {
    host: HOST,
    port: portOf(mailAddress),
    url: `http://${HOST}:${portOf(viewAddress)}`,
    messages,
    inject: (fault) => faults.add(fault),
    async stop() {
      const closed = Promise.all([
        new Promise<void>((resolve) => smtp.close(() => resolve())),
        new Promise((resolve) => view.close(resolve)),
      ]);
      for (const socket of sockets.values()) socket.destroy();
      view.closeAllConnections();
      await closed;
    },
  };
}

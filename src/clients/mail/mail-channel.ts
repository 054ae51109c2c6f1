import { isIP } from "node:net";
import { hashOf } from "../../model/canonical-json.ts";
import type { Message } from "../../model/message.ts";
import { ForbiddenAddress, type Reach, type Resolve, resolveOutside } from "../outside-address.ts";
import { mailAddress } from "./mail-address.ts";
import { mailFailure, mostHopeful } from "./mail-failure.ts";
import { forbiddenServer, type MailServer, mailServer } from "./mail-server.ts";

/** More marks than this would only make a header that no server takes. */
const MOST_MARKS = 50;

/** A mail in its two forms. */
export interface Mail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** What identifies a message: equal ones are repetitions. */
type MessageMark = Pick<Message, "remediationId" | "sequence">;

/** A mail server and who writes to whom. */
export interface MailChannelOptions {
  /** `smtp://user:password@host:587` or `smtps://…`: a credential. */
  readonly server: string;
  readonly from: string;
  readonly to: readonly string[];
  /** Limit of the whole exchange; 10 s if not given. */
  readonly timeoutMs?: number | undefined;
  /** Lets through servers on this machine, without TLS too, for stand-ins. */
  readonly allowLoopback?: boolean | undefined;
  /** Lets through servers at private addresses, as relays often have. */
  readonly allowPrivate?: boolean | undefined;
  /** The system's if not given. */
  readonly resolve?: Resolve | undefined;
}

/** Writes to one set of recipients. */
export interface MailChannel {
  /**
   * Sends a mail about these messages; the same messages get the same Message-ID, so that mail systems can drop a
   * repetition. A recipient who is refused fails the mail after the others have got it. Errors: `Retryable`, `Permanent`.
   */
  post(mail: Mail, marks: readonly MessageMark[]): Promise<void>;
}

/** Makes a channel to a mail server; the mail library is loaded with the first mail. Raises `Permanent` for bad settings. */
export function createMailChannel(options: MailChannelOptions): MailChannel {
  const reach = { loopback: options.allowLoopback === true, private: options.allowPrivate === true };
  const server = mailServer(options.server, reach);
  const from = mailAddress(options.from);
  const to = options.to.map(mailAddress);
  const timeoutMs = options.timeoutMs ?? 10_000;
  const domain = from.slice(from.indexOf("@") + 1);

  return {
    async post(mail, marks) {
      // One limit for the whole, the question for the address included.
      const limit = AbortSignal.timeout(timeoutMs);
      const [{ createTransport }, host] = await Promise.all([
        import("nodemailer"),
        addressOf(server, reach, limit, options.resolve),
      ]);
      const transport = createTransport({
        ...server,
        host,
        // The certificate is the name's, whatever the address.
        tls: { minVersion: "TLSv1.2", ...(host === server.host ? {} : { servername: server.host }) },
        connectionTimeout: timeoutMs,
        greetingTimeout: timeoutMs,
        socketTimeout: timeoutMs,
        dnsTimeout: timeoutMs,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      try {
        const sent = await transport.sendMail({
          from: { name: "defender-reflex", address: from },
          to: [...to],
          subject: oneLine(mail.subject),
          text: mail.text,
          html: mail.html,
          messageId: `<${hashOf(marks.map(({ remediationId, sequence }) => [remediationId, sequence])).slice(0, 40)}@${domain}>`,
          // So that no holiday reply comes back.
          headers: { "X-Reflex-Id": markHeader(marks), "Auto-Submitted": "auto-generated" },
          signal: limit,
        });
        // Some got it, some did not: told as a failure, since nobody else would notice.
        const refused: readonly unknown[] = sent.rejectedErrors ?? [];
        if (refused.length > 0) {
          throw mostHopeful(refused);
        }
      } catch (error) {
        throw mailFailure(server.host, error);
      } finally {
        transport.close();
      }
    },
  };
}

/**
 * The checked address of the server. It is what is connected to: the mail library would ask a name server again, and
 * could be told another one.
 */
async function addressOf(
  { host }: MailServer,
  reach: Reach,
  limit: AbortSignal,
  resolve: Resolve | undefined,
): Promise<string> {
  if (isIP(host) !== 0) return host;
  const late = new Promise<never>((_done, fail) => {
    limit.addEventListener("abort", () => fail(coded("ETIMEDOUT")), { once: true });
  });
  try {
    const [first] = await Promise.race([resolveOutside(host, reach, resolve), late]);
    return first?.address ?? host;
  } catch (error) {
    if (error instanceof ForbiddenAddress) throw forbiddenServer(host);
    // The resolver's own words name nothing but the host.
    throw mailFailure(host, coded("EDNS"));
  }
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function markHeader(marks: readonly MessageMark[]): string {
  const told = marks.slice(0, MOST_MARKS).map(({ remediationId, sequence }) => {
    return `${remediationId.slice(0, 100).replace(/[^\w.!-]/g, "_")}/${sequence}`;
  });
  return told.join(" ");
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}

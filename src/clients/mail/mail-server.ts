import { Permanent } from "../../model/errors.ts";
import { isLoopback } from "../loopback.ts";

/** A mail server as its setting names it. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte on (smtps). */
  readonly secure: boolean;
  /** STARTTLS or nothing; only a server on this machine may be without. */
  readonly requireTLS: boolean;
  readonly auth?: { readonly user: string; readonly pass: string };
}

/**
 * Reads `smtp://user:password@host:port` (STARTTLS, port 587) or `smtps://…` (port 465). The address holds a
 * password: errors never show it. Raises `Permanent`.
 */
export function mailServer(address: string): MailServer {
  const url = URL.parse(address.trim());
  if (url === null || (url.protocol !== "smtp:" && url.protocol !== "smtps:") || url.hostname === "") {
    throw new Permanent(
      "The address of the mail server is not of the form smtp://host:587 or smtps://host:465.",
      "Correct the setting; characters such as @ or / in the password are written as %40 or %2F.",
    );
  }
  if (url.search !== "" || url.hash !== "" || !["", "/"].includes(url.pathname)) {
    throw new Permanent(
      `The address of the mail server ${url.hostname} has more than user, password, host and port.`,
      "Take away what follows the port; characters such as / ? # in the password are written as %2F %3F %23.",
    );
  }
  const secure = url.protocol === "smtps:";
  const port = url.port === "" ? (secure ? 465 : 587) : Number(url.port);
  const requireTLS = !secure && !isLoopback(url.hostname);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const server = { host, port, secure, requireTLS };
  return url.username === ""
    ? server
    : { ...server, auth: { user: decode(url.username), pass: decode(url.password) } };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Permanent(
      "User or password of the mail server hold a % that is not followed by two hexadecimal digits.",
      "Write % as %25 in the setting.",
    );
  }
}

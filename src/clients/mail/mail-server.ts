import { isIP } from "node:net";
import { Permanent } from "../../model/errors.ts";
import { isLoopback } from "../loopback.ts";
import { mayReach, type Reach } from "../outside-address.ts";

/** A mail server as its setting names it. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte on (smtps). */
  readonly secure: boolean;
  /** STARTTLS or nothing; only a stand-in on this machine may be without. */
  readonly requireTLS: boolean;
  readonly auth?: { readonly user: string; readonly pass: string };
}

/**
 * Reads `smtp://user:password@host:port` (STARTTLS, port 587) or `smtps://…` (port 465). The address holds a
 * password: errors never show it. Raises `Permanent`, also for an address that may not be reached.
 */
export function mailServer(address: string, reach: Reach): MailServer {
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
  const requireTLS = !secure && !(reach.loopback && isLoopback(url.hostname));
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && !mayReach(host, reach)) throw forbiddenServer(host);
  const server = { host, port, secure, requireTLS };
  return url.username === ""
    ? server
    : { ...server, auth: { user: decode(url.username), pass: decode(url.password) } };
}

/** What is said of a server whose address is private, local or reserved. */
export function forbiddenServer(host: string): Permanent {
  return new Permanent(
    `The mail server ${host} is at a private, local or reserved address, where no mail is sent.`,
    "Set REFLEX_ALLOW_PRIVATE_MAIL to true if your mail relay has a private address; other addresses are never used.",
  );
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

import { Permanent, Retryable } from "../../model/errors.ts";

const WAIT_MS = 60_000;

/** Codes of nodemailer for what ended the exchange rather than refused the mail. */
const PASSING = new Set(["ECONNECTION", "ETIMEDOUT", "ESOCKET", "EDNS", "EABORT", "EPROTOCOL"]);

/**
 * What a failed exchange means. Replies 4xx and 503 (out of step) and lost connections pass, a bad certificate too,
 * since it will be renewed; other replies 5xx, a server without STARTTLS and wrong credentials stay. Names the server's host and code only.
 */
export function mailFailure(host: string, error: unknown): Retryable | Permanent {
  const reply = numberOf(error, "responseCode");
  const code = textOf(error, "code") ?? "unknown error";
  const why = [code, textOf(error, "originalCode"), reply].filter((part) => part !== null).join(" ");
  const told = `The mail server ${host} did not take the mail: ${why}.`;
  const passes = reply === null ? PASSING.has(code) : reply < 500 || reply === 503;
  if (passes) {
    return new Retryable(
      told,
      `Check that ${host} can be reached, has a valid certificate, and takes mail from the app.`,
      {
        retryAfterMs: WAIT_MS,
        cause: error,
      },
    );
  }
  return new Permanent(told, adviceFor(code), { cause: error });
}

/** Of several refused recipients the one that may be accepted later, if there is any. */
export function mostHopeful(refused: readonly unknown[]): unknown {
  return refused.find((error) => (numberOf(error, "responseCode") ?? 500) < 500) ?? refused[0];
}

function adviceFor(code: string): string {
  switch (code) {
    case "EAUTH":
    case "ENOAUTH":
      return "Correct user and password in the setting of the mail server.";
    case "ETLS":
      return "Use a mail server that offers STARTTLS with a valid certificate, or smtps.";
    case "EENVELOPE":
      return "Correct sender and recipients of this channel in the configuration.";
    default:
      return "Look into the mail server's log for its reason.";
  }
}

function numberOf(error: unknown, name: string): number | null {
  const value = fieldOf(error, name);
  return typeof value === "number" ? value : null;
}

function textOf(error: unknown, name: string): string | null {
  const value = fieldOf(error, name);
  return typeof value === "string" && /^\w{1,64}$/.test(value) ? value : null;
}

function fieldOf(error: unknown, name: string): unknown {
  return error instanceof Error ? Object.entries(error).find(([key]) => key === name)?.[1] : undefined;
}

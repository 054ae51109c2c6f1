import { z } from "zod";
import { Conflict, Permanent, Refused, Retryable } from "../../model/errors.ts";
import { retryAfterMs } from "../teams/retry-after.ts";

const UNREACHABLE_PAUSE_MS = 5_000;
const THROTTLED_PAUSE_MS = 10_000;

/** Codes of Node for certificates that do not fit: no waiting makes it better. */
const TRUST = /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|HOSTNAME_MISMATCH)/;

/** An answer that cannot be Azure's: a login page, a proxy, half a body. It is never taken for success. */
export class StrangeAnswer extends Error {}

/** Headers by name, in the words of the pipeline or of fetch. */
interface Named {
  get(name: string): string | null | undefined;
}

/** An answer with its status, as the pipeline gives it, and what an error of an SDK carries. */
interface Answer {
  readonly status: number;
  readonly headers: Named;
  readonly bodyAsText?: string | null | undefined;
}

const errorSchema = z.object({ error: z.object({ code: z.string().regex(/^\w{1,64}$/) }) });

/** Did Azure itself say that it is not there? A 404 of a proxy, or of a wrong path, does not count. */
export function isNotThere(answer: Answer): boolean {
  return answer.status === 404 && codeOf(answer) !== null;
}

/** The error that an answer without success is. Azure's own message is never passed on: it may quote what was sent. */
export function classifyAnswer(answer: Answer, what: string): Permanent | Retryable {
  const { status } = answer;
  const headers = { get: (name: string) => answer.headers.get(name) ?? null };
  const code = codeOf(answer);
  const said = `Azure answered ${status}${code === null ? "" : ` (${code})`} to: ${what}.`;
  if (status === 429 || status === 503) {
    return new Retryable(said, "Nothing to do unless it lasts: fewer calls are allowed than were made.", {
      retryAfterMs: retryAfterMs(headers, THROTTLED_PAUSE_MS),
    });
  }
  if (status === 408 || status === 409 || status >= 500) {
    return new Retryable(said, "Nothing to do unless it lasts: then look at the state of Azure.", {
      retryAfterMs: retryAfterMs(headers, UNREACHABLE_PAUSE_MS),
    });
  }
  if (status === 401)
    return new Permanent(
      said,
      "Look whether the app's identity still exists and is of the subscription's tenant.",
    );
  if (status === 403)
    return new Permanent(said, "Grant the app's identity the right to do this; no other identity is tried.");
  if (status >= 300 && status < 400)
    return new Permanent(said, "Look at what is between the app and Azure: redirects are not followed.");
  return code === null
    ? strange(what, new StrangeAnswer("The answer is none of Azure's errors."))
    : new Permanent(said, "Look at what was asked; it stays wrong however often it is asked.");
}

/** Makes whatever a call raised one of our errors; what is none of the network's or of Azure's doing comes back as it is. */
export function classifyFault(error: unknown, what: string): unknown {
  if (isOurs(error)) return error;
  const answer = answerOf(error);
  // What an SDK could not make sense of came with a status of success.
  if (answer !== null && (answer.status < 200 || answer.status > 299)) return classifyAnswer(answer, what);
  if (answer !== null || error instanceof StrangeAnswer || error instanceof SyntaxError) {
    return strange(what, error instanceof StrangeAnswer ? error : undefined);
  }
  return withoutToken(error, what) ?? onTheWay(error, what) ?? error;
}

function isOurs(error: unknown): boolean {
  return (
    error instanceof Permanent ||
    error instanceof Retryable ||
    error instanceof Refused ||
    error instanceof Conflict
  );
}

function strange(what: string, cause: Error | undefined): Retryable {
  return new Retryable(
    `What answered is not Azure Resource Manager: ${what}.`,
    "Check any proxy or firewall between the app and Azure.",
    { retryAfterMs: THROTTLED_PAUSE_MS, ...(cause === undefined ? {} : { cause }) },
  );
}

/** The words of `@azure/identity` for a token that could not be had. */
function withoutToken(error: unknown, what: string): Permanent | Retryable | null {
  if (!(error instanceof Error)) return null;
  const { name } = error;
  const said = `No token for Azure could be had (${name}) to: ${what}.`;
  const advice =
    "Look whether the app has its managed identity, and whether its client id is the one in the settings.";
  if (name === "AuthenticationRequiredError" || name === "CredentialUnavailableError") {
    // It also says this where the endpoint of identities does not answer.
    return new Retryable(said, advice, { retryAfterMs: THROTTLED_PAUSE_MS });
  }
  if (name !== "AuthenticationError" && name !== "AggregateAuthenticationError") return null;
  const status = "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : 0;
  return status >= 400 && status < 500 && status !== 429
    ? new Permanent(said, advice)
    : new Retryable(said, advice, { retryAfterMs: THROTTLED_PAUSE_MS });
}

function onTheWay(error: unknown, what: string): Permanent | Retryable | null {
  if (!(error instanceof Error)) return null;
  const { name } = error;
  const inner = error.cause === undefined ? null : onTheWay(error.cause, what);
  const code = "code" in error && typeof error.code === "string" ? error.code : null;
  if (code !== null && TRUST.test(code)) {
    return new Permanent(
      `No trusted connection to Azure (${code}) to: ${what}.`,
      "Look at what is between the app and Azure: its certificate is not one of Azure's.",
    );
  }
  const word = name === "TimeoutError" || name === "AbortError" ? "no answer in time" : code;
  // Codes of Node that begin so are faults of ours, but for a connection that was closed in the middle.
  if (word === null || (word.startsWith("ERR_") && word !== "ERR_STREAM_PREMATURE_CLOSE")) return inner;
  return new Retryable(
    `Azure did not answer (${word.slice(0, 64)}) to: ${what}.`,
    "Look whether management.azure.com can be reached from the app.",
    { retryAfterMs: UNREACHABLE_PAUSE_MS },
  );
}

/** The answer that an SDK's error carries; null where there was none. */
function answerOf(error: unknown): Answer | null {
  if (!(error instanceof Error && error.name === "RestError" && "response" in error)) return null;
  const parsed = restSchema.safeParse(error.response);
  return parsed.success ? parsed.data : null;
}

const restSchema = z.object({
  status: z.int(),
  headers: z.custom<Named>(
    (value) =>
      typeof value === "object" && value !== null && "get" in value && typeof value.get === "function",
  ),
  bodyAsText: z.string().nullish(),
});

function codeOf({ bodyAsText }: Answer): string | null {
  try {
    return errorSchema.safeParse(JSON.parse(bodyAsText ?? "")).data?.error.code ?? null;
  } catch {
    return null;
  }
}

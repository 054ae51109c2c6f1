import { z } from "zod";
import { Conflict, Permanent, Retryable } from "../../model/errors.ts";
import { type ApiCall, describeCall } from "./api-call.ts";
import { causesOf, type ErrorAnswer, errorAnswer } from "./error-answer.ts";
import { wordsOf } from "./own-words.ts";

const UNREACHABLE_PAUSE_MS = 1_000;
const THROTTLED_PAUSE_MS = 5_000;
/** A budget opens when another pod has become ready; the server names no time. */
const BUDGET_PAUSE_MS = 30_000;

/** Codes of Node for certificates that do not fit, theirs or ours: no waiting makes it better. */
const TRUST = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_OSSL_|HOSTNAME_MISMATCH)/;

/** Codes of the network, of TLS and of the HTTP client; other codes of Node are faults of ours. */
const ON_THE_WAY = /^(?!ERR_)|^ERR_(TLS|SSL|OSSL)_/;

/** Codes that say that nobody is there, or that nobody answers in time; a connection that broke says neither. */
const NOBODY =
  /^(TimeoutError|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|UND_ERR_(CONNECT|HEADERS)_TIMEOUT)$/;

/** Those of them that say so before a request could leave: there was no connection for it yet. */
const NOT_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** What to do where the way to a cluster is wrong, in the words of whatever that way is made from. */
export interface AccessAdvice {
  readonly unauthorized: string;
  readonly untrusted: string;
  readonly strange: string;
}

const OF_KUBECONFIG: AccessAdvice = {
  unauthorized: "Renew the credential in the kubeconfig: the cluster does not know it.",
  untrusted:
    "Correct certificate-authority-data, tls-server-name or the client certificate in the kubeconfig.",
  strange: "Check the server address in the kubeconfig and any proxy in between.",
};

/** An answer that cannot be the API server's: a login page, a proxy, half a body. It is never taken for success. */
export class StrangeAnswer extends Error {}

/** Did the API server itself say that the object is not there? A 404 of a proxy or of a wrong path does not count. */
export function isNotFound(error: unknown): boolean {
  const answer = errorAnswer(error);
  return answer?.code === 404 && answer.status !== null;
}

/** Did the API server itself say that an object of that name is there already? */
export function alreadyThere(error: unknown): boolean {
  const answer = errorAnswer(error);
  return answer?.code === 409 && answer.status?.reason === "AlreadyExists";
}

/** The HTTP code of an error that is an answer; null where nobody answered. */
export function answeredCode(error: unknown): number | null {
  return errorAnswer(error)?.code ?? null;
}

const unservedSchema = z.object({
  code: z.literal(404),
  body: z.string().regex(/^404 page not found\s*$/),
});

/** Is it the API server's own plain answer for a kind that it does not serve? A proxy's page for 404 is none. */
export function isNotServed(error: unknown): boolean {
  return unservedSchema.safeParse(error).success;
}

/** Says the API server that our identity may not do this? */
export function isForbidden(error: unknown): boolean {
  return errorAnswer(error)?.code === 403;
}

/** Says the API server that a disruption budget allows no eviction now? Then it did nothing. */
export function isHeldByBudget(error: unknown): boolean {
  const answer = errorAnswer(error);
  return answer !== null && isBudgets(answer);
}

/**
 * What a failed call says of the way to the cluster: its credential is not known, its certificate not trusted, or nobody
 * is there. Null: the way is as it should be.
 */
export function wayFault(error: unknown): "unauthorized" | "untrusted" | "unreachable" | null {
  const answer = errorAnswer(error);
  if (answer !== null) return answer.code === 401 ? "unauthorized" : null;
  const code = networkCode(error) ?? "";
  if (TRUST.test(code)) return "untrusted";
  return NOBODY.test(code) ? "unreachable" : null;
}

/** Did the request certainly not leave, since no connection came about? */
export function neverLeft(error: unknown): boolean {
  return errorAnswer(error) === null && NOT_CONNECTED.test(networkCode(error) ?? "");
}

/**
 * Makes whatever a call raised one of our errors; what is none of the network's or the server's doing comes back as
 * it is. The client's own message is never passed on: it holds the whole body and all headers of the answer.
 */
export function classifyError(error: unknown, call: ApiCall, advice: AccessAdvice = OF_KUBECONFIG): unknown {
  const answer = errorAnswer(error);
  if (answer !== null) {
    return classifyAnswer(answer, call, advice);
  }
  if (error instanceof StrangeAnswer || error instanceof SyntaxError) {
    return strange(call, error, advice);
  }
  const code = networkCode(error);
  if (code !== null && TRUST.test(code)) {
    return new Permanent(
      `No trusted connection to the API server (${code}) at: ${describeCall(call)}.`,
      advice.untrusted,
      { cause: error },
    );
  }
  if (code !== null) {
    return new Retryable(
      `The API server did not answer (${code}) at: ${describeCall(call)}.`,
      "Look whether the cluster runs and can be reached from here.",
      { retryAfterMs: UNREACHABLE_PAUSE_MS, cause: error },
    );
  }
  return error;
}

function isBudgets(answer: ErrorAnswer): boolean {
  return answer.code === 429 && causesOf(answer).some(({ reason }) => reason === "DisruptionBudget");
}

function classifyAnswer(answer: ErrorAnswer, call: ApiCall, advice: AccessAdvice): Error {
  const { code, status, retryAfter } = answer;
  const said = `The API server answered ${[code, status?.reason].filter(Boolean).join(" ")}`;
  // The answer itself may hold what must not be logged: a pod's validation error quotes its environment.
  const cause = new Error(said);
  const what = `${said} to: ${describeCall(call)}.`;
  if (isBudgets(answer)) {
    return new Retryable(
      `${what} A PodDisruptionBudget allows no eviction of it now.`,
      "Have more of the workload's pods ready, loosen the budget, or run it with `by: delete`, which asks no budget.",
      { retryAfterMs: pauseOf(retryAfter, BUDGET_PAUSE_MS), undone: true, cause },
    );
  }
  if (code === 429 || code >= 500 || code === 408) {
    return new Retryable(what, "Nothing to do unless it lasts: then look at the API server's load.", {
      retryAfterMs: pauseOf(retryAfter, code === 429 ? THROTTLED_PAUSE_MS : UNREACHABLE_PAUSE_MS),
      cause,
    });
  }
  if (code === 401) {
    return new Permanent(what, advice.unauthorized, { cause });
  }
  if (status === null && code !== 403) {
    return strange(call, cause, advice);
  }
  if (hasVanished(answer)) {
    return new Conflict(
      `${what} The object, or its namespace, has gone.`,
      "Nothing is left to be changed there.",
      {
        cause,
      },
    );
  }
  if (code === 403) {
    return new Permanent(what, adviceOfForbidden(call), { cause });
  }
  if (code === 409 && status?.reason === "AlreadyExists") {
    return new Conflict(what, "Look who made the object of that name; it was left alone.", { cause });
  }
  if (isPrecondition(answer)) {
    return new Retryable(what, "Nothing to do: the object has moved, it will be read again.", {
      retryAfterMs: 0,
      cause,
    });
  }
  // Of all messages only what a policy of ours says is passed on: it quotes names and nothing else of an object.
  const words = wordsOf(causesOf(answer).map(({ message }) => message));
  if (words !== null) {
    return new Permanent(
      `${what} It was refused: ${words}`,
      "An admission policy of defender-reflex itself refuses this: infra/kubernetes says which and why.",
      { cause },
    );
  }
  const fields = causesOf(answer).flatMap(({ field }) =>
    field === undefined || field === "" ? [] : [field],
  );
  return new Permanent(
    fields.length === 0 ? what : `${what} Fields: ${fields.join(", ")}.`,
    "Look for an admission policy or webhook of the cluster that refuses this change.",
    { cause },
  );
}

/** Gone, or in a namespace that is being deleted (which the server words as forbidden). */
function hasVanished(answer: ErrorAnswer): boolean {
  return answer.code === 404 || causesOf(answer).some(({ reason }) => reason === "NamespaceTerminating");
}

/** The state that the call demanded was no longer there. The server says so in four ways. */
function isPrecondition(answer: ErrorAnswer): boolean {
  const causes = causesOf(answer);
  return (
    answer.code === 409 ||
    answer.code === 410 ||
    // A failed `test` of a JSON patch says nothing more; another uid in a merge patch is an immutable field.
    (answer.code === 422 && (causes.length === 0 || causes.some(({ field }) => field === "metadata.uid")))
  );
}

function adviceOfForbidden({ verb, apiGroup, resource, namespace }: ApiCall): string {
  const group = apiGroup === "" ? "the core API group" : `API group ${apiGroup}`;
  const where = namespace === undefined ? "in the cluster" : `in namespace ${namespace}`;
  return `Grant the right to ${verb} ${resource} of ${group} ${where} (infra/kubernetes has the roles); if it is granted, an admission policy refused.`;
}

function strange(call: ApiCall, cause: Error, advice: AccessAdvice): Retryable {
  return new Retryable(
    `What answered is not the Kubernetes API: ${describeCall(call)}.`,
    advice.strange,
    // A syntax error quotes the text that it could not read.
    { retryAfterMs: THROTTLED_PAUSE_MS, ...(cause instanceof SyntaxError ? {} : { cause }) },
  );
}

function pauseOf(retryAfter: string | undefined, otherwise: number): number {
  return retryAfter !== undefined && /^\d{1,5}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : otherwise;
}

/** The system's or the HTTP client's word for what went wrong on the way; null where it is no such error. */
function networkCode(error: unknown): string | null {
  if (!(error instanceof Error)) {
    return null;
  }
  if (error.name === "TimeoutError" || error.name === "AbortError") {
    return error.name;
  }
  const own =
    "code" in error && typeof error.code === "string" && ON_THE_WAY.test(error.code) ? error.code : null;
  const inner = error.cause === undefined ? null : networkCode(error.cause);
  // Without any code the HTTP client only says that it failed: a forbidden port, a body cut short.
  const failed = error instanceof TypeError && /^(fetch failed|terminated)$/.test(error.message);
  return inner ?? own ?? (failed ? error.message : null);
}

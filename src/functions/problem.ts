import type { HttpResponseInit } from "@azure/functions";
import { Conflict, Permanent, Refused, Retryable } from "../model/errors.ts";
import { StoreUnreachable } from "../store/table.ts";

/** A request that is wrong in itself; `detail` says what, and what to do. */
export class BadRequest extends Error {
  readonly status: number;

  constructor(detail: string, status = 400) {
    super(detail);
    this.name = "BadRequest";
    this.status = status;
  }
}

/** Nobody that is known sends the request; `detail` says what, `advice` what to do. Nothing of a token is in either. */
export class Unauthenticated extends Error {
  readonly advice: string;
  /** A token came that does not hold; else none came. */
  readonly hadToken: boolean;

  constructor(detail: string, advice: string, { hadToken }: { readonly hadToken: boolean }) {
    super(detail);
    this.name = "Unauthenticated";
    this.advice = advice;
    this.hadToken = hadToken;
  }
}

/** Somebody who is known may not do this. */
export class Forbidden extends Error {
  readonly advice: string;

  constructor(detail: string, advice: string) {
    super(detail);
    this.name = "Forbidden";
    this.advice = advice;
  }
}

/** An error as problem details (RFC 9457): status, title, one sentence, and what to do. Never a stack trace. */
export function problem(error: unknown): HttpResponseInit {
  if (error instanceof BadRequest) return answer(error.status, "The request is wrong", error.message);
  if (error instanceof Unauthenticated) {
    const response = answer(401, "Not signed in", error.message, error.advice);
    // RFC 6750, section 3.
    const challenge = error.hadToken ? 'Bearer error="invalid_token"' : "Bearer";
    return { ...response, headers: { ...response.headers, "www-authenticate": challenge } };
  }
  if (error instanceof Forbidden) return answer(403, "Not allowed", error.message, error.advice);
  if (error instanceof Refused) return answer(422, "Refused", error.message, error.advice);
  if (error instanceof Conflict) return answer(409, "Changed by somebody else", error.message, error.advice);
  if (error instanceof Permanent) return answer(422, "Not possible", error.message, error.advice);
  if (error instanceof Retryable) {
    const seconds = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
    const response = answer(503, "Not now", error.message, error.advice);
    return { ...response, headers: { ...response.headers, "retry-after": seconds } };
  }
  if (error instanceof StoreUnreachable) {
    return answer(
      503,
      "The store does not answer",
      "The state could not be read or written.",
      "Ask again in a moment.",
    );
  }
  return answer(
    500,
    "Unexpected fault",
    "The request could not be carried out.",
    "Look at the log of this invocation.",
  );
}

function answer(
  status: number,
  title: string,
  detail: string,
  advice?: string,
): HttpResponseInit & { headers: Record<string, string> } {
  return {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
    body: JSON.stringify({
      type: "about:blank",
      status,
      title,
      detail,
      ...(advice === undefined ? {} : { advice }),
    }),
  };
}

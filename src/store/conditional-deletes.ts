import type { TableClient } from "@azure/data-tables";

type Policy = Parameters<TableClient["pipeline"]["addPolicy"]>[0];

/** One delete of a batch, up to its precondition. JSON holds no line breaks, so no value of a row can look like it. */
const DELETE_PART = /(\r\nDELETE [^\r\n]+\r\n(?:[^\r\n]+\r\n)*?If-Match: )\*(?=\r\n)/gi;

/** Gives the ETags to the deletes of a transaction, which the client library sends with `If-Match: *` whatever it is told. */
export interface ConditionalDeletes {
  /** Belongs into the client's pipeline. */
  readonly policy: Policy;
  /** The ETags of the deletes in the transaction that is sent with `signal`, in their order. */
  expect(signal: AbortSignal, etags: readonly string[]): void;
}

/**
 * Makes the policy that writes ETags into the deletes of a batch. A transaction is recognised by its abort signal,
 * the one thing of the caller's that reaches the pipeline as it was. Not what was expected: the request fails unsent.
 */
export function createConditionalDeletes(): ConditionalDeletes {
  const expected = new WeakMap<object, readonly string[]>();
  return {
    policy: {
      name: "conditionalDeletes",
      sendRequest(request, next) {
        const etags = request.abortSignal === undefined ? undefined : expected.get(request.abortSignal);
        if (etags !== undefined) {
          request.body = withEtags(request.body, etags);
        }
        return next(request);
      },
    },
    expect(signal, etags) {
      expected.set(signal, etags);
    },
  };
}

function withEtags(body: unknown, etags: readonly string[]): string {
  let found = 0;
  const text = String(body).replace(DELETE_PART, (_part, head: string) => {
    const etag = etags[found] ?? "";
    found += 1;
    return `${head}${etag}`;
  });
  if (found !== etags.length) {
    throw new TypeError(`The batch has ${found} deletes where ${etags.length} were asked for.`);
  }
  return text;
}

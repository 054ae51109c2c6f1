import { RowConflict, StoreUnreachable } from "./table.ts";

/** The 404s that speak of a row; a missing table, or a page of some proxy, must not pass for a missing row. */
const ROW_IS_MISSING = new Set(["ResourceNotFound", "EntityNotFound"]);

/** The 409s that speak of more than a row: `TableBeingDeleted`, `AccountBeingCreated`. */
const ABOUT_MORE_THAN_A_ROW = /^(?:Table|Account)/;

/**
 * What an error of the tables client means: `RowConflict` for 404, 409 and 412 about a row, `StoreUnreachable` for
 * time-outs, broken connections, garbled answers, 408, 429 and 5xx that outlived the client's own repeats.
 * Everything else comes back as it is: a missing table, 400, 401, 403, faults of ours.
 */
export function toStoreError(error: unknown, call: string): unknown {
  if (!(error instanceof Error)) {
    return error;
  }
  const message = `${call}: ${error.message.split("\n", 1).join("")}`;
  if (error.name === "AbortError" || error.name === "TimeoutError") {
    return new StoreUnreachable(message, { cause: error });
  }
  // By its name: a bundle may hold the class twice.
  if (error.name !== "RestError") {
    return error;
  }
  const { status, code } = answerOf(error);
  // A 2xx among the errors: it answered, and the answer could not be read.
  if (status === undefined || status < 300 || status === 408 || status === 429 || status >= 500) {
    return new StoreUnreachable(message, { cause: error });
  }
  const conflict = conflictOf(status, code);
  return conflict === null ? error : new RowConflict(conflict, message, { cause: error });
}

function conflictOf(status: number, code: string): 404 | 409 | 412 | null {
  if (status === 404) {
    return ROW_IS_MISSING.has(code) ? status : null;
  }
  if (status === 409) {
    return ABOUT_MORE_THAN_A_ROW.test(code) ? null : status;
  }
  return status === 412 ? status : null;
}

/** Transactions name the code at the error itself, single requests in the body that the client has parsed. */
function answerOf(error: Error): { readonly status: number | undefined; readonly code: string } {
  const status = property(error, "statusCode");
  const inBody = property(property(property(error, "details"), "odataError"), "code");
  const code = property(error, "code") ?? inBody;
  return {
    status: typeof status === "number" ? status : undefined,
    code: typeof code === "string" ? code : "",
  };
}

function property(of: unknown, name: string): unknown {
  return typeof of === "object" && of !== null ? Reflect.get(of, name) : undefined;
}

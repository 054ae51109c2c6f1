import { blobAnswer } from "../clients/blob-answer.ts";
import { Permanent, Retryable } from "../model/errors.ts";

const PAUSE_MS = 2_000;
/** Written before, by this run or another: also where a policy of the container keeps it from being touched at all. */
const THERE = new Set(["BlobAlreadyExists", "BlobImmutableDueToPolicy", "ConditionNotMet"]);

/** Did the service refuse a write since there is a file of that name? */
export function isThere(error: unknown): boolean {
  const { status, code } = blobAnswer(error);
  return (status === 409 || status === 412) && THERE.has(code);
}

/**
 * What an error of the blob client means. Its own message, which quotes the answer, is not passed on. What is none of
 * the service's doing comes back as it is.
 */
export function evidenceFault(error: unknown, place: string, done: string): unknown {
  if (!(error instanceof Error)) return error;
  const isLate = error.name === "AbortError" || error.name === "TimeoutError";
  // By its name: a bundle may hold the class twice.
  if (!isLate && error.name !== "RestError") return error;
  const { status, code } = blobAnswer(error);
  const said = [status, code].filter(Boolean).join(" ") || "no answer";
  const what = `Evidence cannot be ${done} at ${place} (${said}).`;
  const cause = new Error(said);
  if (isLate || status === null || status < 400 || status === 408 || status === 429 || status >= 500) {
    return new Retryable(what, "Nothing to do unless it lasts: then look at the storage account.", {
      retryAfterMs: PAUSE_MS,
      cause,
    });
  }
  if (code === "ContainerNotFound") {
    return new Permanent(what, "Create the container; the app does not.", { cause });
  }
  const advice =
    status === 401 || status === 403
      ? "Grant the app's identity the right to add and read blobs there, and let it through the account's firewall."
      : "Look at the container: a lock or a policy may forbid new files.";
  return new Permanent(what, advice, { cause });
}

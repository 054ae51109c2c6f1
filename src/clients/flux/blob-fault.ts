import { Permanent, Retryable } from "../../model/errors.ts";
import { classifyFault } from "../arm/classify-fault.ts";
import { blobAnswer } from "../blob-answer.ts";

/** The service's own words for: the blob is not as the condition wants it. */
const MOVED = new Set(["ConditionNotMet", "TargetConditionNotMet", "BlobAlreadyExists"]);

/** What an error of the blob client means; `what` is the call. Its own message, which quotes the answer, is not passed on. */
export function blobFault(error: unknown, what: string): unknown {
  const { status, code } = blobAnswer(error);
  if ((status === 409 || status === 412) && MOVED.has(code)) {
    return new Retryable(`The list was changed meanwhile: ${what}.`, "It is read again by itself.", {
      retryAfterMs: 0,
    });
  }
  if (status === 404) {
    return new Permanent(
      `There is no such container: ${what}.`,
      "Create the container, or correct it under `connect`; the app makes none.",
    );
  }
  if (status === 409) {
    return new Permanent(
      `The container takes no change (${/^\w{1,64}$/.test(code) ? code : ""}): ${what}.`,
      "Look at the container: a lease, a lock or a policy forbids it.",
    );
  }
  const fault = classifyFault(error, what);
  if (!(fault instanceof Retryable) || status !== null) return fault;
  const advice = "Look whether the storage account can be reached from the app.";
  return new Retryable(fault.message, advice, { retryAfterMs: fault.retryAfterMs, cause: error });
}

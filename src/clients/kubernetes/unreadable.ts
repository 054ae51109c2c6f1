import type { Unreadable } from "../../model/engine-policies.ts";
import { isForbidden, isNotServed } from "./classify-error.ts";

/**
 * Why there is nothing to be read, for the end of a request: where the kind itself is not installed there is none of it,
 * and a right that is missing is an answer too. Raises every other error again.
 */
export function unreadable(error: unknown): Unreadable {
  if (isNotServed(error)) return "unserved";
  if (isForbidden(error)) return "unread";
  throw error;
}

/** Is it a word of `unreadable`, and no answer? */
export function isUnreadable(answer: unknown): answer is Unreadable {
  return answer === "unserved" || answer === "unread";
}

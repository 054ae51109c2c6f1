import type { NotActionable, Signal } from "../model/signal.ts";

/** Reasons for which a record asks for nothing any more. */
export const CLOSED: ReadonlySet<NotActionable> = new Set(["deleted", "healthy", "exempt", "resolved"]);

/**
 * The words for a signal's status. The Event Hub says New where the API says Active: either word means both. A record
 * that says its thing is gone still carries the last status; it counts as Deleted only, so that nobody acts on it.
 */
export function statusesOf(signal: Signal): readonly (string | null)[] {
  if (signal.action === "Delete" || signal.notActionable === "deleted") {
    return ["Deleted"];
  }
  return signal.status === "New" || signal.status === "Active" ? ["New", "Active"] : [signal.status];
}

import type { NotActionable, Signal } from "../model/signal.ts";
import type { Doubt } from "./answer.ts";
import { isResourceId } from "./arm-id.ts";

/** A signal without the verdict whether it may be acted upon. */
export type Unjudged = Omit<Signal, "actionable" | "notActionable">;

/** Alerts: only `Active` awaits an answer. Recommendations and findings: only `Unhealthy` is something to remedy. */
function stateVerdict(signal: Unjudged): NotActionable | null {
  const status = signal.status?.toLowerCase();
  if (signal.kind === "alert") return status === "active" ? null : "resolved";
  if (signal.kind === "other" || status === "unhealthy") return null;
  const isExempt = status === "notapplicable" && signal.statusCause?.toLowerCase() === "exempt";
  return isExempt ? "exempt" : "healthy";
}

function verdict(signal: Unjudged, doubts: ReadonlySet<Doubt>): NotActionable | null {
  if (signal.action === "Delete") return "deleted";
  const state = stateVerdict(signal);
  if (state !== null) return state;
  if (signal.isSample) return "sample";
  if (signal.isSnapshot) return "snapshot";
  if (doubts.has("pattern") || signal.resourceIds[0]?.includes("*")) return "pattern";
  if (doubts.has("ambiguous")) return "ambiguous";
  const main = signal.resourceIds[0];
  return signal.kind !== "other" && main !== undefined && isResourceId(main) ? null : "not a resource";
}

/** Adds the verdict: the first reason, in a fixed order, why nothing may be done by default. */
export function judged(signal: Unjudged, doubts: ReadonlySet<Doubt>): Signal {
  const notActionable = verdict(signal, doubts);
  return { ...signal, actionable: notActionable === null, notActionable };
}

import type { Remediation } from "../model/remediation.ts";
import type { Severity } from "../model/signal.ts";
import { type Lane, LEAST_URGENT } from "../store/record-rows.ts";

const MOST_SEVERE_FIRST: readonly (Severity | null)[] = [
  "Critical",
  "High",
  "Medium",
  "Low",
  "Informational",
];

/** What a record waits on, for the breaker (its cluster, or nothing), and how urgent its signal makes it. */
export function laneOf({
  target,
  signal: { severity },
}: Pick<Remediation, "target"> & { readonly signal: { readonly severity: Severity | null } }): Lane {
  return { cluster: "cluster" in target ? target.cluster.toLowerCase() : "", urgency: urgencyOf(severity) };
}

/** 0 (critical) to 4 (informational), and 5 where no severity is known. */
export function urgencyOf(severity: Severity | null): number {
  const index = MOST_SEVERE_FIRST.indexOf(severity);
  return index < 0 ? LEAST_URGENT : index;
}

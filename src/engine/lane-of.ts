import type { Remediation } from "../model/remediation.ts";

/** What a record waits on, for the breaker: its cluster, or nothing. */
export function laneOf({ target }: Pick<Remediation, "target">): string {
  return "cluster" in target ? target.cluster.toLowerCase() : "";
}

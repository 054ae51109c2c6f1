import type { Lanes } from "./in-lanes.ts";

const FAILURES = 3;
/** Records of one cluster at a time, once it has answered; before that one alone shows whether it does. */
const AT_A_TIME = 4;

/**
 * Keeps a sweep from waiting again and again for a cluster that does not answer: it gets one record at a time until it
 * has answered, and none after three failures in a row; the rest stays due. Records of no cluster are never held up.
 */
export class ClusterBreaker implements Lanes {
  readonly #failures = new Map<string, number>();

  /** Has this cluster failed too often? */
  isOpen(cluster: string): boolean {
    return cluster !== "" && this.failures(cluster) >= FAILURES;
  }

  /** How often it has failed in a row. */
  failures(cluster: string): number {
    return this.#failures.get(cluster) ?? 0;
  }

  /** How many of its records may be under way before others have had their turn, and at all. */
  width(cluster: string): { readonly fair: number; readonly most: number } {
    if (cluster === "") return { fair: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY };
    return this.#failures.get(cluster) === 0
      ? { fair: AT_A_TIME, most: Number.POSITIVE_INFINITY }
      : { fair: 1, most: 1 };
  }

  /** Notes whether a record of the cluster had to be deferred. */
  note(cluster: string, deferred: boolean): void {
    this.#failures.set(cluster, deferred ? this.failures(cluster) + 1 : 0);
  }
}

const FAILURES = 3;

/** Keeps a sweep from waiting again and again for a cluster that does not answer: after three failures in a row the rest of its records stay due. */
export class ClusterBreaker {
  readonly #failures = new Map<string, number>();

  /** Has this cluster failed too often? Records of no cluster are never held up. */
  isOpen(cluster: string): boolean {
    return cluster !== "" && (this.#failures.get(cluster) ?? 0) >= FAILURES;
  }

  /** Notes whether a record of the cluster had to be deferred. */
  note(cluster: string, deferred: boolean): void {
    this.#failures.set(cluster, deferred ? (this.#failures.get(cluster) ?? 0) + 1 : 0);
  }
}

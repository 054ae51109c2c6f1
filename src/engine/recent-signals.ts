/** What this process knows to be decided: a signal for a playbook and the clusters of its decision, nothing wider. Bounded, oldest out first. */
export class RecentSignals {
  readonly #known = new Set<string>();
  readonly #limit: number;
  /** When this process last noted that events came; null before the first time. */
  lastEventNoted: Date | null = null;

  constructor(limit = 50_000) {
    this.#limit = limit;
  }

  /** Has this process seen the signal decided for this playbook? */
  has(signal: string, playbook: string, cluster: string): boolean {
    return this.#known.has(entryKey(signal, playbook, cluster));
  }

  /** The signal is durably decided for this playbook. */
  add(signal: string, playbook: string, cluster: string): void {
    const key = entryKey(signal, playbook, cluster);
    this.#known.delete(key);
    this.#known.add(key);
    if (this.#known.size > this.#limit) {
      for (const oldest of this.#known) {
        this.#known.delete(oldest);
        break;
      }
    }
  }

  /** Forgets everything, as a new process would. */
  forget(): void {
    this.#known.clear();
    this.lastEventNoted = null;
  }
}

function entryKey(signal: string, playbook: string, cluster: string): string {
  return JSON.stringify([signal, playbook, cluster]);
}

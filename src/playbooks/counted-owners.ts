/** So many owners are named; of the others only the number is. */
const MOST_NAMED = 10;

/** Pods counted by the workload that they belong to. */
export class CountedOwners {
  readonly #pods = new Map<string, number>();

  /** Counts one pod; `owner` as in `PodFacts`. */
  add(namespace: string, owner: string): void {
    const [kind = "", name = ""] = owner.split(" ");
    const key = `${kind} ${namespace}/${name}`;
    this.#pods.set(key, (this.#pods.get(key) ?? 0) + 1);
  }

  /** One sentence for each owner, those with most pods first, ten at most and the number of the others. */
  sentences(one: string, several: string): string[] {
    const owners = [...this.#pods].sort(([a, some], [b, more]) => more - some || (a < b ? -1 : 1));
    const rest = owners.slice(MOST_NAMED);
    const pods = rest.reduce((sum, [, count]) => sum + count, 0);
    return [
      ...owners
        .slice(0, MOST_NAMED)
        .map(([owner, count]) =>
          owner.startsWith("pod ")
            ? `Pod ${owner.slice(4)} ${one}.`
            : `${count === 1 ? "1 pod" : `${count} pods`} of ${owner} ${count === 1 ? one : several}.`,
        ),
      ...(rest.length === 0
        ? []
        : [`So ${pods === 1 ? "does 1 pod" : `do ${pods} pods`} of ${rest.length} more workloads.`]),
    ];
  }
}

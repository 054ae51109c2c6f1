import type { Rule, RulePlaybook } from "./configuration.ts";

/** Who decides what for one signal: for one playbook on one cluster it is the first rule of the file that matches. */
export class FirstCome {
  readonly #rules = new Map<string, string>();

  /** What earlier rules left to this playbook: its clusters (null: the signal's own), or the rule that decides for all of them. */
  left(playbook: RulePlaybook): { clusters: readonly string[] | null; decidedBy: string | null } {
    const clusters =
      playbook.clusters?.filter((cluster) => !this.#rules.has(keyOf(playbook, cluster))) ?? null;
    const taken = keysOf(playbook).map((key) => this.#rules.get(key) ?? null);
    return taken.includes(null)
      ? { clusters, decidedBy: null }
      : { clusters: playbook.clusters, decidedBy: taken[0] ?? null };
  }

  /** The rule decides for what is left of this playbook. */
  take(rule: Rule, playbook: RulePlaybook): void {
    for (const key of keysOf(playbook)) {
      this.#rules.set(key, this.#rules.get(key) ?? rule.name);
    }
  }
}

function keysOf(playbook: RulePlaybook): string[] {
  return (playbook.clusters ?? [""]).map((cluster) => keyOf(playbook, cluster));
}

function keyOf(playbook: RulePlaybook, cluster: string): string {
  return `${playbook.name}|${cluster}`;
}

import { armSegments } from "../model/arm-id.ts";
import type { Budgets } from "../model/rule.ts";
import { type Target, targetKey } from "../model/target.ts";

/** The hour with the most targets for one budget, beside what the budget lets go without a person. */
export interface Peak {
  readonly budget: "playbook" | "rule" | "cluster" | "namespace" | "subscription";
  /** Name of the playbook, rule, cluster, namespace or subscription with the most. */
  readonly name: string;
  /** The hour as `2026-03-02T08`, UTC. */
  readonly hour: string;
  /** Distinct targets. */
  readonly targets: number;
  readonly limit: number;
}

/** A change that was planned, as far as budgets ask. */
export interface Planned {
  readonly playbook: string;
  readonly target: Target;
  readonly createdAt: string;
}

/**
 * Per budget the hour in which most distinct targets would have used it, of all that has a name there. Pure. Only what is
 * handed in counts: the budgets are shared with other rules.
 */
export function peaksOf(
  planned: readonly Planned[],
  rule: { readonly name: string; readonly perHour: number | null },
  budgets: Budgets,
): readonly Peak[] {
  const used = new Map<string, { readonly peak: Omit<Peak, "targets">; readonly targets: Set<string> }>();
  for (const one of planned) {
    const hour = one.createdAt.slice(0, "2026-03-02T08".length);
    for (const { budget, name, limit } of wishesOf(one, rule, budgets)) {
      const key = `${budget}|${name}|${hour}`;
      const known = used.get(key) ?? { peak: { budget, name, hour, limit }, targets: new Set() };
      known.targets.add(targetKey(one.target));
      used.set(key, known);
    }
  }
  const highest = new Map<string, Peak>();
  for (const { peak, targets } of used.values()) {
    const before = highest.get(peak.budget);
    if (before === undefined || targets.size > before.targets)
      highest.set(peak.budget, { ...peak, targets: targets.size });
  }
  return [...highest.values()];
}

function wishesOf(
  { playbook, target }: Planned,
  rule: { readonly name: string; readonly perHour: number | null },
  budgets: Budgets,
): readonly Pick<Peak, "budget" | "name" | "limit">[] {
  const cluster = "cluster" in target ? target.cluster.toLowerCase() : null;
  const namespace = namespaceOf(target);
  const [scope, subscription] = cluster === null ? [] : armSegments(cluster);
  const none: readonly Pick<Peak, "budget" | "name" | "limit">[] = [];
  return [
    { budget: "rule" as const, name: rule.name, limit: rule.perHour ?? budgets.perRule },
    { budget: "playbook" as const, name: playbook, limit: budgets.perPlaybook },
    ...(cluster === null
      ? none
      : [{ budget: "cluster" as const, name: shortName(cluster), limit: budgets.perCluster }]),
    ...(cluster === null || namespace === null
      ? none
      : [
          {
            budget: "namespace" as const,
            name: `${shortName(cluster)}/${namespace}`,
            limit: budgets.perNamespace,
          },
        ]),
    ...(scope !== "subscriptions" || subscription === undefined
      ? none
      : [{ budget: "subscription" as const, name: subscription, limit: budgets.perSubscription }]),
  ];
}

/** The namespace of a target; null where it has none. */
export function namespaceOf(target: Target): string | null {
  if (target.kind === "namespace") return target.name.toLowerCase();
  return "namespace" in target ? (target.namespace?.toLowerCase() ?? null) : null;
}

/** A cluster in a word: the last part of its ARM id. */
export function shortName(cluster: string): string {
  return cluster.split("/").at(-1) ?? cluster;
}

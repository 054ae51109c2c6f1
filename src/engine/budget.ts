import { armSegments } from "../model/arm-id.ts";
import { Permanent } from "../model/errors.ts";
import type { Target } from "../model/target.ts";
import { targetHash } from "../store/row-keys.ts";
import { type About, hourKey, hourOf, MOST_OF_HOUR } from "./budget-rows.ts";
import { takeFromRows } from "./budget-till.ts";
import type { Wish } from "./draw-budget.ts";
import type { Engine } from "./engine.ts";
import { urgencyOf } from "./lane-of.ts";
import type { Intended } from "./prepare.ts";
import { sharesOf } from "./shares.ts";

const SHORT_HASH = 16;

type Taker = Pick<Intended, "playbook" | "rule" | "target" | "signal">;

/**
 * Takes what a target uses of the budgets of this hour (playbook, rule, cluster, namespace, subscription) and of the
 * shares held at a time, all in one transaction or nothing. Null: there was room; else the sentence which one is used up.
 * The same target twice in an hour counts once. Raises `StoreUnreachable`, `Retryable` and what counting pods raises.
 */
export async function takeBudget(engine: Engine, intended: Taker): Promise<string | null> {
  let shares: readonly Wish[];
  try {
    shares = await sharesOf(engine, intended.target);
  } catch (error) {
    if (!(error instanceof Permanent)) throw error;
    return `what is held of its namespace could not be counted, so a person decides: ${error.message}`;
  }
  const wishes = [...perHour(engine, intended), ...shares];
  const refused = await takeFromRows(engine, { wishes, urgency: urgencyOf(intended.signal.severity) });
  return refused?.over ?? null;
}

/** The budgets of an hour that a target uses; 1,000 is the most that a row counts. */
function perHour(engine: Engine, { playbook, rule, target }: Taker): readonly Wish[] {
  const { budgets } = engine.configuration;
  const cluster = clusterOf(target);
  const namespace = namespaceOf(target);
  const [scope, subscription] = cluster === null ? [] : armSegments(cluster);
  const hour = hourOf(engine.clock.now());
  const use = { id: targetHash(target).slice(0, SHORT_HASH), weight: 1, at: 0 };
  const wish = (kind: string, name: string | null | undefined, limit: number, shown = name): Wish[] => {
    if (name === null || name === undefined) return [];
    const about: About = { kind, name };
    const budget = `the budget of ${limit} target${limit === 1 ? "" : "s"} an hour for ${kind} ${shown}`;
    const over = `${budget} is used up`;
    const tells =
      `T${over.slice(1)} from ${hour.slice(-2)}:00 UTC on, until the next full hour. What comes on top awaits a person: ` +
      "reflex list --state awaiting-approval";
    return [
      {
        key: hourKey(hour, about),
        about,
        use,
        most: Math.min(limit, MOST_OF_HOUR),
        share: null,
        over,
        tells,
      },
    ];
  };
  return [
    ...wish("playbook", playbook, budgets.perPlaybook),
    ...wish("rule", rule.name, rule.perHour ?? budgets.perRule),
    ...wish("cluster", cluster, budgets.perCluster, cluster?.split("/").at(-1)),
    ...wish("namespace", cluster && namespace && `${cluster}|${namespace}`, budgets.perNamespace, namespace),
    ...wish("subscription", scope === "subscriptions" ? subscription : null, budgets.perSubscription),
  ];
}

function clusterOf(target: Target): string | null {
  return "cluster" in target ? target.cluster.toLowerCase() : null;
}

function namespaceOf(target: Target): string | null {
  if (target.kind === "namespace") return target.name.toLowerCase();
  return "namespace" in target ? (target.namespace?.toLowerCase() ?? null) : null;
}

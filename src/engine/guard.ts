import picomatch from "picomatch";
import { armIdWithin, armSegments } from "../model/arm-id.ts";
import { lowestMode, type Mode } from "../model/mode.ts";
import type { AnyPlaybook } from "../model/playbook.ts";
import type { Remediation } from "../model/remediation.ts";
import type { Scope, ScopeEntry } from "../model/rule.ts";
import { isProtectedNamespace } from "./protected-namespaces.ts";
import type { TargetFacts } from "./target-facts.ts";

/** What the guard says: how far this may go, or no. `mode` is never higher than what was asked. */
export type GuardVerdict =
  | { readonly verdict: "go"; readonly mode: Mode; readonly lowered: string | null }
  | { readonly verdict: "refuse"; readonly reason: string };

/** What the guard knows besides the facts. */
export interface GuardQuestion {
  readonly record: Pick<Remediation, "mode" | "signal" | "rule" | "clusterByRule">;
  readonly playbook: Pick<AnyPlaybook, "kind" | "reversible" | "name">;
  readonly facts: TargetFacts;
  readonly ceiling: Mode;
  readonly scope: Scope;
  readonly protectedNamespaces: readonly string[];
  readonly now: Date;
  /** Episodes of this playbook on this target in the last day, the present one included. */
  readonly episodes: number;
}

/** Label or annotation by which an owner opts out; any value but `false` protects. */
export const OPT_OUT = "defender-reflex.dev/protected";

/** So many episodes of one playbook on one target in a day go without a person. */
export const EPISODES_UNATTENDED = 2;
const CRITICAL: readonly (string | null)[] = ["system-node-critical", "system-cluster-critical"];

/**
 * Asked before the claim and again on the re-read object after any wait. Deny wins; a check that cannot be made is
 * a no; doubt (too old, irreversible, third time in a day) lowers the mode to `approve` (house rules 5.4, engine design).
 */
export function guard(question: GuardQuestion): GuardVerdict {
  const reason =
    protectedBecause(question) ??
    outOfScope(question) ??
    foreignSubscription(question) ??
    anotherObject(question);
  if (reason !== null) return { verdict: "refuse", reason };
  const asked = lowestMode(question.record.mode, question.ceiling);
  const lowered = doubt(question);
  const mode = lowered === null ? asked : lowestMode(asked, "approve");
  return { verdict: "go", mode, lowered: mode === asked ? null : lowered };
}

function protectedBecause({ facts, protectedNamespaces }: GuardQuestion): string | null {
  const { namespace, cluster } = facts;
  if (namespace !== null && isProtectedNamespace(namespace, cluster, protectedNamespaces)) {
    return `namespace ${namespace === "" ? "(unknown)" : namespace} is protected`;
  }
  if (facts.name.startsWith("system:")) return `${facts.name} belongs to the system`;
  if (CRITICAL.includes(facts.priorityClass)) {
    return `its priority class is ${facts.priorityClass}`;
  }
  // An attacker wants the sensor gone: an alert about it is for people.
  if (facts.labels["app"]?.startsWith("microsoft-defender")) return "it is the Defender sensor";
  const optedOut = [facts.labels, facts.annotations, facts.namespaceLabels, facts.namespaceAnnotations].some(
    (map) => Object.hasOwn(map, OPT_OUT) && map[OPT_OUT] !== "false",
  );
  return optedOut ? `its owner opted out (${OPT_OUT})` : null;
}

function outOfScope({ facts, scope }: GuardQuestion): string | null {
  if (scope.deny.some((entry) => mayMatch(entry, facts))) return "the scope denies it";
  const allowed = scope.allow.length === 0 || scope.allow.some((entry) => surelyMatches(entry, facts));
  return allowed ? null : "the scope does not allow it";
}

/** For deny: a part that cannot be told counts as matching. */
function mayMatch(entry: ScopeEntry, facts: TargetFacts): boolean {
  return parts(entry, facts).every((held) => held !== false);
}

/** For allow: a part that cannot be told counts as not matching. */
function surelyMatches(entry: ScopeEntry, facts: TargetFacts): boolean {
  return parts(entry, facts).every((held) => held === true);
}

function parts(entry: ScopeEntry, facts: TargetFacts): (boolean | null)[] {
  const { cluster, namespace, labels, namespaceLabels, uid } = facts;
  const own = armSegments(cluster);
  const held: (boolean | null)[] = [];
  const arm = (holds: boolean): void => {
    held.push(own[0] === "subscriptions" ? holds : null);
  };
  if (entry.subscription !== undefined) arm(own[1] === entry.subscription.toLowerCase());
  if (entry.resourceGroup !== undefined) arm(own[3] === entry.resourceGroup.toLowerCase());
  if (entry.resource !== undefined) arm(armIdWithin(cluster, entry.resource));
  if (entry.cluster !== undefined) arm(armIdWithin(cluster, entry.cluster));
  if (entry.namespace !== undefined) {
    held.push(namespace === null ? null : picomatch.isMatch(namespace, entry.namespace, { nocase: true }));
  }
  for (const [key, value] of Object.entries(entry.labels ?? {})) {
    held.push(
      uid === null ? null : labelOf(labels, key) === value || labelOf(namespaceLabels, key) === value,
    );
  }
  return held;
}

function labelOf(map: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

function foreignSubscription({ record, facts }: GuardQuestion): string | null {
  if (record.signal.kind === "manual" || record.clusterByRule) return null;
  const [, own] = armSegments(facts.cluster);
  return record.signal.subscriptionId?.toLowerCase() === own && own !== undefined
    ? null
    : "the target is not in the signal's own subscription";
}

function anotherObject({ record, facts }: GuardQuestion): string | null {
  const began = record.signal.startedAt;
  const { createdAt } = facts;
  if (began === null || createdAt === null) return null;
  // Told this way round, a time that cannot be read is a no.
  return new Date(createdAt).getTime() <= new Date(began).getTime()
    ? null
    : `it was created at ${createdAt}, after the activity that the alert is about began`;
}

function doubt({ record, playbook, facts, now, episodes }: GuardQuestion): string | null {
  if (!playbook.reversible) return `${playbook.name} cannot be taken back, so a person decides`;
  if (record.signal.kind === "alert" && record.signal.startedAt === null && facts.createdAt !== null) {
    return "the alert does not say when the activity began, so that its object may be another one";
  }
  if (record.signal.kind !== "manual") {
    const at = new Date(record.signal.at ?? Number.NaN);
    // NaN compares false, so an unknown age counts as too old.
    if (!(now.getTime() - at.getTime() <= record.rule.maxAgeMs))
      return "the signal is older than the rule allows";
  }
  // A person's word is the answer to whoever pulls the other way.
  if (record.signal.kind !== "manual" && episodes > EPISODES_UNATTENDED)
    return "it is the third time in a day: somebody is pulling the other way";
  return null;
}

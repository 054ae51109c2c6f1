import picomatch from "picomatch";
import { armIdWithin, armSegments } from "../model/arm-id.ts";
import type { Scope, ScopeEntry } from "../model/rule.ts";

/** What a scope is asked about. Null where it cannot be told; then a deny holds and an allow does not. */
export interface ScopeFacts {
  /** ARM id of the cluster or resource; null where the target is none. */
  readonly resource: string | null;
  /** Its further ARM ids: what is said of any of them is said of it. */
  readonly aliases?: readonly string[];
  readonly namespace: string | null;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly namespaceLabels: Readonly<Record<string, string>> | null;
  readonly tags: Readonly<Record<string, string>> | null;
  /** Names of the management groups above, lower-cased. */
  readonly managementGroups: readonly string[] | null;
}

/** Why the scope says no; null: it does not. Deny wins; an empty allow list allows what is not denied. */
export function outside(scope: Scope, facts: ScopeFacts, name = "the scope"): string | null {
  const allowed = scope.allow.length === 0 || scope.allow.some((entry) => surelyMatches(entry, facts));
  return denied(scope, facts, name) ?? (allowed ? null : `${name} does not allow it`);
}

/** Why the deny half of the scope says no; null: it does not. */
export function denied({ deny }: Scope, facts: ScopeFacts, name = "the scope"): string | null {
  return deny.some((entry) => mayMatch(entry, facts)) ? `${name} denies it` : null;
}

/** May an entry hold? What cannot be told does. */
export function mayMatch(entry: ScopeEntry, facts: ScopeFacts): boolean {
  return named(facts).some((one) => parts(entry, one).every((held) => held !== false));
}

/** Does an entry surely hold? What cannot be told does not. */
export function surelyMatches(entry: ScopeEntry, facts: ScopeFacts): boolean {
  return named(facts).some((one) => parts(entry, one).every((held) => held === true));
}

/** Does any entry of the scopes ask for what only Azure knows? */
export function asksAzure(scopes: readonly Scope[]): { readonly tags: boolean; readonly groups: boolean } {
  const entries = scopes.flatMap(({ allow, deny }) => [...allow, ...deny]);
  return {
    tags: entries.some(({ tags }) => tags !== undefined),
    groups: entries.some(({ managementGroup }) => managementGroup !== undefined),
  };
}

/** The facts under each id: an entry holds for one of them as a whole, never half for one and half for another. */
function named(facts: ScopeFacts): ScopeFacts[] {
  return [facts, ...(facts.aliases ?? []).map((resource) => ({ ...facts, resource }))];
}

function parts(entry: ScopeEntry, facts: ScopeFacts): (boolean | null)[] {
  const { resource, namespace, labels, namespaceLabels, tags, managementGroups } = facts;
  const own = armSegments(resource ?? "");
  const isInAzure = own[0] === "subscriptions";
  const held: (boolean | null)[] = [];
  if (entry.managementGroup !== undefined) {
    held.push(managementGroups?.includes(entry.managementGroup.toLowerCase()) ?? null);
  }
  held.push(...armParts(entry, resource ?? "", own).map((holds) => (isInAzure ? holds : null)));
  if (entry.namespace !== undefined) {
    held.push(namespace === null ? null : picomatch.isMatch(namespace, entry.namespace, { nocase: true }));
  }
  for (const [key, value] of Object.entries(entry.labels ?? {})) {
    held.push(
      labels === null || namespaceLabels === null
        ? null
        : labelOf(labels, key) === value || labelOf(namespaceLabels, key) === value,
    );
  }
  for (const [key, value] of Object.entries(entry.tags ?? {})) {
    held.push(tags === null ? null : tagOf(tags, key) === value);
  }
  return held;
}

function armParts(entry: ScopeEntry, resource: string, own: readonly string[]): boolean[] {
  const { subscription, resourceGroup } = entry;
  return [
    ...(subscription === undefined ? [] : [own[1] === subscription.toLowerCase()]),
    ...(resourceGroup === undefined ? [] : [own[3] === resourceGroup.toLowerCase()]),
    ...[entry.resource, entry.cluster].flatMap((id) => (id === undefined ? [] : [armIdWithin(resource, id)])),
  ];
}

function labelOf(map: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** Names of tags are compared without case, their values with it (Azure Resource Manager, "Use tags"). */
function tagOf(tags: Readonly<Record<string, string>>, key: string): string | undefined {
  const wanted = key.toLowerCase();
  return Object.entries(tags).find(([name]) => name.toLowerCase() === wanted)?.[1];
}

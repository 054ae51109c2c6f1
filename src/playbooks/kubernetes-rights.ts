import type { AnyPlaybook, KubernetesPermission } from "../model/playbook.ts";
import { enginePermissions } from "./base-permissions.ts";
import { tooWide } from "./too-wide.ts";

/** Stands for the engine's own reads among those who want a right. No playbook has such a name. */
export const ENGINE = "the engine";

/** What a role grants on one resource: each verb with who wants it. */
export interface KubernetesRight {
  /** Null: the whole cluster. */
  readonly namespace: string | null;
  readonly apiGroup: string;
  readonly resource: string;
  /** Only these objects; null: all. */
  readonly resourceNames: readonly string[] | null;
  readonly verbs: readonly { readonly verb: string; readonly wantedBy: readonly string[] }[];
}

type Place = Omit<KubernetesRight, "verbs">;

/** As people read them; a verb that is not here comes after these. */
const VERBS = ["get", "list", "watch", "create", "patch", "delete"];

/**
 * What these playbooks declare and what the engine needs, one entry for each resource, the cluster's before those of a
 * namespace. Raises a `TypeError` where a declaration is wider than one of ours may be.
 */
export function kubernetesRights(playbooks: readonly AnyPlaybook[]): readonly KubernetesRight[] {
  const merged = new Map<string, { readonly place: Place; readonly verbs: Map<string, Set<string>> }>();
  for (const { permission, by } of wantedBy(playbooks)) {
    const reason = tooWide(permission);
    if (reason !== null) throw new TypeError(`the rights that ${by} declares are too wide: ${reason}`);
    const place = placeOf(permission);
    const key = JSON.stringify(place);
    const { verbs } = merged.get(key) ?? { verbs: new Map<string, Set<string>>() };
    for (const verb of permission.verbs) verbs.set(verb, (verbs.get(verb) ?? new Set()).add(by));
    merged.set(key, { place, verbs });
  }
  return [...merged.values()]
    .toSorted((one, other) => comparePlaces(one.place, other.place))
    .map(({ place, verbs }) => ({ ...place, verbs: inOrder(verbs) }));
}

function wantedBy(playbooks: readonly AnyPlaybook[]) {
  const declared = playbooks.flatMap(({ name, permissions }) =>
    permissions.kubernetes.map((permission) => ({ permission, by: name })),
  );
  const own = enginePermissions(playbooks).map((permission) => ({ permission, by: ENGINE }));
  return [...own, ...declared];
}

function placeOf({ namespace, apiGroup, resource, resourceNames }: KubernetesPermission): Place {
  const names = resourceNames === undefined ? null : [...new Set(resourceNames)].toSorted(compare);
  return { namespace: namespace ?? null, apiGroup, resource, resourceNames: names };
}

function inOrder(verbs: ReadonlyMap<string, ReadonlySet<string>>): KubernetesRight["verbs"] {
  const rank = (verb: string) => (VERBS.includes(verb) ? VERBS.indexOf(verb) : VERBS.length);
  return [...verbs]
    .toSorted(([one], [other]) => rank(one) - rank(other) || compare(one, other))
    .map(([verb, by]) => ({ verb, wantedBy: [...by] }));
}

function comparePlaces(one: Place, other: Place): number {
  return (
    compare(one.namespace ?? "", other.namespace ?? "") ||
    compare(one.apiGroup, other.apiGroup) ||
    compare(one.resource, other.resource) ||
    compare(one.resourceNames?.join() ?? "", other.resourceNames?.join() ?? "")
  );
}

/** Not as a language sorts: the same everywhere. */
function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

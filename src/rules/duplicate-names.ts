import { listAt, textAt } from "./plain-data.ts";
import type { ConfigurationError, YamlSource } from "./yaml-source.ts";

const UNIQUE = [
  { section: "rules", key: "name", what: "a rule" },
  { section: "clusters", key: "name", what: "a cluster" },
  { section: "channels", key: "name", what: "a channel" },
  { section: "exceptions", key: "name", what: "an exception" },
] as const;

/**
 * An error for each second use of a name that must be used once, casing aside; also for an ARM id that two clusters
 * bear, as their own or as an alias, and for a playbook that a rule lists twice.
 */
export function duplicateNames(source: YamlSource): ConfigurationError[] {
  const rules = listAt(source.data, "rules");
  return [
    ...UNIQUE.flatMap(({ section, key, what }) =>
      repeated(listAt(source.data, section), key).map(({ index, value }) =>
        source.errorAt(
          [section, index, key],
          `there is ${what} with the ${key} "${value}" already; give each its own`,
        ),
      ),
    ),
    ...repeatedIds(source),
    ...rules.flatMap((rule, number) =>
      repeated(listAt(rule, "playbooks"), "name").map(({ index, value }) =>
        source.errorAt(
          ["rules", number, "playbooks", index, "name"],
          `this rule lists ${value} already; keep one of the two`,
        ),
      ),
    ),
  ];
}

function repeated(entries: readonly unknown[], key: string): { index: number; value: string }[] {
  const seen = new Set<string>();
  return entries.flatMap((entry, index) => {
    const value = textAt(entry, key);
    const again = value !== undefined && seen.has(value.toLowerCase());
    if (value !== undefined) {
      seen.add(value.toLowerCase());
    }
    return again ? [{ index, value }] : [];
  });
}

/** One id is one cluster, whichever of its names it is. */
function repeatedIds(source: YamlSource): ConfigurationError[] {
  const seen = new Map<string, string>();
  return listAt(source.data, "clusters").flatMap((cluster, index) => {
    const name = textAt(cluster, "name") ?? `number ${index + 1}`;
    const ids: readonly { readonly path: readonly PropertyKey[]; readonly id: unknown }[] = [
      { path: ["id"], id: textAt(cluster, "id") },
      ...listAt(cluster, "aliases").map((id, at) => ({ path: ["aliases", at], id })),
    ];
    return ids.flatMap(({ path, id }) => {
      if (typeof id !== "string") return [];
      const owner = seen.get(id.toLowerCase());
      seen.set(id.toLowerCase(), owner ?? name);
      if (owner === undefined) return [];
      const message = `there is a cluster with the id "${id}" already (${owner}); give each id to one cluster, once`;
      return [source.errorAt(["clusters", index, ...path], message)];
    });
  });
}

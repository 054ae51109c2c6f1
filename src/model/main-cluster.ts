import { armSegments } from "./arm-id.ts";
import type { ClusterConnection } from "./rule.ts";
import type { Target } from "./target.ts";

/** What a cluster can be called by. */
export type ClusterNames = Pick<ClusterConnection, "name" | "id" | "aliases">;

/** Saves looking through a thousand entries for each signal; a configuration never changes. */
const indexes = new WeakMap<readonly ClusterNames[], ReadonlyMap<string, ClusterNames>>();

/**
 * The ARM id under which everything about a cluster is kept, for any of its ids or the name in the file. Azure knows
 * one cluster by two ids where it is connected through Arc. What no entry names stays as it is.
 */
export function mainClusterId(clusters: readonly ClusterNames[], given: string): string {
  return entryOf(clusters, given)?.id ?? given;
}

/** All ARM ids of a cluster, the main one first; what no entry names has one. */
export function clusterIds(clusters: readonly ClusterNames[], given: string): readonly string[] {
  const entry = entryOf(clusters, given);
  return entry === undefined ? [given] : [entry.id, ...entry.aliases];
}

/** The target with its cluster under its main id, so that one object has one key. */
export function onMainCluster<T extends Target>(clusters: readonly ClusterNames[], target: T): T {
  return "cluster" in target ? { ...target, cluster: mainClusterId(clusters, target.cluster) } : target;
}

function entryOf(clusters: readonly ClusterNames[], given: string): ClusterNames | undefined {
  let index = indexes.get(clusters);
  if (index === undefined) {
    index = new Map(
      clusters.flatMap((one) => [
        [one.name, one] as const,
        ...[one.id, ...one.aliases].map((id) => [keyOf(id), one] as const),
      ]),
    );
    indexes.set(clusters, index);
  }
  return index.get(given.includes("/") ? keyOf(given) : given);
}

/** No name has a slash in it, so none can be taken for an id. */
function keyOf(id: string): string {
  return armSegments(id).join("/");
}

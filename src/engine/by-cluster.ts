import { inLanes, type Lanes } from "./in-lanes.ts";

/** So many of one cluster are under way before others have had their turn. */
const FAIR = 2;

/** Nobody is left out, and idle places are anybody's. */
const FAIR_LANES: Lanes = {
  isOpen: () => false,
  failures: () => 0,
  width: (cluster) => ({
    fair: cluster === "" ? Number.POSITIVE_INFINITY : FAIR,
    most: Number.POSITIVE_INFINITY,
  }),
};

/**
 * Does `act` for every item, at most `limit` at a time and in order of the list, but a cluster that does not answer holds
 * two places while others wait: a storm about it delays nobody else's containment. `clusterOf` gives an empty text for
 * what is in none. Rejects as `inLanes` does.
 */
export function byCluster<T>(
  limit: number,
  items: readonly T[],
  clusterOf: (item: T) => string,
  act: (item: T) => Promise<void>,
): Promise<void> {
  return inLanes(limit, items, (item) => clusterOf(item).toLowerCase(), FAIR_LANES, act);
}

import { setTimeout as sleep } from "node:timers/promises";
import { ClusterBreaker } from "./cluster-breaker.ts";
import { deliver } from "./deliver.ts";
import { type Engine, later } from "./engine.ts";
import { dailyOfSlow } from "./housekeeping.ts";
import { isSlow, SLOW } from "./pace.ts";
import { byUrgency, type DueDrive, driveOne, dueNow } from "./sweep.ts";

/** For so long it begins more; what it has begun may take as long as the work of a lease. */
const LOOK_MS = 5 * 60_000;
const AGAIN_MS = 15_000;
/** Records of one cluster at a time, once it has answered: their reads share its commands. */
const AT_A_TIME = 4;

/**
 * Drives what is due in the clusters of a slow pace, each for itself, and looks again meanwhile: one of them holds up no
 * other, nor the sweep of all the rest. How many it drove. Two at once are harmless. Raises `StoreUnreachable` only, after
 * all has settled.
 */
export async function slowSweep(engine: Engine): Promise<number> {
  const until = later(engine.clock.now(), LOOK_MS);
  const breaker = new ClusterBreaker();
  const underWay = new Map<Promise<void>, string>();
  // A row that somebody else drives stays as it is, and is begun once.
  const begun = new Set<string>();
  const faults: unknown[] = [];
  let driven = 0;
  const driveNow = async ({ id, lane }: DueDrive): Promise<void> => {
    const outcome = await driveOne(engine, id, later(engine.clock.now(), SLOW.workMs));
    if (outcome === null) return;
    breaker.note(lane.cluster, outcome.deferred);
    driven += 1;
    await deliver(engine, outcome.messages);
  };
  const hasRoom = ({ key, lane: { cluster } }: DueDrive): boolean => {
    const running = [...underWay.values()].filter((one) => one === cluster).length;
    const most = Math.min(AT_A_TIME, breaker.width(cluster).most);
    return isSlow(engine, cluster) && !begun.has(key) && !breaker.isOpen(cluster) && running < most;
  };
  const begin = (due: DueDrive): void => {
    begun.add(due.key);
    const done = driveNow(due)
      .catch((error: unknown) => void faults.push(error))
      .finally(() => underWay.delete(done));
    underWay.set(done, due.lane.cluster);
  };
  for (;;) {
    const looks = engine.clock.now() < until && faults.length === 0;
    const due = looks ? (await dueNow(engine)).drives.sort(byUrgency) : [];
    for (const one of due) if (hasRoom(one)) begin(one);
    if (underWay.size === 0) break;
    await oneOrLater([...underWay.keys()]);
  }
  if (faults.length > 0) throw faults[0];
  await dailyOfSlow(engine);
  engine.log({ level: "info", event: "slow sweep", facts: { driven } });
  return driven;
}

/** Until one of them has settled, or it is time to look again. */
async function oneOrLater(some: readonly Promise<void>[]): Promise<void> {
  const enough = new AbortController();
  const pause = sleep(AGAIN_MS, undefined, { signal: enough.signal }).catch(() => undefined);
  await Promise.race([...some, pause]);
  enough.abort();
}

import { mainClusterId } from "../model/main-cluster.ts";
import type { ClusterConnection } from "../model/rule.ts";
import type { Target } from "../model/target.ts";
import { type Engine, LEASE_MS, PLAN_MS, WORK_MS } from "./engine.ts";

/** How long things may take for a target. */
export interface Pace {
  /** Its cluster may answer by a command in a pod of its own: nobody who holds others up waits for it. */
  readonly isSlow: boolean;
  /** Reading, planning and guarding. */
  readonly planMs: number;
  /** Work inside one lease; no outside call is begun after it. */
  readonly workMs: number;
  readonly leaseMs: number;
  /** What undoes nothing where it fails: an Event for the owner. */
  readonly noteMs: number;
}

const QUICK: Pace = { isSlow: false, planMs: PLAN_MS, workMs: WORK_MS, leaseMs: LEASE_MS, noteMs: 2_000 };

/**
 * The pace by run command. A command takes five to sixty seconds, and a plan reads some six times, one after another. A
 * change that is asked for at the end of the work waits two minutes at most, then begins within three (see the connection
 * by run command): it has landed over three minutes before the lease ends, which stay for skewed clocks and late answers,
 * as over a minute does elsewhere.
 */
export const SLOW: Pace = {
  isSlow: true,
  planMs: 6 * 60_000,
  workMs: 10 * 60_000,
  leaseMs: 20 * 60_000,
  noteMs: 60_000,
};

/** Why a piece of work is claimed without a plan. */
export const SLOW_WAY = "its cluster is reached by run command, and planned by the sweep";

const slowIds = new WeakMap<readonly ClusterConnection[], ReadonlySet<string>>();

/** The pace of a target: slow where one of the ways to its cluster is run command. */
export function paceOf(engine: Pick<Engine, "configuration">, target: Target): Pace {
  return "cluster" in target && isSlow(engine, target.cluster) ? SLOW : QUICK;
}

/** Is run command one of the ways to the cluster, by any of its ids in any case? */
export function isSlow({ configuration: { clusters } }: Pick<Engine, "configuration">, id: string): boolean {
  const slow =
    slowIds.get(clusters) ?? new Set(clusters.filter(goesByCommand).map((one) => one.id.toLowerCase()));
  slowIds.set(clusters, slow);
  return slow.size > 0 && slow.has(mainClusterId(clusters, id).toLowerCase());
}

/** Is run command one of the ways to it? */
export function goesByCommand({ connect }: Pick<ClusterConnection, "connect">): boolean {
  return connect.some(({ kind }) => kind === "run-command");
}

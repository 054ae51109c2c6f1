import { WORKLOAD_KINDS } from "../model/kubernetes-objects.ts";
import type { Signal } from "../model/signal.ts";
import type { Facts } from "../rules/index.ts";
import { type Engine, PLAN_MS } from "./engine.ts";
import { isSlow } from "./pace.ts";
import { within } from "./within.ts";

const UNKNOWN: Facts = { labels: null };

/**
 * The labels of what a signal names, its pod or else its workload. Unknown where it names neither, where it has gone,
 * or where the cluster does not tell in time or is reached by run command: then no clause about them holds. Worth asking only where a rule does.
 */
export async function knownLabels(engine: Engine, signal: Signal, until: Date): Promise<Facts> {
  const { cluster, namespace } = signal;
  if (cluster === null || namespace === null) return UNKNOWN;
  if (engine.clock.now() >= until || isSlow(engine, cluster.resourceId)) return UNKNOWN;
  try {
    return {
      labels: await within(
        PLAN_MS,
        "reading labels",
        labelsOf(engine, signal, cluster.resourceId, namespace),
      ),
    };
  } catch {
    // Whatever it was: what the rules decide without labels is on record, and resolving meets the same fault.
    return UNKNOWN;
  }
}

async function labelsOf(
  engine: Engine,
  { pod, workload }: Signal,
  cluster: string,
  namespace: string,
): Promise<Facts["labels"]> {
  const reader = engine.ports.read.kubernetes(cluster);
  if (pod !== null) return (await reader.pod(namespace, pod))?.labels ?? null;
  const kind = WORKLOAD_KINDS.find((known) => known === workload?.kind);
  if (workload === null || kind === undefined) return null;
  return (await reader.workload(kind, namespace, workload.name))?.labels ?? null;
}

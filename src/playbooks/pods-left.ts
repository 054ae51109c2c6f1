import type { KubernetesReader } from "../model/kubernetes-port.ts";
import { betweenKind, type WorkloadState } from "../model/workload-state.ts";

/** What is left of a workload. `whole`: the namespace could be looked through to its end. */
export interface PodsLeft {
  readonly names: readonly string[];
  readonly whole: boolean;
}

/**
 * The pods that run under a workload or under what it owns, by uid, those that are ending included: their controller
 * does not count these any more, and a pod may have given itself hours to end. One that was let go, to be kept as
 * evidence, is not its any more.
 */
export async function podsLeft(workload: WorkloadState, reader: KubernetesReader): Promise<PodsLeft> {
  const { namespace, uid, kind } = workload;
  const between = betweenKind(kind);
  const [{ pods, whole }, owned] = await Promise.all([
    reader.pods(namespace),
    between === null ? null : reader.ownedWorkloads(between, namespace),
  ]);
  const uids = new Set([
    uid,
    ...(owned?.workloads ?? []).filter(({ controller }) => controller?.uid === uid).map((one) => one.uid),
  ]);
  const names = pods
    .filter(({ phase }) => phase !== "Succeeded" && phase !== "Failed")
    .filter(({ controller }) => controller !== null && uids.has(controller.uid))
    .map(({ name }) => name);
  return { names, whole: whole && (owned?.whole ?? true) };
}

import { WORKLOAD_KINDS, type WorkloadKind } from "../model/kubernetes-objects.ts";
import type { KubernetesPermission } from "../model/playbook.ts";
import { betweenKind, type OwnedKind, WORKLOAD_GROUPS } from "../model/workload-state.ts";

const BETWEEN: ReadonlySet<OwnedKind | null> = new Set(WORKLOAD_KINDS.map(betweenKind));

/** To read a workload of any kind, and what stands between one and its pods. */
export const workloadReads: readonly KubernetesPermission[] = WORKLOAD_KINDS.map((kind) => rights(kind, []));

/** As `workloadReads`, and to change one. */
export const workloadChanges: readonly KubernetesPermission[] = WORKLOAD_KINDS.map((kind) =>
  rights(kind, ["patch"]),
);

function rights(kind: WorkloadKind, more: readonly string[]): KubernetesPermission {
  const isBetween = [...BETWEEN].some((one) => one === kind);
  return {
    apiGroup: WORKLOAD_GROUPS[kind],
    resource: `${kind.toLowerCase()}s`,
    verbs: ["get", ...(isBetween ? ["list"] : []), ...more],
  };
}

import { INCIDENT_LABEL } from "../../model/incident-mark.ts";
import type { WorkloadKind } from "../../model/kubernetes-objects.ts";
import { WORKLOAD_GROUPS } from "../../model/workload-state.ts";
import { type Answer, checkedItems, completeMetadata } from "./checked-answer.ts";
import type { Apis, Connection } from "./connection.ts";

interface Listed {
  kind?: string;
  items?: Answer[];
}

/** How the kinds that every cluster has are listed everywhere; those that somebody installed are not asked for. */
const LISTS: readonly (readonly [
  WorkloadKind,
  (apis: Apis, of: { readonly labelSelector: string }) => Promise<Listed>,
])[] = [
  ["Deployment", ({ apps }, of) => apps.listDeploymentForAllNamespaces(of)],
  ["StatefulSet", ({ apps }, of) => apps.listStatefulSetForAllNamespaces(of)],
  ["ReplicaSet", ({ apps }, of) => apps.listReplicaSetForAllNamespaces(of)],
  ["DaemonSet", ({ apps }, of) => apps.listDaemonSetForAllNamespaces(of)],
  ["Job", ({ batch }, of) => batch.listJobForAllNamespaces(of)],
  ["CronJob", ({ batch }, of) => batch.listCronJobForAllNamespaces(of)],
  ["ReplicationController", ({ core }, of) => core.listReplicationControllerForAllNamespaces(of)],
];

/** The workloads in the whole cluster that carry our incident label. */
export async function readMarkedWorkloads({
  call,
}: Connection): Promise<readonly { readonly object: string; readonly remediationId: string }[]> {
  const found = await Promise.all(
    LISTS.map(([kind, list]) => {
      const of = { apiGroup: WORKLOAD_GROUPS[kind], resource: `${kind.toLowerCase()}s` };
      return call({ verb: "list", ...of }, async (apis) => {
        const answer = await list(apis, { labelSelector: INCIDENT_LABEL });
        return checkedItems(answer, `${kind}List`).map((item) => {
          const { namespace, name, labels } = completeMetadata(item.metadata);
          return { object: `${kind} ${namespace}/${name}`, remediationId: labels?.[INCIDENT_LABEL] ?? "" };
        });
      });
    }),
  );
  return found.flat();
}

import type { V2HorizontalPodAutoscaler } from "@kubernetes/client-node";
import { FIELD_MANAGER } from "../../model/incident-mark.ts";
import type { KubernetesReader, KubernetesWriter } from "../../model/kubernetes-port.ts";
import {
  type Autoscaler,
  STOP_FIELDS,
  STOP_KEY,
  type StopField,
  type StopValue,
  type WorkloadState,
} from "../../model/workload-state.ts";
import { checkedItems, checkedMetadata, completeMetadata } from "./checked-answer.ts";
import type { Connection } from "./connection.ts";
import { checkName, checkNamespace } from "./object-names.ts";
import { workloadStateFrom } from "./objects-from-api.ts";
import { OWNED_LISTS, WORKLOAD_RESOURCES } from "./workload-resources.ts";

const A_PAGE = 500;
const MOST_PAGES = 4;

/** The reads of workloads with what stops them. */
export function readWorkloads({
  call,
  find,
}: Connection): Pick<KubernetesReader, "workloadState" | "ownedWorkloads" | "autoscalers"> {
  return {
    async workloadState(kind, namespace, name) {
      checkNamespace(namespace);
      checkName(name);
      const { apiGroup, resource, read } = WORKLOAD_RESOURCES[kind];
      return find({ verb: "get", apiGroup, resource, namespace, name }, async (apis) => {
        const answer = await read(apis, { namespace, name });
        return workloadStateFrom(kind, checkedMetadata(answer, { kind, namespace, name }), answer);
      });
    },
    async ownedWorkloads(kind, namespace) {
      checkNamespace(namespace);
      const { apiGroup, resource } = WORKLOAD_RESOURCES[kind];
      const workloads: WorkloadState[] = [];
      let from: string | undefined;
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const of = { namespace, limit: A_PAGE, ...(from === undefined ? {} : { _continue: from }) };
        from = await call({ verb: "list", apiGroup, resource, namespace }, async (apis) => {
          const { answer, next } = await OWNED_LISTS[kind](apis, of);
          for (const item of checkedItems(answer, `${kind}List`)) {
            workloads.push(workloadStateFrom(kind, completeMetadata(item.metadata), item));
          }
          return next;
        });
        if (from === undefined || from === "") return { workloads, whole: true };
      }
      return { workloads, whole: false };
    },
    async autoscalers(namespace) {
      checkNamespace(namespace);
      const of = { apiGroup: "autoscaling", resource: "horizontalpodautoscalers", namespace };
      return call({ verb: "list", ...of }, async ({ autoscaling }) => {
        const answer = await autoscaling.listNamespacedHorizontalPodAutoscaler({ namespace });
        return checkedItems(answer, "HorizontalPodAutoscalerList").map(autoscalerFrom);
      });
    },
  };
}

function autoscalerFrom({ metadata, spec }: V2HorizontalPodAutoscaler): Autoscaler {
  const { name, labels } = completeMetadata(metadata);
  const { kind = "", name: target = "" } = spec?.scaleTargetRef ?? {};
  return {
    name,
    labels: labels ?? {},
    target: { kind, name: target },
    // The API server writes its default of one; zero is there as zero.
    least: spec?.minReplicas ?? 1,
    most: spec?.maxReplicas ?? 0,
  };
}

/** The writes that stop workloads and let them go on. */
export function writeWorkloads({ call }: Connection): Pick<KubernetesWriter, "changeWorkload"> {
  return {
    async changeWorkload(kind, namespace, name, condition, { stop, labels, annotations }) {
      checkNamespace(namespace);
      checkName(name);
      const { uid, resourceVersion } = condition;
      const { apiGroup, resource, patch } = WORKLOAD_RESOURCES[kind];
      return call({ verb: "patch", apiGroup, resource, namespace, name }, async (apis) => {
        const metadata = { uid, resourceVersion, labels, annotations };
        const spec = stop === undefined ? {} : { spec: SPECS[STOP_FIELDS[kind]](stop) };
        const body = { metadata, ...spec };
        const answer = await patch(apis, { namespace, name, fieldManager: FIELD_MANAGER, body });
        return workloadStateFrom(kind, checkedMetadata(answer, { kind, namespace, name, uid }), answer);
      });
    },
  };
}

/** The part of a specification that holds the value. */
const SPECS: Readonly<Record<StopField, (stop: StopValue) => object>> = {
  replicas: (replicas) => ({ replicas }),
  suspend: (suspend) => ({ suspend }),
  nodeSelector: (value) => ({ template: { spec: { nodeSelector: { [STOP_KEY]: value } } } }),
};

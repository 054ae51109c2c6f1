import { type JsonObject, numberAt, objectAt, sameJson, stringAt } from "./json-value.ts";
import type { ObjectStore } from "./object-store.ts";
import { controllerManager } from "./pod-controllers.ts";
import { resourceNamed, resourceOfKind } from "./resource-table.ts";
import { updateObject } from "./update-object.ts";

const autoscalers = resourceNamed("horizontalpodautoscalers");

/**
 * Keeps targets of a HorizontalPodAutoscaler within minReplicas and maxReplicas. A target at zero is left alone, and
 * the autoscaler says so (ScalingActive False, ScalingDisabled). There are no metrics, so nothing else is scaled.
 */
export function reconcileAutoscalers(store: ObjectStore, namespace: string): void {
  for (const autoscaler of store.list(autoscalers, namespace)) {
    const reference = objectAt(autoscaler, "spec", "scaleTargetRef");
    const resource = resourceOfKind(stringAt(reference, "apiVersion"), stringAt(reference, "kind"));
    const target = resource && store.get(resource, namespace, stringAt(reference, "name"));
    if (resource === undefined || target === undefined || !resource.subresources.includes("scale")) continue;
    const replicas = numberAt(target, "spec", "replicas") ?? 1;
    const least = numberAt(autoscaler, "spec", "minReplicas") ?? 1;
    const most = numberAt(autoscaler, "spec", "maxReplicas") ?? replicas;
    const wanted = replicas === 0 ? 0 : Math.min(Math.max(replicas, least), Math.max(most, least));
    if (wanted !== replicas) {
      const next = { ...target, spec: { ...objectAt(target, "spec"), replicas: wanted } };
      updateObject(store, resource, target, next, { by: controllerManager, form: "patch" });
    }
    const active: JsonObject =
      replicas === 0
        ? { type: "ScalingActive", status: "False", reason: "ScalingDisabled" }
        : { type: "ScalingActive", status: "True", reason: "ValidMetricFound" };
    const status = { currentReplicas: replicas, desiredReplicas: wanted, conditions: [active] };
    if (sameJson(status, objectAt(autoscaler, "status"))) continue;
    const by = { ...controllerManager, subresource: "status" } as const;
    updateObject(store, autoscalers, autoscaler, { ...autoscaler, status }, { by, form: "patch" });
  }
}

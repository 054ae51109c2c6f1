import type { ApiAnswer, ApiRequest } from "./api-request.ts";
import { deleteObject, deleteOptions } from "./delete-object.ts";
import { budgetsOf, countBudget, isReady } from "./disruption-budgets.ts";
import { type JsonObject, objectAt, stringAt } from "./json-value.ts";
import { isBeingDeleted, type KubeObject } from "./kube-object.ts";
import type { ObjectStore } from "./object-store.ts";
import { resourceNamed } from "./resource-table.ts";
import { badRequest, budgetForbids, notFound, StatusError } from "./status-error.ts";

const pods = resourceNamed("pods");

/**
 * Creates an eviction: deletes the pod if its disruption budget lets it go, and answers 201 with a Status. Raises 429
 * where the budget forbids it, 500 where several budgets select the pod, and what a deletion raises.
 */
export function evictPod(request: ApiRequest, eviction: JsonObject): ApiAnswer {
  const { store, namespace = "", name, query, dryRun } = request;
  const given = stringAt(eviction, "metadata", "name");
  if (given !== "" && given !== name) throw badRequest("name in URL does not match name in Eviction object");
  const pod = store.get(pods, namespace, name);
  if (pod === undefined) throw notFound(pods, name);
  const options = deleteOptions(objectAt(eviction, "deleteOptions"), query, dryRun);
  if (asksBudget(pod)) checkBudget(store, pod);
  deleteObject(store, pods, pod, options);
  return {
    status: 201,
    body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
  };
}

// One that does not run yet, or no more, takes nothing from anybody.
function asksBudget(pod: KubeObject): boolean {
  return stringAt(pod, "status", "phase") === "Running" && !isBeingDeleted(pod);
}

function checkBudget(store: ObjectStore, pod: KubeObject): void {
  const budgets = budgetsOf(store, pod);
  const [budget] = budgets;
  if (budget === undefined) return;
  if (budgets.length > 1) {
    const why =
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    throw new StatusError(500, "InternalError", why);
  }
  const { currentHealthy, desiredHealthy, disruptionsAllowed } = countBudget(store, budget);
  // One that is not ready is missed by nobody, while enough others are, or where the budget says so.
  const isMissed = isReady(pod) || desiredHealthy === 0 || currentHealthy < desiredHealthy;
  const always = stringAt(budget, "spec", "unhealthyPodEvictionPolicy") === "AlwaysAllow";
  if (!isMissed || (always && !isReady(pod)) || disruptionsAllowed > 0) return;
  throw budgetForbids(
    `The disruption budget ${budget.metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
  );
}

import type { ApiAnswer, ApiRequest } from "./api-request.ts";
import { deleteObject, deleteOptions } from "./delete-object.ts";
import { type JsonObject, listAt, objectAt, stringAt, valueAt } from "./json-value.ts";
import { isBeingDeleted, type KubeObject, labelsOf, namespaceOf } from "./kube-object.ts";
import { matchesLabels, requirementsOf } from "./label-selector.ts";
import type { ObjectStore } from "./object-store.ts";
import { resourceNamed } from "./resource-table.ts";
import { badRequest, budgetForbids, notFound, StatusError } from "./status-error.ts";

const pods = resourceNamed("pods");

/**
 * Creates an eviction: deletes the pod if its disruption budget lets it go, and answers 201 with a Status. Raises 429
 * where the budget forbids it (measured: for running and ready pods only), 500 where several budgets select the pod, and
 * what a deletion raises. Left out: the counts in the budget's status, which its controller writes.
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

function asksBudget(pod: KubeObject): boolean {
  return stringAt(pod, "status", "phase") === "Running" && isReady(pod) && !isBeingDeleted(pod);
}

function isReady(pod: KubeObject): boolean {
  return listAt(pod, "status", "conditions").some(
    (condition) => stringAt(condition, "type") === "Ready" && stringAt(condition, "status") === "True",
  );
}

function checkBudget(store: ObjectStore, pod: KubeObject): void {
  const selects = (budget: KubeObject, one: KubeObject): boolean =>
    matchesLabels(requirementsOf(objectAt(budget, "spec", "selector")), labelsOf(one));
  const budgets = store
    .list(resourceNamed("poddisruptionbudgets"), namespaceOf(pod))
    .filter((budget) => selects(budget, pod));
  const [budget] = budgets;
  if (budget === undefined) return;
  if (budgets.length > 1) {
    const why =
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    throw new StatusError(500, "InternalError", why);
  }
  const covered = store.list(pods, namespaceOf(pod)).filter((one) => selects(budget, one));
  const healthy = covered.filter((one) => isReady(one) && !isBeingDeleted(one)).length;
  const wanted = wantedHealthy(budget, covered.length);
  if (healthy - 1 >= wanted) return;
  const { name } = budget.metadata;
  throw budgetForbids(
    `The disruption budget ${name} needs ${wanted} healthy pods and has ${healthy} currently`,
  );
}

function wantedHealthy(budget: KubeObject, covered: number): number {
  const minimum = valueAt(budget, "spec", "minAvailable");
  if (minimum !== undefined) return numberOf(minimum, covered);
  const lost = valueAt(budget, "spec", "maxUnavailable");
  return Math.max(0, covered - (lost === undefined ? 0 : numberOf(lost, covered)));
}

// A share is rounded up, as the controller does.
function numberOf(value: unknown, of: number): number {
  return typeof value === "string" ? Math.ceil((Number.parseFloat(value) / 100) * of) : Number(value);
}

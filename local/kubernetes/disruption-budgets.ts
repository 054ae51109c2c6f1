import { type JsonObject, listAt, objectAt, sameJson, stringAt, valueAt } from "./json-value.ts";
import { isBeingDeleted, type KubeObject, labelsOf, namespaceOf } from "./kube-object.ts";
import { matchesLabels, requirementsOf } from "./label-selector.ts";
import type { ObjectStore } from "./object-store.ts";
import { controllerManager } from "./pod-controllers.ts";
import { resourceNamed } from "./resource-table.ts";
import { updateObject } from "./update-object.ts";

const pods = resourceNamed("pods");
const disruptionBudgets = resourceNamed("poddisruptionbudgets");

/** How many pods a budget counts as healthy, wants to be, and lets go now. */
export interface BudgetCount {
  readonly currentHealthy: number;
  readonly desiredHealthy: number;
  readonly disruptionsAllowed: number;
  readonly expectedPods: number;
}

/** The budgets that select a pod. */
export function budgetsOf(store: ObjectStore, pod: KubeObject): KubeObject[] {
  return store.list(disruptionBudgets, namespaceOf(pod)).filter((budget) => selects(budget, pod));
}

/** Counts as the controller does, but for pods whose owners want more than there are. */
export function countBudget(store: ObjectStore, budget: KubeObject): BudgetCount {
  const covered = store.list(pods, namespaceOf(budget)).filter((pod) => selects(budget, pod));
  const currentHealthy = covered.filter((pod) => isReady(pod) && !isBeingDeleted(pod)).length;
  const desiredHealthy = wantedHealthy(budget, covered.length);
  const disruptionsAllowed = Math.max(0, currentHealthy - desiredHealthy);
  return { currentHealthy, desiredHealthy, disruptionsAllowed, expectedPods: covered.length };
}

/** Writes what each budget of a namespace counts into its status, where that has changed. */
export function reconcileBudgets(store: ObjectStore, namespace: string): void {
  for (const budget of store.list(disruptionBudgets, namespace)) {
    const status = { ...countBudget(store, budget), observedGeneration: budget.metadata["generation"] ?? 1 };
    if (sameJson(status, objectAt(budget, "status"))) continue;
    const by = { ...controllerManager, subresource: "status" } as const;
    updateObject(store, disruptionBudgets, budget, { ...budget, status }, { by, form: "patch" });
  }
}

/** Does a pod count as healthy? */
export function isReady(pod: JsonObject): boolean {
  return listAt(pod, "status", "conditions").some(
    (condition) => stringAt(condition, "type") === "Ready" && stringAt(condition, "status") === "True",
  );
}

function selects(budget: KubeObject, pod: KubeObject): boolean {
  return matchesLabels(requirementsOf(objectAt(budget, "spec", "selector")), labelsOf(pod));
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

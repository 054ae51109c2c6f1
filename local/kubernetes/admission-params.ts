// The stand-in does not run CEL. It applies the meaning of the admission policies that defender-reflex ships, each in a
// file of its own; what these share is here: which requests a policy covers, what its parameter holds, and how a denial
// or a warning is worded. Kinds and namespaces are read from the policy's resourceRules and the binding's
// namespaceSelector; matchConditions and the expressions themselves are not looked at.
import { type Json, listAt, objectAt, stringAt } from "./json-value.ts";
import { type KubeObject, labelsOf, namespaceOf } from "./kube-object.ts";
import { matchesLabels, requirementsOf } from "./label-selector.ts";
import type { ObjectStore } from "./object-store.ts";
import { type Resource, resourceNamed, resourceOfKind } from "./resource-table.ts";
import { isServed } from "./served-kinds.ts";
import { forbidden, StatusError } from "./status-error.ts";

/** One change of one object, before it is stored. */
export interface Admitted {
  readonly store: ObjectStore;
  readonly resource: Resource;
  readonly object: KubeObject;
  readonly old: KubeObject | undefined;
}

/** The most that a message made by an expression may have, in bytes. */
const longestMessage = 5 * 1024;

/** A message as the API server takes it: what is longer is given up for the plain one. */
export function worded(message: string, plain: string): string {
  return Buffer.byteLength(message) > longestMessage ? plain : message;
}

/** What a policy says to a change where its parameter holds this: the message of each validation that fails. */
export type Meaning = (parameter: KubeObject) => readonly string[];

/**
 * Denies what a policy of this name denies: 422 whose only cause holds the message, or, under a Warn binding, gives texts
 * for the `warning` header. Nothing where policy or binding are not there or do not cover the change.
 */
export function judge(admitted: Admitted, policyName: string, meaning: Meaning): string[] {
  const { store, resource, object, old } = admitted;
  const policy = store.get(resourceNamed("validatingadmissionpolicies"), "", policyName);
  if (policy === undefined || !covers(policy, resource, old === undefined ? "CREATE" : "UPDATE")) return [];
  return store
    .list(resourceNamed("validatingadmissionpolicybindings"))
    .filter((binding) => stringAt(binding, "spec", "policyName") === policyName)
    .filter((binding) => selectsNamespace(store, binding, namespaceOf(object)))
    .flatMap((binding) => judgeBinding(admitted, policy, binding, meaning));
}

function judgeBinding(
  { store, resource, object }: Admitted,
  policy: KubeObject,
  binding: KubeObject,
  meaning: Meaning,
): string[] {
  const whose = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
  const parameter = parameterOf(store, policy, binding);
  if (typeof parameter === "string") {
    // Also a missing parameter under Deny is a matter of the failure policy.
    if (stringAt(policy, "spec", "failurePolicy") === "Ignore") return [];
    throw denial(resource, object, `${whose} denied request: ${parameter}`);
  }
  const [message] = parameter === null ? [] : meaning(parameter);
  if (message === undefined) return [];
  const actions = listAt(binding, "spec", "validationActions");
  if (actions.includes("Deny")) throw denial(resource, object, `${whose} denied request: ${message}`);
  return actions.includes("Warn") ? [`Validation failed for ${whose}: ${message}`] : [];
}

/** The parameter of a binding of a policy; null where it is not there and that lets everything pass; else why nothing can be told. */
export function parameterOf(
  store: ObjectStore,
  policy: KubeObject,
  binding: KubeObject,
): KubeObject | null | string {
  const kind = objectAt(policy, "spec", "paramKind");
  const resource = resourceOfKind(stringAt(kind, "apiVersion"), stringAt(kind, "kind"));
  if (resource === undefined || !isServed(store, resource)) {
    const asked = `${stringAt(kind, "apiVersion")}, Kind=${stringAt(kind, "kind")}`;
    return `failed to configure policy: failed to find resource referenced by paramKind: '${asked}'`;
  }
  const reference = objectAt(binding, "spec", "paramRef");
  const found = store.get(resource, stringAt(reference, "namespace"), stringAt(reference, "name"));
  if (found !== undefined) return found;
  return stringAt(reference, "parameterNotFoundAction") === "Deny"
    ? "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    : null;
}

function covers(policy: KubeObject, resource: Resource, operation: string): boolean {
  const has = (rule: Json, key: string, value: string) =>
    listAt(rule, key).includes(value) || listAt(rule, key).includes("*");
  return listAt(policy, "spec", "matchConstraints", "resourceRules").some(
    (rule) =>
      has(rule, "apiGroups", resource.group) &&
      has(rule, "resources", resource.plural) &&
      has(rule, "operations", operation),
  );
}

function selectsNamespace(store: ObjectStore, binding: KubeObject, name: string): boolean {
  const namespace = store.get(resourceNamed("namespaces"), "", name);
  const selector = objectAt(binding, "spec", "matchResources", "namespaceSelector");
  return matchesLabels(requirementsOf(selector), namespace === undefined ? {} : labelsOf(namespace));
}

function denial(resource: Resource, object: KubeObject, message: string): StatusError {
  const text = forbidden(resource, object.metadata.name, message).message;
  return new StatusError(422, "Invalid", text, {
    name: object.metadata.name,
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.plural,
    causes: [{ message }],
  });
}

// The stand-in does not run CEL. It applies the meaning of the one admission policy that defender-reflex ships
// (reflex-block-images): where policy, binding and list are in place, a container image whose normalised name is a key
// of the list is denied. Which kinds and namespaces are covered is read from the policy's resourceRules and the
// binding's namespaceSelector; matchConditions and the expressions themselves are not looked at.
import { blockKeys, parseImageName } from "./image-name.ts";
import { type Json, type JsonObject, listAt, objectAt, stringAt } from "./json-value.ts";
import { type KubeObject, labelsOf, namespaceOf } from "./kube-object.ts";
import { matchesLabels, requirementsOf } from "./label-selector.ts";
import type { ObjectStore } from "./object-store.ts";
import { type Resource, resourceNamed } from "./resource-table.ts";
import { forbidden, StatusError } from "./status-error.ts";

const policyName = "reflex-block-images";
const word = "reflex-blocked-image";

/**
 * Denies an object that brings a blocked image in: 422 whose only cause holds the message, or, under a Warn binding,
 * a text for the `warning` header. Images that the old object had already pass, so relabelling what runs is possible.
 */
export function checkImages(
  store: ObjectStore,
  resource: Resource,
  object: KubeObject,
  old: KubeObject | undefined,
): string[] {
  const policy = store.get(resourceNamed("validatingadmissionpolicies"), "", policyName);
  if (policy === undefined || !covers(policy, resource, old === undefined ? "CREATE" : "UPDATE")) return [];
  const bindings = store
    .list(resourceNamed("validatingadmissionpolicybindings"))
    .filter((binding) => stringAt(binding, "spec", "policyName") === policyName)
    .filter((binding) => selectsNamespace(store, binding, namespaceOf(object)));
  return bindings.flatMap((binding) => judge(store, binding, resource, object, old));
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

function judge(
  store: ObjectStore,
  binding: KubeObject,
  resource: Resource,
  object: KubeObject,
  old: KubeObject | undefined,
): string[] {
  const reference = objectAt(binding, "spec", "paramRef");
  const list = store.get(
    resourceNamed("configmaps"),
    stringAt(reference, "namespace"),
    stringAt(reference, "name"),
  );
  const whose = `ValidatingAdmissionPolicy '${policyName}' with binding '${binding.metadata.name}'`;
  if (list === undefined) {
    if (stringAt(reference, "parameterNotFoundAction") !== "Deny") return [];
    const why = "no params found for policy binding with `Deny` parameterNotFoundAction";
    throw denial(resource, object, `${whose} denied request: failed to configure binding: ${why}`);
  }
  const data = objectAt(list, "data");
  const before = old === undefined ? [] : imagesOf(resource, old);
  const fresh = imagesOf(resource, object).filter((image) => !before.includes(image));
  const bad = fresh.filter((image) =>
    blockKeys(parseImageName(image)).some((key) => Object.hasOwn(data, key)),
  );
  if (bad.length === 0) return [];
  const message = `${word}: ${bad.join(", ")}`;
  const actions = listAt(binding, "spec", "validationActions");
  if (actions.includes("Deny")) throw denial(resource, object, `${whose} denied request: ${message}`);
  const warning = `Validation failed for ${whose}: ${message}`;
  return actions.includes("Warn") ? [warning] : [];
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

function imagesOf(resource: Resource, object: JsonObject): string[] {
  const path = resource.plural === "pods" ? ["spec"] : [...(resource.template ?? []), "spec"];
  const spec = objectAt(object, ...path);
  return ["containers", "initContainers", "ephemeralContainers"]
    .flatMap((field) => listAt(spec, field))
    .map((container) => stringAt(container, "image"))
    .filter((image) => image !== "");
}

import {
  isObject,
  type Json,
  type JsonObject,
  listAt,
  numberAt,
  objectAt,
  sameJson,
  stringAt,
  valueAt,
  without,
} from "./json-value.ts";
import type { KubeObject } from "./kube-object.ts";
import { matchesLabels, requirementsOf } from "./label-selector.ts";
import { metadataCauses, nameCauses } from "./metadata-validation.ts";
import type { Resource } from "./resource-table.ts";
import { type Cause, invalid, invalidValue, requiredValue } from "./status-error.ts";

const configMapLimit = 1_048_576;
const listLimit = 10_000;
const selecting = ["deployments", "statefulsets", "replicasets", "daemonsets"];

/** Raises 422 with every cause for an object that the server would not store; `old` adds what an update may not do. */
export function validate(resource: Resource, object: KubeObject, old?: KubeObject): void {
  const causes = [
    ...(old === undefined ? nameCauses(resource, object.metadata.name) : updateCauses(resource, object, old)),
    ...metadataCauses(object),
    ...kindCauses(resource, object),
  ];
  if (causes.length > 0) throw invalid(resource, object.metadata.name, causes);
}

function kindCauses(resource: Resource, object: KubeObject): Cause[] {
  if (resource.plural === "pods") return podCauses(object["spec"], "spec");
  if (resource.plural === "configmaps") return configMapCauses(object);
  if (resource.plural === "validatingadmissionpolicybindings") return bindingCauses(object);
  if (resource.plural === "admissionlists") return listCauses(object);
  return [...replicaCauses(object), ...selectorCauses(resource, object), ...templateCauses(resource, object)];
}

function replicaCauses(object: KubeObject): Cause[] {
  const replicas = numberAt(object, "spec", "replicas");
  if (replicas === undefined || replicas >= 0) return [];
  return [invalidValue("spec.replicas", replicas, "must be greater than or equal to 0")];
}

function selectorCauses(resource: Resource, object: KubeObject): Cause[] {
  if (!selecting.includes(resource.plural)) return [];
  const selector = objectAt(object, "spec", "selector");
  if (Object.keys(selector).length === 0) return [requiredValue("spec.selector")];
  const labels = objectAt(object, "spec", "template", "metadata", "labels");
  if (matchesLabels(requirementsOf(selector), labels)) return [];
  return [
    invalidValue("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"),
  ];
}

function templateCauses(resource: Resource, object: KubeObject): Cause[] {
  const path = resource.template;
  return path === undefined ? [] : podCauses(valueAt(object, ...path, "spec"), [...path, "spec"].join("."));
}

function podCauses(spec: Json | undefined, path: string): Cause[] {
  const containers = listAt(spec, "containers");
  if (containers.length === 0) return [requiredValue(`${path}.containers`)];
  return containers.flatMap((container, index) => [
    ...(stringAt(container, "name") === "" ? [requiredValue(`${path}.containers[${index}].name`)] : []),
    ...(stringAt(container, "image") === "" ? [requiredValue(`${path}.containers[${index}].image`)] : []),
  ]);
}

function configMapCauses(object: KubeObject): Cause[] {
  const data = Object.entries(objectAt(object, "data"));
  const wrong = data.filter(([key]) => !/^[-._a-zA-Z0-9]{1,253}$/.test(key));
  const size = data.reduce((sum, [key, value]) => sum + key.length + Buffer.byteLength(String(value)), 0);
  const why =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  return [
    ...wrong.map(([key]) => invalidValue(`data[${key}]`, key, why)),
    ...(size > configMapLimit
      ? [
          {
            reason: "FieldValueTooLong",
            message: `Too long: may not be more than ${configMapLimit} bytes`,
            field: "",
          },
        ]
      : []),
  ];
}

// As the definition of our own lists says.
function listCauses(object: KubeObject): Cause[] {
  const entries = Object.entries(objectAt(object, "spec", "entries"));
  return [
    ...(entries.length > listLimit
      ? [
          {
            reason: "FieldValueTooMany",
            message: `Too many: ${entries.length}: must have at most ${listLimit} items`,
            field: "spec.entries",
          },
        ]
      : []),
    ...entries
      .filter(([, value]) => typeof value !== "string")
      .map(([key, value]) =>
        invalidValue(`spec.entries.${key}`, value, `spec.entries.${key} in body must be of type string`),
      ),
  ];
}

function bindingCauses(object: KubeObject): Cause[] {
  const actions = listAt(object, "spec", "validationActions");
  if (actions.length === 0) return [requiredValue("spec.validationActions")];
  if (!actions.includes("Deny") || !actions.includes("Warn")) return [];
  return [
    invalidValue(
      "spec.validationActions",
      actions,
      "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)",
    ),
  ];
}

function updateCauses(resource: Resource, object: KubeObject, old: KubeObject): Cause[] {
  const fixed = "field is immutable";
  const causes = resource.immutable
    .filter((path) => !sameJson(valueAt(object, ...path.split(".")), valueAt(old, ...path.split("."))))
    .map((path) => invalidValue(path, valueAt(object, ...path.split(".")), fixed));
  if (resource.plural === "pods" && !sameJson(fixedPodSpec(object), fixedPodSpec(old))) {
    const message =
      "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
    causes.push({ reason: "FieldValueForbidden", message, field: "spec" });
  }
  return causes;
}

function fixedPodSpec(pod: JsonObject): JsonObject {
  const spec = without(
    objectAt(pod, "spec"),
    "activeDeadlineSeconds",
    "tolerations",
    "terminationGracePeriodSeconds",
  );
  const imageless = (field: string) =>
    listAt(spec, field).map((container) => (isObject(container) ? without(container, "image") : container));
  return { ...spec, containers: imageless("containers"), initContainers: imageless("initContainers") };
}

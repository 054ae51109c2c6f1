import { isIPv4, isIPv6 } from "node:net";
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
  if (resource.plural === "events") return eventCauses(object);
  if (resource.plural === "configmaps") return configMapCauses(object);
  if (resource.plural === "validatingadmissionpolicybindings") return bindingCauses(object);
  if (resource.plural.endsWith("webhookconfigurations")) return hookCauses(object);
  if (resource.plural === "services") return sourceRangeCauses(object);
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

/** What is in no namespace has its Events in `default`; else both namespaces are one. */
function eventCauses(object: KubeObject): Cause[] {
  const of = stringAt(object, "involvedObject", "namespace");
  return (of || "default") === stringAt(object, "metadata", "namespace")
    ? []
    : [invalidValue("involvedObject.namespace", of, "does not match event.namespace")];
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

function hookCauses(object: KubeObject): Cause[] {
  const names = listAt(object, "webhooks").map((hook) => stringAt(hook, "name"));
  return listAt(object, "webhooks").flatMap((hook, index) => {
    const path = `webhooks[${index}]`;
    const { url, service } = objectAt(hook, "clientConfig");
    return [
      ...(names.indexOf(stringAt(hook, "name")) === index
        ? []
        : [invalidValue(`${path}.name`, stringAt(hook, "name"), "duplicate value")]),
      ...((url === undefined) === (service === undefined)
        ? [requiredValue(`${path}.clientConfig`, "exactly one of url or service is required")]
        : []),
      ...(listAt(hook, "admissionReviewVersions").length === 0
        ? [requiredValue(`${path}.admissionReviewVersions`)]
        : []),
      ...(stringAt(hook, "sideEffects") === "" ? [requiredValue(`${path}.sideEffects`)] : []),
    ];
  });
}

function sourceRangeCauses(object: KubeObject): Cause[] {
  const ranges = listAt(object, "spec", "loadBalancerSourceRanges");
  const field = "spec.LoadBalancerSourceRanges";
  if (ranges.length > 0 && stringAt(object, "spec", "type") !== "LoadBalancer") {
    const message = "Forbidden: may only be used when `type` is 'LoadBalancer'";
    return [{ reason: "FieldValueForbidden", message, field }];
  }
  const why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
  return ranges.flatMap((range, index) =>
    isRange(String(range)) ? [] : [invalidValue(`${field}[${index}]`, range, why)],
  );
}

// Left out: bits that are set beyond the prefix, which the server refuses too.
function isRange(text: string): boolean {
  const [address = "", prefix = "", ...more] = text.trim().split("/");
  const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  return more.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= most;
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

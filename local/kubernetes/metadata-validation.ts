import { isObject, type JsonObject, objectAt, valueAt } from "./json-value.ts";
import type { NameRule, Resource } from "./resource-table.ts";
import { type Cause, invalidValue, requiredValue } from "./status-error.ts";

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const alphabet = "lower case alphanumeric characters";
const edges = "must start and end with an alphanumeric character";
const nameRules: Readonly<Record<NameRule, { pattern: RegExp; limit: number; why: string }>> = {
  subdomain: {
    pattern: new RegExp(`^${label}(\\.${label})*$`),
    limit: 253,
    why: `a lowercase RFC 1123 subdomain must consist of ${alphabet}, '-' or '.', and ${edges} (e.g. 'example.com', regex used for validation is '${label}(\\.${label})*')`,
  },
  label: {
    pattern: new RegExp(`^${label}$`),
    limit: 63,
    why: `a lowercase RFC 1123 label must consist of ${alphabet} or '-', and ${edges} (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`,
  },
  service: {
    pattern: /^[a-z]([-a-z0-9]*[a-z0-9])?$/,
    limit: 63,
    why: `a DNS-1035 label must consist of ${alphabet} or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
  },
  segment: {
    pattern: /^(?!\.{1,2}$)[^/%]+$/,
    limit: Number.POSITIVE_INFINITY,
    why: "may not be '.' or '..', and may not contain '/' or '%'",
  },
};
const qualified = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const annotationLimit = 262_144;

/** What is wrong with the name of an object of this kind: nothing, or causes in the server's words. */
export function nameCauses(resource: Resource, name: string): Cause[] {
  if (name === "") return [requiredValue("metadata.name", "name or generateName is required")];
  const { pattern, limit, why } = nameRules[resource.nameRule];
  return [
    ...(name.length > limit
      ? [invalidValue("metadata.name", name, `must be no more than ${limit} bytes`)]
      : []),
    ...(pattern.test(name) ? [] : [invalidValue("metadata.name", name, why)]),
  ];
}

/** What is wrong with labels, annotations and owners. */
export function metadataCauses(object: JsonObject): Cause[] {
  const labels = Object.entries(objectAt(object, "metadata", "labels"));
  const annotations = Object.entries(objectAt(object, "metadata", "annotations"));
  const size = annotations.reduce(
    (sum, [key, value]) => sum + key.length + Buffer.byteLength(String(value)),
    0,
  );
  return [
    ...labels.flatMap(([key, value]) => labelCauses(key, String(value))),
    ...annotations
      .filter(([key]) => !qualified.test(key.toLowerCase()))
      .map(([key]) => invalidValue("metadata.annotations", key, "name part must be a qualified name")),
    ...(size > annotationLimit
      ? [
          {
            reason: "FieldValueTooLong",
            message: `Too long: may not be more than ${annotationLimit} bytes`,
            field: "metadata.annotations",
          },
        ]
      : []),
    ...ownerCauses(object),
  ];
}

function labelCauses(key: string, value: string): Cause[] {
  const why =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  return [
    ...(qualified.test(key)
      ? []
      : [invalidValue("metadata.labels", key, "name part must be a qualified name")]),
    ...(labelValue.test(value) ? [] : [invalidValue("metadata.labels", value, why)]),
  ];
}

function ownerCauses(object: JsonObject): Cause[] {
  const owners = valueAt(object, "metadata", "ownerReferences");
  if (!Array.isArray(owners)) return [];
  return owners.flatMap((owner) =>
    ["apiVersion", "kind", "name", "uid"]
      .filter((key) => valueAt(owner, key) === undefined || valueAt(owner, key) === "")
      .map((key) => invalidValue(`metadata.ownerReferences.${key}`, "", "must not be empty")),
  );
}

/** The decoder's complaint about label, annotation and ConfigMap maps that hold anything but strings. */
export function undecodable(object: JsonObject): string | undefined {
  const maps = {
    "metadata.labels": true,
    "metadata.annotations": true,
    data: object["kind"] === "ConfigMap",
  };
  for (const [path, checked] of Object.entries(maps)) {
    const map = valueAt(object, ...path.split("."));
    if (!checked || map === undefined || map === null) continue;
    const owner = path === "data" ? "ConfigMap" : "ObjectMeta";
    const values = isObject(map) ? Object.values(map) : [map];
    const wrong = isObject(map) ? values.find((value) => typeof value !== "string") : map;
    if (wrong === undefined) continue;
    const found = Array.isArray(wrong) ? "array" : wrong === null ? "null" : typeof wrong;
    return `json: cannot unmarshal ${found} into Go struct field ${owner}.${path} of type string`;
  }
  return undefined;
}

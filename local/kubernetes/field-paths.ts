import { isObject, type Json, type JsonObject, sameJson } from "./json-value.ts";
import { isSetList, listKey } from "./keyed-lists.ts";

// Maps that have one owner as a whole, from the API's x-kubernetes-map-type marks.
const atomicMaps = new Set([
  "podSelector",
  "namespaceSelector",
  "objectSelector",
  "labelSelector",
  "selector",
  "nodeSelector",
  "scaleTargetRef",
  "fieldRef",
  "configMapKeyRef",
  "secretKeyRef",
  "paramKind",
  "paramRef",
  "matchConstraints",
  "matchResources",
  // Of our own lists, as their definition says.
  "entries",
]);
const systemMetadata = new Set([
  "name",
  "namespace",
  "generateName",
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generation",
  "managedFields",
  "selfLink",
]);

/**
 * A path in the notation of managedFields (FieldsV1), segments joined by a line feed: `f:spec\nf:replicas`,
 * `k:{"name":"c"}` for an entry of a keyed list, `v:"x"` for a member of a set, `.` for the entry itself.
 */
export type FieldPath = string;

/** The leaf paths that a manager of this object (or partial object) would own. */
export function fieldPaths(object: JsonObject): Set<FieldPath> {
  const paths = new Set<FieldPath>();
  for (const [key, value] of Object.entries(object)) {
    if (key === "apiVersion" || key === "kind") continue;
    if (key !== "metadata" || !isObject(value)) {
      collect(value, key, [`f:${key}`], paths);
      continue;
    }
    for (const [name, part] of Object.entries(value)) {
      if (!systemMetadata.has(name)) collect(part, name, ["f:metadata", `f:${name}`], paths);
    }
  }
  return paths;
}

function collect(value: Json, field: string, path: string[], paths: Set<FieldPath>): void {
  if (isObject(value) && !atomicMaps.has(field) && Object.keys(value).length > 0) {
    for (const [key, part] of Object.entries(value)) collect(part, key, [...path, `f:${key}`], paths);
    return;
  }
  if (Array.isArray(value) && isSetList(field)) {
    for (const item of value) paths.add([...path, `v:${JSON.stringify(item)}`].join("\n"));
    return;
  }
  const key = Array.isArray(value) ? listKey(field, value) : undefined;
  if (!Array.isArray(value) || key === undefined) {
    paths.add(path.join("\n"));
    return;
  }
  for (const item of value) {
    if (!isObject(item)) continue;
    const entry = [...path, `k:${JSON.stringify({ [key]: item[key] ?? null })}`];
    paths.add([...entry, "."].join("\n"));
    collect(item, "", entry, paths);
  }
}

/** The value at a path; for `.` the entry counts as present, whatever it holds. */
export function fieldAt(object: Json, path: FieldPath): Json | undefined {
  let current: Json | undefined = object;
  for (const segment of path.split("\n")) {
    if (segment === ".") return current === undefined ? undefined : true;
    current = step(current, segment);
  }
  return current;
}

function step(value: Json | undefined, segment: string): Json | undefined {
  const rest = segment.slice(2);
  if (segment.startsWith("f:")) return isObject(value) ? value[rest] : undefined;
  if (!Array.isArray(value)) return undefined;
  return value.find(isEntry(segment, rest));
}

function isEntry(segment: string, rest: string): (item: Json) => boolean {
  const wanted: Json = JSON.parse(rest);
  if (segment.startsWith("v:") || !isObject(wanted)) return (item) => sameJson(item, wanted);
  return (item) =>
    isObject(item) && Object.entries(wanted).every(([key, value]) => sameJson(item[key], value));
}

/** A copy of the object without what stands at the path; empty maps stay, as an owner may have put them there. */
export function withoutField<T extends Json>(value: T, path: FieldPath): T {
  const copy = structuredClone(value);
  removeAt(copy, path.split("\n"));
  return copy;
}

function removeAt(value: Json | undefined, segments: string[]): void {
  const [segment = "", next] = segments;
  const last = next === undefined || next === ".";
  const rest = segment.slice(2);
  if (!last) removeAt(step(value, segment), segments.slice(1));
  else if (isObject(value)) delete value[rest];
  else if (Array.isArray(value)) {
    const index = value.findIndex(isEntry(segment, rest));
    if (index >= 0) value.splice(index, 1);
  }
}

/** How conflict messages write a path: `.spec.template.spec.containers[name="c"].image`. */
export function shownPath(path: FieldPath): string {
  const shown = path.split("\n").map((segment) => {
    if (segment.startsWith("f:")) return `.${segment.slice(2)}`;
    if (segment.startsWith("v:")) return `[=${segment.slice(2)}]`;
    if (segment === ".") return "";
    const key: Json = JSON.parse(segment.slice(2));
    const pairs = isObject(key) ? Object.entries(key) : [];
    return `[${pairs.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}]`;
  });
  return shown.join("");
}

/** The paths as the tree that managedFields stores. */
export function toFieldsV1(paths: Iterable<FieldPath>): JsonObject {
  const root: JsonObject = {};
  for (const path of [...paths].sort()) {
    let node = root;
    for (const segment of path.split("\n")) {
      const next = node[segment];
      const child: JsonObject = isObject(next) ? next : {};
      node[segment] = child;
      node = child;
    }
  }
  return root;
}

/** The paths of a tree that `toFieldsV1` wrote. */
export function fromFieldsV1(tree: JsonObject, prefix: string[] = []): Set<FieldPath> {
  const paths = new Set<FieldPath>();
  for (const [segment, child] of Object.entries(tree)) {
    const path = [...prefix, segment];
    if (!isObject(child) || Object.keys(child).length === 0) paths.add(path.join("\n"));
    else for (const deeper of fromFieldsV1(child, path)) paths.add(deeper);
  }
  return paths;
}

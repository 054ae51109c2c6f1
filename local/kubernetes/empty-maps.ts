import { isObject, type Json, type JsonObject } from "./json-value.ts";
import type { KubeObject } from "./kube-object.ts";
import type { Resource } from "./resource-table.ts";

/** Without the maps that a server leaves out when nothing is in them: labels, annotations, a template's node selector. */
export function withoutEmptyMaps(resource: Resource, object: KubeObject): KubeObject {
  const { labels, annotations, ...rest } = object.metadata;
  const metadata = { ...rest, ...filled("labels", labels), ...filled("annotations", annotations) };
  const bare = { ...object, metadata };
  return resource.template === undefined ? bare : { ...bare, ...inTemplate(bare, resource.template) };
}

function filled(key: string, map: Json | undefined): JsonObject {
  return map === undefined || (isObject(map) && Object.keys(map).length === 0) ? {} : { [key]: map };
}

function inTemplate(object: JsonObject, path: readonly string[]): JsonObject {
  const [head = "", ...rest] = path;
  const inner = object[head];
  return isObject(inner) ? { [head]: bareAt(inner, [...rest, "spec"]) } : {};
}

function bareAt(value: JsonObject, path: readonly string[]): JsonObject {
  const [head, ...rest] = path;
  if (head === undefined) {
    const { nodeSelector, ...others } = value;
    return { ...others, ...filled("nodeSelector", nodeSelector) };
  }
  const inner = value[head];
  return isObject(inner) ? { ...value, [head]: bareAt(inner, rest) } : value;
}

import { isObject, type Json, type JsonObject, sameJson, without } from "./json-value.ts";
import { isSetList, listKey } from "./keyed-lists.ts";

/**
 * Applies a strategic merge patch: maps merge, null deletes, lists with a merge key merge by it, other lists are
 * replaced. Understands `$patch: replace|delete` and `$deleteFromPrimitiveList`; `$setElementOrder` and
 * `$retainKeys` are taken off without effect.
 */
export function applyStrategicMergePatch(document: JsonObject, patch: JsonObject): JsonObject {
  if (patch["$patch"] === "replace") return structuredClone(without(patch, "$patch"));
  if (patch["$patch"] === "delete") return {};
  const result: JsonObject = { ...document };
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$")) {
      dropFromList(result, key, value);
      continue;
    }
    const before = result[key];
    if (value === null) delete result[key];
    else if (isObject(value)) result[key] = applyStrategicMergePatch(isObject(before) ? before : {}, value);
    else if (Array.isArray(value)) result[key] = mergeList(key, Array.isArray(before) ? before : [], value);
    else result[key] = value;
  }
  return result;
}

function dropFromList(result: JsonObject, directive: string, values: Json): void {
  const [name, field = ""] = directive.split("/");
  const list = result[field];
  if (name !== "$deleteFromPrimitiveList" || !Array.isArray(list) || !Array.isArray(values)) return;
  result[field] = list.filter((item) => !values.some((value) => sameJson(item, value)));
}

function mergeList(field: string, before: Json[], patch: Json[]): Json[] {
  if (isSetList(field)) return [...before, ...patch.filter((item) => !before.includes(item))];
  const replaces = patch.some(
    (item) => isObject(item) && item["$patch"] === "replace" && Object.keys(item).length === 1,
  );
  if (replaces)
    return structuredClone(patch.filter((item) => isObject(item) && item["$patch"] === undefined));
  const key = listKey(field, patch);
  if (key === undefined) return structuredClone(patch);
  const result = [...before];
  for (const item of patch) {
    if (!isObject(item)) continue;
    const index = result.findIndex((other) => isObject(other) && sameJson(other[key], item[key]));
    const found = result[index];
    if (item["$patch"] === "delete") {
      if (index >= 0) result.splice(index, 1);
    } else if (isObject(found)) result[index] = applyStrategicMergePatch(found, item);
    else result.push(applyStrategicMergePatch({}, item));
  }
  return result;
}

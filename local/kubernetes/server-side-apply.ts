import { type FieldPath, fieldAt, fieldPaths, shownPath, withoutField } from "./field-paths.ts";
import { isObject, type Json, type JsonObject, sameJson } from "./json-value.ts";
import { isSetList, listKey } from "./keyed-lists.ts";
import { type KubeObject, timestamp } from "./kube-object.ts";
import {
  type FieldManager,
  isSameManager,
  type Ownership,
  ownershipsOf,
  withOwnerships,
} from "./managed-fields.ts";
import { StatusError } from "./status-error.ts";

/**
 * Applies a configuration to the live object: what it names is set and owned, what this manager applied before and
 * names no more is removed unless somebody else owns it too. Fields that another manager owns with another value
 * raise 409 with one FieldManagerConflict per field; `force` takes them over. Applying the same again gives an equal
 * object, times included, so nothing is written.
 */
export function serverSideApply(
  live: KubeObject,
  applied: JsonObject,
  by: FieldManager,
  force: boolean,
): KubeObject {
  const wanted = fieldPaths(applied);
  const entries = ownershipsOf(live);
  const mine = entries.find((entry) => isSameManager(entry, by));
  const others = entries.filter((entry) => entry !== mine);
  const taken = conflictsOf(live, applied, wanted, others);
  if (taken.length > 0 && !force) throw conflictError(taken);

  let merged: KubeObject = {
    ...live,
    ...mergeApplied(live, applied, ""),
    metadata: mergeMetadata(live, applied),
  };
  for (const path of mine?.paths ?? []) {
    const owned = wanted.has(path) || others.some((entry) => entry.paths.has(path));
    if (!owned) merged = withoutField(merged, path);
  }
  const lost = new Set(taken.map(({ path }) => path));
  const kept = others.map((entry) => ({
    ...entry,
    paths: new Set([...entry.paths].filter((path) => !lost.has(path))),
  }));
  const same = mine !== undefined && sameJson([...mine.paths].sort(), [...wanted].sort());
  const time = same ? mine.time : timestamp();
  return withOwnerships(merged, [{ ...by, apiVersion: live.apiVersion, time, paths: wanted }, ...kept]);
}

type Taken = { path: FieldPath; owner: Ownership };

function conflictsOf(
  live: JsonObject,
  applied: JsonObject,
  wanted: ReadonlySet<FieldPath>,
  others: readonly Ownership[],
): Taken[] {
  return others.flatMap((owner) =>
    [...owner.paths]
      .filter((path) => wanted.has(path) && !sameJson(fieldAt(live, path), fieldAt(applied, path)))
      .map((path) => ({ path, owner })),
  );
}

function conflictError(taken: readonly Taken[]): StatusError {
  const causes = taken.map(({ path, owner }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${ownerName(owner)}`,
    field: shownPath(path),
  }));
  const [first] = causes;
  const what =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${first?.message}: ${first?.field}`
      : `Apply failed with ${causes.length} conflicts: ${causes.map((cause) => `${cause.message}:\n- ${cause.field}`).join("\n")}`;
  return new StatusError(409, "Conflict", what, { causes });
}

function ownerName({ manager, operation, subresource, apiVersion }: Ownership): string {
  const part = subresource === "" ? "" : ` with subresource "${subresource}"`;
  return `"${manager}"${part}${operation === "Update" ? ` using ${apiVersion}` : ""}`;
}

function mergeMetadata(live: KubeObject, applied: JsonObject): KubeObject["metadata"] {
  const given = applied["metadata"];
  if (!isObject(given)) return live.metadata;
  return { ...live.metadata, ...mergeApplied(live.metadata, given, "metadata") };
}

function mergeApplied(live: JsonObject, applied: JsonObject, field: string): JsonObject {
  const result: JsonObject = { ...live };
  for (const [key, value] of Object.entries(applied)) {
    if (field === "" && key === "metadata") continue;
    result[key] = mergeValue(result[key], value, key);
  }
  return result;
}

function mergeValue(live: Json | undefined, applied: Json, field: string): Json {
  // A map without granular leaves is atomic: it owns itself and is replaced as a whole.
  const granular = [...fieldPaths({ [field]: applied })].some((path) => path !== `f:${field}`);
  if (!granular || live === undefined) return structuredClone(applied);
  if (isObject(applied)) return mergeApplied(isObject(live) ? live : {}, applied, field);
  if (!Array.isArray(applied) || !Array.isArray(live)) return structuredClone(applied);
  if (isSetList(field)) return [...live, ...applied.filter((item) => !live.includes(item))];
  const key = listKey(field, applied) ?? "";
  const merged = live.map((item) => {
    const match = applied.find(
      (other) => isObject(other) && isObject(item) && sameJson(other[key], item[key]),
    );
    return isObject(match) && isObject(item) ? mergeApplied(item, match, field) : item;
  });
  const added = applied.filter(
    (item) => isObject(item) && !live.some((other) => isObject(other) && sameJson(other[key], item[key])),
  );
  return [...merged, ...structuredClone(added)];
}

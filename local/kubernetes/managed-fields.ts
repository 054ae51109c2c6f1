import { type FieldPath, fieldAt, fieldPaths, fromFieldsV1, toFieldsV1 } from "./field-paths.ts";
import { type JsonObject, listAt, objectAt, sameJson, stringAt } from "./json-value.ts";
import { type KubeObject, timestamp } from "./kube-object.ts";

/** Who writes: the key of one entry of metadata.managedFields. */
export interface FieldManager {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly subresource: string;
}

/** One entry of metadata.managedFields with its paths as a set. */
export interface Ownership extends FieldManager {
  readonly apiVersion: string;
  readonly time: string;
  readonly paths: ReadonlySet<FieldPath>;
}

/** The entries of an object. */
export function ownershipsOf(object: JsonObject | undefined): Ownership[] {
  return listAt(object, "metadata", "managedFields").map((entry) => ({
    manager: stringAt(entry, "manager"),
    operation: stringAt(entry, "operation") === "Apply" ? "Apply" : "Update",
    subresource: stringAt(entry, "subresource"),
    apiVersion: stringAt(entry, "apiVersion"),
    time: stringAt(entry, "time"),
    paths: fromFieldsV1(objectAt(entry, "fieldsV1")),
  }));
}

/** The object with these entries in the server's order (applies first, then by time); those that own nothing go. */
export function withOwnerships(object: KubeObject, entries: readonly Ownership[]): KubeObject {
  const managedFields = entries
    .filter((entry) => entry.paths.size > 0)
    // A fixed order, or a repeated write would look like a change.
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
    .map(({ manager, operation, subresource, apiVersion, time, paths }) => ({
      manager,
      operation,
      apiVersion,
      time,
      fieldsType: "FieldsV1",
      fieldsV1: toFieldsV1(paths),
      ...(subresource === "" ? {} : { subresource }),
    }));
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

function sortKey({ operation, time, manager, subresource }: Ownership): string {
  return [operation, time, manager, subresource].join(" ");
}

/** True for the same manager by the same operation on the same subresource. */
export function isSameManager(a: FieldManager, b: FieldManager): boolean {
  return a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource;
}

/**
 * Records an update (create, PUT, any patch but apply): the manager gets every field that it changed, the others lose
 * these and whatever is gone. Without a change of a field the entries stay as they are, times included.
 */
export function recordUpdate(
  before: KubeObject | undefined,
  after: KubeObject,
  by: FieldManager,
): KubeObject {
  const present = fieldPaths(after);
  const changed = new Set(
    [...present].filter(
      (path) => before === undefined || !sameJson(fieldAt(before, path), fieldAt(after, path)),
    ),
  );
  const entries = ownershipsOf(before);
  const mine = entries.find((entry) => isSameManager(entry, by));
  const kept = entries
    .filter((entry) => entry !== mine)
    .map((entry) => ({
      ...entry,
      paths: new Set([...entry.paths].filter((path) => present.has(path) && !changed.has(path))),
    }));
  const paths = new Set([...(mine?.paths ?? []), ...changed].filter((path) => present.has(path)));
  const time = changed.size > 0 || mine === undefined ? timestamp() : mine.time;
  return withOwnerships(after, [...kept, { ...by, apiVersion: after.apiVersion, time, paths }]);
}

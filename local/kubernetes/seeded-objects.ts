import { createObject } from "./create-object.ts";
import { isObject, type Json, type JsonObject, objectAt, stringAt, without } from "./json-value.ts";
import type { KubeObject } from "./kube-object.ts";
import type { FieldManager } from "./managed-fields.ts";
import type { ObjectStore } from "./object-store.ts";
import { resourceNamed, resourceOfKind } from "./resource-table.ts";
import { isServed } from "./served-kinds.ts";
import { badRequest } from "./status-error.ts";
import { updateObject } from "./update-object.ts";

const administrator: FieldManager = { manager: "administrator", operation: "Update", subresource: "" };

/**
 * Puts objects into the cluster as an administrator would: without access rules and image policy, but defaulted and
 * validated, since an object that the server would refuse cannot stand in for one that it holds. uid, times and status
 * are kept when given; a namespace that is missing is made. An object that exists is changed to what is given.
 * Raises the StatusError that the server would answer.
 */
export function seedObjects(store: ObjectStore, objects: readonly Json[]): KubeObject[] {
  return objects.map((object) => {
    if (!isObject(object)) throw badRequest("only objects can be seeded");
    return seedObject(store, object);
  });
}

function seedObject(store: ObjectStore, object: JsonObject): KubeObject {
  const [apiVersion, kind] = [stringAt(object, "apiVersion"), stringAt(object, "kind")];
  const resource = resourceOfKind(apiVersion, kind);
  if (resource === undefined || !isServed(store, resource))
    throw badRequest(`no kind "${kind}" is served for version "${apiVersion}"`);
  const name = stringAt(object, "metadata", "name");
  const namespace = resource.namespaced ? stringAt(object, "metadata", "namespace") || "default" : "";
  if (resource.namespaced) ensureNamespace(store, namespace);

  const metadata = without(objectAt(object, "metadata"), "resourceVersion", "managedFields");
  const given = { ...object, metadata };
  const old = store.get(resource, namespace, name);
  const uid = stringAt(metadata, "uid");
  const replaced = old !== undefined && uid !== "" && uid !== old.metadata.uid;
  // Another uid is another object: the old one has been deleted meanwhile.
  if (replaced) store.remove(resource, old);
  if (old === undefined || replaced) {
    return createObject(store, resource, namespace, given, { by: administrator, trusted: true }).object;
  }
  const changed = updateObject(store, resource, old, given, { by: administrator, form: "put" });
  if (!isObject(object["status"])) return changed.object;
  const next = { ...changed.object, status: object["status"] };
  const by = { ...administrator, subresource: "status" };
  return updateObject(store, resource, changed.object, next, { by, form: "put" }).object;
}

function ensureNamespace(store: ObjectStore, name: string): void {
  const namespaces = resourceNamed("namespaces");
  if (store.get(namespaces, "", name) !== undefined) return;
  const body = { metadata: { name } };
  createObject(store, namespaces, "", body, { by: administrator });
}

import { type JsonObject, stringAt, valueAt } from "./json-value.ts";
import {
  finalizersOf,
  isBeingDeleted,
  type KubeObject,
  namespaceOf,
  ownersOf,
  timestamp,
} from "./kube-object.ts";
import type { ObjectStore } from "./object-store.ts";
import { type Resource, resources } from "./resource-table.ts";
import { conflict } from "./status-error.ts";

/** The parts of DeleteOptions that the stand-in knows. */
export interface DeleteOptions {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly orphan: boolean;
  readonly dryRun: boolean;
}

/** Reads DeleteOptions from body and query; the query's propagationPolicy and dryRun count too. */
export function deleteOptions(body: JsonObject, query: URLSearchParams, dryRun: boolean): DeleteOptions {
  const policy = query.get("propagationPolicy") ?? stringAt(body, "propagationPolicy");
  const dry = valueAt(body, "dryRun");
  return {
    uid: stringAt(body, "preconditions", "uid"),
    resourceVersion: stringAt(body, "preconditions", "resourceVersion"),
    orphan: policy === "Orphan",
    dryRun: dryRun || (Array.isArray(dry) && dry.includes("All")),
  };
}

/**
 * Deletes one object, or marks it where finalizers (or a namespace's contents) hold it, and gives the answer's body.
 * Raises 409 for a failed precondition. Pods go at once: there is no kubelet that would have to confirm.
 */
export function deleteObject(
  store: ObjectStore,
  resource: Resource,
  object: KubeObject,
  options: DeleteOptions,
): JsonObject {
  checkPreconditions(resource, object, options);
  const marked = asDeleted(resource, object);
  if (!options.dryRun) {
    if (options.orphan) orphanDependents(store, object);
    if (isHeld(resource, object)) {
      if (!isBeingDeleted(object)) store.put(resource, marked);
    } else store.remove(resource, object);
  }
  if (resource.returnsDeleted || isHeld(resource, object)) return marked;
  const { name, uid } = object.metadata;
  const group: JsonObject = resource.group === "" ? {} : { group: resource.group };
  const details: JsonObject = { name, ...group, kind: resource.plural, uid };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}

function checkPreconditions(resource: Resource, object: KubeObject, options: DeleteOptions): void {
  const { name, uid, resourceVersion } = object.metadata;
  if (options.uid !== "" && options.uid !== uid) {
    const why = `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw conflict(resource, name, why);
  }
  if (options.resourceVersion !== "" && options.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw conflict(resource, name, why);
  }
}

function isHeld(resource: Resource, object: KubeObject): boolean {
  return resource.plural === "namespaces" || finalizersOf(object).length > 0;
}

function asDeleted(resource: Resource, object: KubeObject): KubeObject {
  if (isBeingDeleted(object)) return object;
  const grace = resource.plural === "pods" ? 30 : 0;
  const held: JsonObject = { deletionTimestamp: timestamp(), deletionGracePeriodSeconds: grace };
  const metadata = { ...object.metadata, ...held };
  return resource.plural === "namespaces"
    ? { ...object, metadata, status: { phase: "Terminating" } }
    : { ...object, metadata };
}

function orphanDependents(store: ObjectStore, owner: KubeObject): void {
  for (const resource of resources) {
    for (const object of store.list(resource, namespaceOf(owner))) {
      const owners = ownersOf(object);
      const others = owners.filter((reference) => stringAt(reference, "uid") !== owner.metadata.uid);
      if (others.length === owners.length) continue;
      store.put(resource, { ...object, metadata: { ...object.metadata, ownerReferences: others } });
    }
  }
}

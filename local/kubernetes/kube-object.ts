import { type Json, type JsonObject, listAt, objectAt, stringAt, valueAt } from "./json-value.ts";

/** A stored object: what the API server guarantees about every one of them. */
export type KubeObject = JsonObject & {
  apiVersion: string;
  kind: string;
  metadata: JsonObject & { name: string; uid: string; resourceVersion: string; creationTimestamp: string };
};

/** The namespace, empty for a cluster-wide object. */
export function namespaceOf(object: JsonObject): string {
  return stringAt(object, "metadata", "namespace");
}

/** The labels. */
export function labelsOf(object: JsonObject): JsonObject {
  return objectAt(object, "metadata", "labels");
}

/** The finalizers. */
export function finalizersOf(object: JsonObject): Json[] {
  return listAt(object, "metadata", "finalizers");
}

/** The ownerReferences that are objects. */
export function ownersOf(object: JsonObject): Json[] {
  return listAt(object, "metadata", "ownerReferences");
}

/** The uid of the owner marked as controller, or the empty string. */
export function controllerOf(object: JsonObject): string {
  const owner = ownersOf(object).find((reference) => valueAt(reference, "controller") === true);
  return stringAt(owner, "uid");
}

/** True once a delete was accepted and finalizers still hold the object. */
export function isBeingDeleted(object: JsonObject): boolean {
  return stringAt(object, "metadata", "deletionTimestamp") !== "";
}

/** A time as the API server writes it: RFC 3339 without fractions. */
export function timestamp(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, "Z");
}

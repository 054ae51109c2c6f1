import type { Written } from "./api-request.ts";
import { checkImages } from "./blocked-images.ts";
import { withoutEmptyMaps } from "./empty-maps.ts";
import {
  isObject,
  type Json,
  type JsonObject,
  numberAt,
  objectAt,
  sameJson,
  stringAt,
  without,
} from "./json-value.ts";
import { finalizersOf, isBeingDeleted, type KubeObject, namespaceOf } from "./kube-object.ts";
import { type FieldManager, recordUpdate } from "./managed-fields.ts";
import { undecodable } from "./metadata-validation.ts";
import { withDefaults } from "./object-defaults.ts";
import type { ObjectStore } from "./object-store.ts";
import { validate } from "./object-validation.ts";
import { checkPodRules } from "./pod-rules.ts";
import type { Resource } from "./resource-table.ts";
import { badRequest, conflict, invalid, invalidValue, staleVersion } from "./status-error.ts";
import { withTemplateGeneration } from "./template-generation.ts";

/** How an update came in: by PUT a wrong uid is a conflict, by a patch it is an invalid change of a fixed field. */
export interface UpdateOptions {
  readonly by: FieldManager;
  readonly form: "put" | "patch" | "apply";
  readonly dryRun?: boolean;
}

/**
 * Stores the next state of an object. Raises 400 for another name, 409 for a stale resourceVersion, 422 (patch) or 409
 * (PUT) for another uid, 422 for what validation or admission refuse. A change that changes nothing writes nothing:
 * resourceVersion, generation and managedFields stay.
 */
export function updateObject(
  store: ObjectStore,
  resource: Resource,
  old: KubeObject,
  next: JsonObject,
  { by, form, dryRun = false }: UpdateOptions,
): Written<KubeObject> {
  checkDecoding(resource, next, form);
  checkIdentity(resource, old, next, form);
  const merged = keepFixed(resource, old, next, by.subresource);
  const defaulted = withoutEmptyMaps(resource, withDefaults(resource, merged));
  validate(resource, defaulted, old);
  const counted = withTemplateGeneration(resource, old, withGeneration(resource, old, defaulted));
  const recorded = form === "apply" ? counted : recordUpdate(old, counted, by);
  const warnings =
    by.subresource === ""
      ? [...checkImages(store, resource, recorded, old), ...checkPodRules(store, resource, recorded, old)]
      : [];
  if (sameJson(recorded, old)) return { object: old, warnings };
  if (dryRun) return { object: recorded, warnings };
  const object = store.put(resource, recorded);
  if (isBeingDeleted(object) && finalizersOf(object).length === 0) store.remove(resource, object);
  return { object, warnings };
}

function checkDecoding(resource: Resource, next: JsonObject, form: UpdateOptions["form"]): void {
  const why = undecodable({ ...next, kind: resource.kind });
  if (why === undefined) return;
  if (form === "put") throw badRequest(why);
  throw invalid({ group: "", kind: "" }, "", [invalidValue("patch", JSON.stringify(next), why)]);
}

function checkIdentity(
  resource: Resource,
  old: KubeObject,
  next: JsonObject,
  form: UpdateOptions["form"],
): void {
  const metadata = objectAt(next, "metadata");
  const { name, uid, resourceVersion } = old.metadata;
  if (metadata["name"] !== name) {
    const given = stringAt(metadata, "name");
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  }
  const space = stringAt(metadata, "namespace");
  if (space !== "" && space !== namespaceOf(old)) {
    throw badRequest(
      `the namespace of the object (${space}) does not match the namespace on the URL (${namespaceOf(old)})`,
    );
  }
  const version = stringAt(metadata, "resourceVersion");
  if (version !== "" && version !== resourceVersion) throw staleVersion(resource, name);
  const given = metadata["uid"];
  if (given === undefined || given === "" || given === uid) return;
  if (form === "put") throw wrongUid(resource, name, given, uid);
  throw invalid(resource, name, [invalidValue("metadata.uid", given, "field is immutable")]);
}

/** The 409 of a uid that is used as a precondition. */
export function wrongUid(resource: Resource, name: string, given: Json, actual: string): Error {
  const why = `Precondition failed: UID in precondition: ${String(given)}, UID in object meta: ${actual}`;
  return conflict(resource, name, why);
}

// Of an update of the object the status is ignored, of an update of the status everything else.
function keepFixed(resource: Resource, old: KubeObject, next: JsonObject, subresource: string): KubeObject {
  if (subresource === "status") {
    const status = next["status"];
    return { ...old, ...(isObject(status) ? { status } : {}) };
  }
  const metadata = isObject(next["metadata"]) ? next["metadata"] : {};
  const own = without(metadata, "deletionTimestamp", "deletionGracePeriodSeconds", "generation");
  const fixed = Object.fromEntries(
    ["deletionTimestamp", "deletionGracePeriodSeconds", "generation", "namespace"].flatMap((key) => {
      const value = old.metadata[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
  const { name, uid, resourceVersion, creationTimestamp } = old.metadata;
  const status = old["status"];
  return {
    ...(resource.subresources.includes("status") ? without(next, "status") : next),
    ...(resource.subresources.includes("status") && status !== undefined ? { status } : {}),
    apiVersion: old.apiVersion,
    kind: old.kind,
    metadata: { ...own, ...fixed, name, uid, resourceVersion, creationTimestamp },
  };
}

function withGeneration(resource: Resource, old: KubeObject, next: KubeObject): KubeObject {
  if (!resource.generation || sameJson(old["spec"], next["spec"])) return next;
  const generation = (numberAt(old, "metadata", "generation") ?? 0) + 1;
  return { ...next, metadata: { ...next.metadata, generation } };
}

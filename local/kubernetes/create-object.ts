import type { Written } from "./api-request.ts";
import { checkImages } from "./blocked-images.ts";
import { withoutEmptyMaps } from "./empty-maps.ts";
import { checkHeld } from "./held-workloads.ts";
import { isObject, type JsonObject, stringAt, without } from "./json-value.ts";
import { isBeingDeleted, type KubeObject } from "./kube-object.ts";
import { type FieldManager, recordUpdate } from "./managed-fields.ts";
import { undecodable } from "./metadata-validation.ts";
import { initialStatus, withDefaults } from "./object-defaults.ts";
import type { ObjectStore } from "./object-store.ts";
import { validate } from "./object-validation.ts";
import { checkPodRules } from "./pod-rules.ts";
import { apiVersionOf, type Resource, resourceNamed } from "./resource-table.ts";
import { serverSideApply } from "./server-side-apply.ts";
import { alreadyExists, badRequest, forbidden, notFound, StatusError } from "./status-error.ts";
import { withTemplateGeneration } from "./template-generation.ts";

/** Who creates and how. A trusted creator keeps uid, times and status, which the server takes from nobody else. */
export interface CreateOptions {
  readonly by: FieldManager;
  readonly dryRun?: boolean;
  readonly trusted?: boolean;
}

/**
 * Creates an object: decodes (400), asks the namespace (404, or 403 while it ends), fills in defaults, validates
 * (422), asks admission (422), refuses a taken name (409). A dry run stops before storing.
 */
export function createObject(
  store: ObjectStore,
  resource: Resource,
  namespace: string,
  body: JsonObject,
  { by, dryRun = false, trusted = false }: CreateOptions,
): Written<KubeObject> {
  checkBody(resource, namespace, body);
  const metadata = isObject(body["metadata"]) ? body["metadata"] : {};
  const kept = trusted
    ? metadata
    : without(metadata, "uid", "creationTimestamp", "deletionTimestamp", "generation");
  const prefix = stringAt(metadata, "generateName");
  const name = stringAt(metadata, "name") || (prefix === "" ? "" : `${prefix}${nameSuffix(store.version)}`);
  if (resource.namespaced) checkNamespace(store, resource, namespace, name);

  const placed = resource.namespaced ? { ...kept, name, namespace } : { ...without(kept, "namespace"), name };
  const defaulted = withDefaults(resource, store.prepare(resource, body, placed));
  const prepared = withTemplateGeneration(resource, undefined, withoutEmptyMaps(resource, defaulted));
  const object = withStatus(resource, prepared, trusted);
  validate(resource, object);
  const warnings = trusted
    ? []
    : [
        ...checkImages(store, resource, object, undefined),
        ...checkPodRules(store, resource, object, undefined),
        ...checkHeld(store, resource, object),
      ];
  if (store.get(resource, namespace, name) !== undefined) throw alreadyExists(resource, name);
  const recorded =
    by.operation === "Apply" ? serverSideApply(object, body, by, false) : recordUpdate(undefined, object, by);
  return { object: dryRun ? recorded : store.put(resource, recorded), warnings };
}

/** Raises 400 where the body is another kind, sits in another namespace or cannot be decoded. */
function checkBody(resource: Resource, namespace: string, body: JsonObject): void {
  const [apiVersion, kind] = [stringAt(body, "apiVersion"), stringAt(body, "kind")];
  if (apiVersion !== "" && apiVersion !== apiVersionOf(resource)) {
    const expected = apiVersionOf(resource);
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    );
  }
  if (kind !== "" && kind !== resource.kind) {
    throw badRequest(
      `${kind} in version "${apiVersionOf(resource)}" cannot be handled as a ${resource.kind}`,
    );
  }
  const why = undecodable({ ...body, kind: resource.kind });
  if (why !== undefined) throw badRequest(why);
  const own = stringAt(body, "metadata", "namespace");
  if (resource.namespaced && own !== "" && own !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (stringAt(body, "metadata", "resourceVersion") !== "") {
    throw new StatusError(500, "", "resourceVersion should not be set on objects to be created");
  }
}

function checkNamespace(store: ObjectStore, resource: Resource, namespace: string, name: string): void {
  const namespaces = resourceNamed("namespaces");
  const home = store.get(namespaces, "", namespace);
  if (home === undefined) throw notFound(namespaces, namespace);
  if (!isBeingDeleted(home)) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw forbidden(resource, name, why);
}

function withStatus(resource: Resource, object: KubeObject, trusted: boolean): KubeObject {
  const status = initialStatus(resource);
  if (status === undefined) return object;
  const given = object["status"];
  return { ...object, status: trusted && isObject(given) ? given : status };
}

const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** Five letters of the server's alphabet for generated names, derived from a number: the same run, the same names. */
export function nameSuffix(seed: number): string {
  let value = (seed * 2_654_435_761) % 4_294_967_296;
  let text = "";
  for (let index = 0; index < 5; index += 1) {
    text += alphabet[value % alphabet.length] ?? "";
    value = Math.floor(value / alphabet.length);
  }
  return text;
}

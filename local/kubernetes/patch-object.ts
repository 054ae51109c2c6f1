import { parse as parseYaml } from "yaml";
import { type ApiAnswer, type ApiRequest, answerWritten } from "./api-request.ts";
import { createObject } from "./create-object.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { isObject, type Json, type JsonObject, stringAt } from "./json-value.ts";
import type { KubeObject } from "./kube-object.ts";
import type { FieldManager } from "./managed-fields.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { scaleOf, updateScale } from "./scale-subresource.ts";
import { serverSideApply } from "./server-side-apply.ts";
import { badRequest, conflict, invalid, notFound, requiredValue, unknownForm } from "./status-error.ts";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";
import { updateObject } from "./update-object.ts";

/** The media type of a server-side apply. */
export const applyType = "application/apply-patch+yaml";

/**
 * Patches an object or its scale by the form that the content type names. Raises 415 for another form, 404 where there
 * is nothing to patch (an apply creates instead).
 */
export function patchObject(request: ApiRequest): ApiAnswer {
  const { store, resource, namespace = "", name, subresource } = request;
  const live = store.get(resource, namespace, name);
  if (request.contentType === applyType) return applyObject(request, live);
  const form = formOf(request);
  if (live === undefined) throw notFound(resource, name);
  const patch = parseBody(request.text);
  const by: FieldManager = { manager: request.manager, operation: "Update", subresource };
  if (subresource === "scale") {
    const next = patched(form, scaleOf(resource, live), patch);
    return answerWritten(200, updateScale(request, live, next));
  }
  const next = patched(form, live, patch);
  return answerWritten(
    200,
    updateObject(store, resource, live, next, { by, form: "patch", dryRun: request.dryRun }),
  );
}

/** Of custom resources the server does not know how to merge lists. */
function formOf({ contentType, resource }: ApiRequest): Form {
  const isCustom = resource.definition !== undefined;
  const form = isCustom && contentType.includes("strategic") ? undefined : forms[contentType];
  if (form !== undefined) return form;
  throw unknownForm([
    ...Object.keys(forms).filter((type) => !isCustom || !type.includes("strategic")),
    applyType,
  ]);
}

type Form = (document: JsonObject, patch: Json) => Json;

const forms: Readonly<Record<string, Form>> = {
  "application/json-patch+json": applyJsonPatch,
  "application/merge-patch+json": applyMergePatch,
  "application/strategic-merge-patch+json": (document, patch) => {
    if (!isObject(patch)) throw badRequest("json: cannot unmarshal array into Go value of type map");
    return applyStrategicMergePatch(document, patch);
  },
};

function patched(form: Form, document: JsonObject, patch: Json): JsonObject {
  const result = form(document, patch);
  if (!isObject(result)) throw badRequest("the patch does not result in an object");
  return result;
}

function applyObject(request: ApiRequest, live: KubeObject | undefined): ApiAnswer {
  const { store, resource, namespace = "", name, dryRun } = request;
  if (request.subresource === "scale") throw unknownForm([...Object.keys(forms), applyType]);
  if (request.query.get("fieldManager") === null) {
    const cause = requiredValue("fieldManager", "is required for apply patch");
    throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [cause]);
  }
  const body: Json = parseYaml(request.text);
  if (!isObject(body) || stringAt(body, "apiVersion") === "" || stringAt(body, "kind") === "") {
    throw badRequest("invalid object type: apiVersion and kind must be set in an apply patch");
  }
  const metadata = isObject(body["metadata"]) ? body["metadata"] : {};
  if (metadata["managedFields"] !== undefined) throw badRequest("metadata.managedFields must be nil");
  const applied = { ...body, metadata: { name, ...metadata } };
  const by: FieldManager = { manager: request.manager, operation: "Apply", subresource: request.subresource };
  if (live === undefined) {
    if (stringAt(applied, "metadata", "name") !== name) {
      throw badRequest("the name of the object does not match the name on the URL");
    }
    const uid = stringAt(applied, "metadata", "uid");
    if (uid !== "") {
      const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
      throw conflict(resource, name, why);
    }
    return answerWritten(201, createObject(store, resource, namespace, applied, { by, dryRun }));
  }
  const next = serverSideApply(live, applied, by, request.query.get("force") === "true");
  return answerWritten(200, updateObject(store, resource, live, next, { by, form: "apply", dryRun }));
}

/** The JSON of a body; 400 for anything else. */
export function parseBody(text: string): Json {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${String(error)}`);
  }
}

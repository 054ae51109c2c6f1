import type { ApiAnswer, ApiRequest } from "./api-request.ts";
import { matchesFields, parseFieldSelector } from "./field-selector.ts";
import { type Json, type JsonObject, numberAt, stringAt, without } from "./json-value.ts";
import { type KubeObject, labelsOf, namespaceOf } from "./kube-object.ts";
import { matchesLabels, parseLabelSelector } from "./label-selector.ts";
import { apiVersionOf } from "./resource-table.ts";
import { scaleOf } from "./scale-subresource.ts";
import { badRequest, notFound } from "./status-error.ts";

/** One object, or its scale; 404 where there is none. */
export function readObject({ store, resource, namespace = "", name, subresource }: ApiRequest): ApiAnswer {
  const object = store.get(resource, namespace, name);
  if (object === undefined) throw notFound(resource, name);
  return { status: 200, body: subresource === "scale" ? scaleOf(resource, object) : object };
}

/** A test of label and field selector of the query; 400 for a selector that cannot be read. */
export function selection({ resource, query }: ApiRequest): (object: KubeObject) => boolean {
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  const fields = parseFieldSelector(query.get("fieldSelector") ?? "", resource);
  return (object) => matchesLabels(labels, labelsOf(object)) && matchesFields(fields, object);
}

/**
 * A list, by pages where `limit` is given: later pages show the state of the first. Items carry neither kind nor
 * apiVersion, as on the real server.
 */
export function listObjects(request: ApiRequest): ApiAnswer {
  const { store, resource, namespace, query } = request;
  const token = readToken(query.get("continue") ?? "");
  const version = token?.version ?? store.version;
  const all = store.listAt(resource, namespace, version).filter(selection(request));
  const rest = token === undefined ? all : all.filter((object) => pageKey(object) > token.after);
  const limit = Number(query.get("limit") ?? "0") || rest.length;
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const more = rest.length - page.length;
  const selected = query.get("labelSelector") !== null || query.get("fieldSelector") !== null;
  const metadata: JsonObject = {
    resourceVersion: String(version),
    ...(more > 0 && last !== undefined ? { continue: writeToken(version, pageKey(last)) } : {}),
    ...(more > 0 && !selected ? { remainingItemCount: more } : {}),
  };
  return { status: 200, body: listBody(request, page, metadata) };
}

/** The list object around items. */
export function listBody(
  { resource }: ApiRequest,
  objects: readonly KubeObject[],
  metadata: JsonObject,
): Json {
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata,
    items: objects.map((object) => without(object, "kind", "apiVersion")),
  };
}

function pageKey(object: KubeObject): string {
  return `${namespaceOf(object)}/${object.metadata.name}`;
}

function writeToken(version: number, after: string): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: version, start: after })).toString(
    "base64url",
  );
}

function readToken(text: string): { version: number; after: string } | undefined {
  if (text === "") return undefined;
  try {
    const token: Json = JSON.parse(Buffer.from(text, "base64url").toString());
    const version = numberAt(token, "rv");
    if (version !== undefined) return { version, after: stringAt(token, "start") };
  } catch {
    // Falls through to the refusal: what cannot be read is not a token of ours.
  }
  throw badRequest(`continue key is not valid: ${text}`);
}

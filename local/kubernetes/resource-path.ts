import { type Resource, resources } from "./resource-table.ts";

/** What a request path names. `namespace` is undefined where the path has none, empty where it is given empty. */
export interface ResourcePath {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string;
}

/**
 * Reads `/api/v1/…` and `/apis/GROUP/VERSION/…`; undefined for every other path and for kinds that are not served.
 * As on the real server a trailing slash changes nothing: `…/networkpolicies/` is the collection and `/namespaces/x/`
 * the namespace itself, which is what an empty or dotted name in a client ends up as.
 */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const parts = path
    .replace(/^\/+|\/+$/g, "")
    .split("/")
    .map(decoded);
  if (parts.some((part) => part.includes("/"))) return undefined;
  const [root, ...afterRoot] = parts;
  const [group, version, rest] =
    root === "api"
      ? ["", afterRoot[0], afterRoot.slice(1)]
      : root === "apis"
        ? [afterRoot[0], afterRoot[1], afterRoot.slice(2)]
        : [undefined, undefined, []];
  const scoped = rest[0] === "namespaces" && rest.length > 2;
  // `namespaces/x/status` is a subresource of the namespace, `namespaces/x/pods` a collection inside it.
  const inside = scoped && !(group === "" && rest[2] === "status");
  const [plural, name, subresource = "", ...more] = inside ? rest.slice(2) : rest;
  const resource = resources.find(
    (row) => row.group === group && row.version === version && row.plural === plural,
  );
  if (resource === undefined || more.length > 0) return undefined;
  if (inside && !resource.namespaced) return undefined;
  if (!inside && resource.namespaced && name !== undefined) return undefined;
  if (subresource !== "" && !resource.subresources.some((known) => known === subresource)) return undefined;
  return { resource, namespace: inside ? rest[1] : undefined, name, subresource };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

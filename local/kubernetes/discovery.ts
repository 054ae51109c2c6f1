import type { Json, JsonObject } from "./json-value.ts";
import { type Resource, resources } from "./resource-table.ts";

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** The answer for a path of discovery, version or health; undefined for every other path. */
export function discover(path: string): Json | undefined {
  if (path === "/version") return { major: "1", minor: "36", gitVersion: "v1.36.2", platform: "linux/amd64" };
  if (path === "/readyz" || path === "/livez" || path === "/healthz") return "ok";
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"] };
  if (path === "/apis") {
    return { kind: "APIGroupList", apiVersion: "v1", groups: [...new Map(named().map(groupOf)).values()] };
  }
  if (path === "/api/v1") return resourceList("v1", (resource) => resource.group === "");
  const [, group, version] = /^\/apis\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  const known = resources.some((resource) => resource.group === group && resource.version === version);
  return known ? resourceList(`${group}/${version}`, (resource) => resource.group === group) : undefined;
}

function named(): Resource[] {
  return resources.filter((resource) => resource.group !== "");
}

function groupOf({ group, version }: Resource): [string, JsonObject] {
  const groupVersion = { groupVersion: `${group}/${version}`, version };
  return [group, { name: group, versions: [groupVersion], preferredVersion: groupVersion }];
}

function resourceList(groupVersion: string, belongs: (resource: Resource) => boolean): Json {
  const rows = resources.filter(belongs).flatMap((resource) => {
    const common = { singularName: resource.kind.toLowerCase(), namespaced: resource.namespaced };
    const own = { name: resource.plural, ...common, kind: resource.kind, verbs };
    const parts = resource.subresources.map((part) => ({
      ...common,
      name: `${resource.plural}/${part}`,
      kind: resource.kind,
      verbs: ["get", "patch", "update"],
      ...(part === "scale" ? { kind: "Scale", group: "autoscaling", version: "v1" } : {}),
      ...(["exec", "attach", "portforward"].includes(part) ? { verbs: ["create", "get"] } : {}),
      ...(part === "eviction" ? { kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] } : {}),
    }));
    return [own, ...parts];
  });
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: rows };
}

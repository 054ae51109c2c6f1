import type { Json, JsonObject } from "./json-value.ts";
import { resources as all, type Resource } from "./resource-table.ts";

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** The answer for a path of discovery, version or health; undefined for every other path. */
export function discover(path: string, isServed: (resource: Resource) => boolean): Json | undefined {
  const resources = all.filter(isServed);
  if (path === "/version") return { major: "1", minor: "36", gitVersion: "v1.36.2", platform: "linux/amd64" };
  if (path === "/readyz" || path === "/livez" || path === "/healthz") return "ok";
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"] };
  if (path === "/apis") {
    return {
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: [...new Map(resources.filter(({ group }) => group !== "").map(groupOf)).values()],
    };
  }
  if (path === "/api/v1")
    return resourceList(
      "v1",
      resources.filter(({ group }) => group === ""),
    );
  const [, group, version] = /^\/apis\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  const known = resources.some((resource) => resource.group === group && resource.version === version);
  return known
    ? resourceList(
        `${group}/${version}`,
        resources.filter((resource) => resource.group === group),
      )
    : undefined;
}

function groupOf({ group, version }: Resource): [string, JsonObject] {
  const groupVersion = { groupVersion: `${group}/${version}`, version };
  return [group, { name: group, versions: [groupVersion], preferredVersion: groupVersion }];
}

function resourceList(groupVersion: string, resources: readonly Resource[]): Json {
  const rows = resources.flatMap((resource) => {
    const common = { singularName: resource.kind.toLowerCase(), namespaced: resource.namespaced };
    const own = { name: resource.plural, ...common, kind: resource.kind, verbs };
    const parts = resource.subresources.map((part) => ({
      ...common,
      name: `${resource.plural}/${part}`,
      kind: resource.kind,
      verbs: ["get", "patch", "update"],
      ...(part === "scale" ? { kind: "Scale", group: "autoscaling", version: "v1" } : {}),
      ...(part === "log" ? { verbs: ["get"] } : {}),
      ...(["exec", "attach", "portforward"].includes(part) ? { verbs: ["create", "get"] } : {}),
      ...(part === "eviction" ? { kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] } : {}),
    }));
    return [own, ...parts];
  });
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: rows };
}

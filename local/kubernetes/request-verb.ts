import type { RawRequest } from "./api-server.ts";
import { sessions } from "./pod-sessions.ts";
import type { ResourcePath } from "./resource-path.ts";

/** An eviction is only ever created, below the pod that it ends; a log is only ever read; a session is asked for in two ways. */
function verbBelow(subresource: string, method: string): string {
  if (method === "POST") return subresource === "log" ? "" : "create";
  return method === "GET" && subresource !== "eviction" ? "get" : "";
}

/** The verb of access rules that a request asks for; empty where there is none of that method. */
export function verbOf(
  { method, query }: Pick<RawRequest, "method" | "query">,
  { name, subresource }: ResourcePath,
): string {
  const one = name !== undefined && name !== "";
  if (["eviction", "log", ...sessions].includes(subresource))
    return one ? verbBelow(subresource, method) : "";
  if (method === "GET" && one) return "get";
  if (method === "GET") return query.get("watch") === "true" || query.get("watch") === "1" ? "watch" : "list";
  if (method === "DELETE") return one ? "delete" : "deletecollection";
  if (method === "POST" && !one) return "create";
  if (method === "PUT" && one) return "update";
  if (method === "PATCH" && one) return "patch";
  return "";
}

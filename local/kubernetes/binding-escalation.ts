import { isAllowed, type PolicyRule } from "./access-rules.ts";
import type { ResourcePath } from "./resource-path.ts";
import { forbidden, type StatusError } from "./status-error.ts";

const group = "rbac.authorization.k8s.io";
const writing = ["create", "update", "patch"];

/**
 * The 403 of who writes a binding without being allowed to bind: the API server asks so of every change, an annotation
 * or fewer subjects too, and of no deletion (measured). Left out: who holds all the rights of the role may, and anybody
 * may change finalizers and owners.
 */
export function bindingRefused(
  rules: readonly PolicyRule[] | undefined,
  user: string,
  verb: string,
  { resource, namespace = "", name = "" }: ResourcePath,
): StatusError | undefined {
  if (resource.group !== group || !resource.plural.endsWith("bindings") || !writing.includes(verb)) return;
  const roles = ["clusterroles", "roles"].map((plural) => ({
    verb: "bind",
    group,
    resource: plural,
    subresource: "",
    namespace,
    name: "",
  }));
  if (roles.some((access) => isAllowed(rules, access))) return;
  const why = `user "${user}" is attempting to grant RBAC permissions not currently held`;
  return forbidden(resource, name, why);
}

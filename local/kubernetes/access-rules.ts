import type { Resource } from "./resource-table.ts";
import { forbidden, StatusError } from "./status-error.ts";

/**
 * One rule of a Role or ClusterRole as it is bound to the token's user: `*` is a wildcard, subresources are written
 * `deployments/scale`, `namespaces` limits the rule as a RoleBinding in these namespaces would.
 */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly namespaces?: readonly string[] | undefined;
  readonly resourceNames?: readonly string[] | undefined;
}

/** What a request asks to do; empty name or namespace means "any". */
export interface AccessRequest {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/** The user that the right token stands for. */
export const tokenUser = "system:serviceaccount:defender-reflex:reflex";

/** The user of a request without credentials. */
export const anonymousUser = "system:anonymous";

/** True where a rule allows the request; undefined rules allow everything. */
export function isAllowed(rules: readonly PolicyRule[] | undefined, request: AccessRequest): boolean {
  if (rules === undefined) return true;
  const resource =
    request.subresource === "" ? request.resource : `${request.resource}/${request.subresource}`;
  const has = (list: readonly string[], value: string) => list.includes("*") || list.includes(value);
  return rules.some(
    (rule) =>
      has(rule.apiGroups, request.group) &&
      (has(rule.resources, resource) || rule.resources.includes(`*/${request.subresource}`)) &&
      has(rule.verbs, request.verb) &&
      (rule.namespaces === undefined || rule.namespaces.includes(request.namespace)) &&
      // A request without a name (a list, deletecollection, create) is never covered by named rules.
      (rule.resourceNames === undefined || rule.resourceNames.includes(request.name)),
  );
}

/** The 403 of a request that no rule allows, worded as the server does. */
export function accessDenied(user: string, resource: Resource, request: AccessRequest): StatusError {
  const what = request.subresource === "" ? request.resource : `${request.resource}/${request.subresource}`;
  const where = request.namespace === "" ? "at the cluster scope" : `in the namespace "${request.namespace}"`;
  const why = `User "${user}" cannot ${request.verb} resource "${what}" in API group "${request.group}" ${where}`;
  return forbidden(resource, request.name, why);
}

/** The 403 of a path that is no resource. */
export function pathDenied(user: string, verb: string, path: string): StatusError {
  return new StatusError(403, "Forbidden", `forbidden: User "${user}" cannot ${verb} path "${path}"`, {});
}

import type { KubernetesPermission } from "../model/playbook.ts";

/** `patch` says which fields change and can be conditional; `update` writes the whole object. The last three make roles. */
const VERBS = ["deletecollection", "update", "escalate", "bind", "impersonate"];

/** With these somebody becomes another, or gets into what runs. */
const RESOURCES = [
  "secrets",
  "serviceaccounts/token",
  "pods/exec",
  "pods/attach",
  "pods/portforward",
  "pods/proxy",
  "services/proxy",
  "nodes/proxy",
];

/** Why no playbook may ask for a right; null where it may. */
export function tooWide(permission: KubernetesPermission): string | null {
  const { apiGroup, resource, verbs, resourceNames, namespace } = permission;
  const words = [apiGroup, resource, ...verbs, ...(resourceNames ?? []), namespace ?? ""];
  if (words.some((word) => word.includes("*"))) return `a wildcard on ${resource}`;
  const verb = verbs.find((one) => VERBS.includes(one));
  if (verb !== undefined) return `${verb} ${resource}`;
  if (RESOURCES.some((one) => resource === one || resource.startsWith(`${one}/`))) return resource;
  // To the API server an empty list means every object, and an empty namespace is none.
  if (resourceNames?.length === 0) return `an empty list of names on ${resource}`;
  if (namespace === "") return `an empty namespace on ${resource}`;
  return null;
}

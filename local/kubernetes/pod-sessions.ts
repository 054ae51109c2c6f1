// The stand-in opens no sessions. The meaning of reflex-deny-exec: none is opened into a pod that its list names. The
// namespaceSelector of its binding is not looked at.
import { parameterOf } from "./admission-params.ts";
import type { ApiRequest } from "./api-request.ts";
import { objectAt } from "./json-value.ts";
import { resourceNamed } from "./resource-table.ts";
import { badRequest, notFound, StatusError } from "./status-error.ts";

const policyName = "reflex-deny-exec";

/** The subresources of a pod through which somebody gets into it. */
export const sessions: readonly string[] = ["exec", "attach", "portforward"];

/**
 * Refuses to open a session: 404 without the pod, 422 with the policy's message where the list names it, else what the
 * API server says of a pod that runs on no node.
 */
export function refuseSession({ store, resource, namespace = "", name }: ApiRequest): never {
  const pod = store.get(resource, namespace, name);
  if (pod === undefined) throw notFound(resource, name);
  const binding = store.get(resourceNamed("validatingadmissionpolicybindings"), "", policyName);
  const policy = store.get(resourceNamed("validatingadmissionpolicies"), "", policyName);
  const list = policy === undefined || binding === undefined ? null : parameterOf(store, policy, binding);
  // The policy ignores a failure: where nothing can be told, nothing is denied.
  const entries = typeof list === "string" ? {} : objectAt(list ?? {}, "spec", "entries");
  if (Object.hasOwn(entries, `${namespace}.${name}`)) {
    const why = `ValidatingAdmissionPolicy '${policyName}' with binding '${policyName}' denied request: reflex-denied-session: ${namespace}/${name}`;
    throw new StatusError(422, "Invalid", `pods "${name}" is forbidden: ${why}`, {});
  }
  throw badRequest(`pod ${name} does not have a host assigned`);
}

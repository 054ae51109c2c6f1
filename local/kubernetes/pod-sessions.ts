// The stand-in opens no sessions and does not run CEL: it applies the meaning of the admission policy reflex-deny-exec,
// where policy, binding and list are in place. Its namespaceSelector is not looked at.
import type { ApiRequest } from "./api-request.ts";
import { objectAt, stringAt } from "./json-value.ts";
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
  const list = objectAt(binding, "spec", "paramRef");
  const held = store.get(resourceNamed("configmaps"), stringAt(list, "namespace"), stringAt(list, "name"));
  const denied = Object.hasOwn(objectAt(held, "data"), `${namespace}.${name}`);
  if (policy !== undefined && binding !== undefined && denied) {
    const why = `ValidatingAdmissionPolicy '${policyName}' with binding '${policyName}' denied request: reflex-denied-session: ${namespace}/${name}`;
    throw new StatusError(422, "Invalid", `pods "${name}" is forbidden: ${why}`, {});
  }
  throw badRequest(`pod ${name} does not have a host assigned`);
}

import { stringAt } from "./json-value.ts";
import type { KubeObject } from "./kube-object.ts";
import { apiVersionOf, type Resource } from "./resource-table.ts";
import { badRequest } from "./status-error.ts";

/** One `field=value` or `field!=value`. */
export interface FieldTerm {
  readonly field: string;
  readonly value: string;
  readonly negated: boolean;
}

const common = ["metadata.name", "metadata.namespace"];
const special: Readonly<Record<string, readonly string[]>> = {
  pods: ["spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"],
  namespaces: ["status.phase"],
  nodes: ["spec.unschedulable"],
  events: [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "reason",
    "type",
  ],
};

/** Reads a field selector; a field that the kind does not index is 400, never an empty list. */
export function parseFieldSelector(text: string, resource: Resource): FieldTerm[] {
  if (text === "") return [];
  return text.split(",").map((part) => {
    const [, field = "", operator = "", value = ""] = /^([^=!]+)(==|=|!=)(.*)$/.exec(part) ?? [];
    if (operator === "") throw badRequest(`invalid field selector: ${part}`);
    if (!common.includes(field) && !special[resource.plural]?.includes(field)) {
      // Measured: events are refused in another sentence.
      if (resource.plural === "events") throw badRequest(`field label not supported: ${field}`);
      const what = `${apiVersionOf(resource)}, Resource=${resource.plural}`;
      throw badRequest(
        `Unable to find "${what}" that match label selector "", field selector "${text}": field label not supported: ${field}`,
      );
    }
    return { field, value, negated: operator === "!=" };
  });
}

/** True where the object meets every term. */
export function matchesFields(terms: readonly FieldTerm[], object: KubeObject): boolean {
  return terms.every(
    ({ field, value, negated }) => (stringAt(object, ...field.split(".")) === value) !== negated,
  );
}

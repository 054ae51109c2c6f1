import type { ApiRequest, Written } from "./api-request.ts";
import { type JsonObject, numberAt, objectAt, stringAt } from "./json-value.ts";
import type { KubeObject } from "./kube-object.ts";
import { mapRequirements, type Requirement, requirementsOf } from "./label-selector.ts";
import type { Resource } from "./resource-table.ts";
import { invalid, invalidValue, staleVersion } from "./status-error.ts";
import { updateObject, wrongUid } from "./update-object.ts";

/**
 * The scale of an object (autoscaling/v1). At zero `spec` is `{}`: the field is left out, as on the real server, so a
 * JSON patch on /spec/replicas has no path to test or replace.
 */
export function scaleOf(resource: Resource, object: KubeObject): JsonObject {
  const { name, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = numberAt(object, "spec", "replicas") ?? 0;
  const selector = objectAt(object, "spec", "selector");
  // A ReplicationController selects by a bare map of labels, the others by a LabelSelector.
  const wanted = resource.group === "" ? mapRequirements(selector) : requirementsOf(selector);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      name,
      namespace: stringAt(object, "metadata", "namespace"),
      uid,
      resourceVersion,
      creationTimestamp,
    },
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: numberAt(object, "status", "replicas") ?? 0,
      selector: wanted.map(requirementText).join(","),
    },
  };
}

function requirementText({ key, operator, values }: Requirement): string {
  if (operator === "Exists") return key;
  if (operator === "DoesNotExist") return `!${key}`;
  if (operator === "In" && values.length === 1) return `${key}=${values[0]}`;
  return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})`;
}

/**
 * Writes a changed scale back: 409 for a stale resourceVersion and for another uid (a precondition here, not a field),
 * 422 for a negative number.
 */
export function updateScale(request: ApiRequest, live: KubeObject, next: JsonObject): Written {
  const { store, resource, manager, dryRun } = request;
  const { name, uid, resourceVersion } = live.metadata;
  const replicas = numberAt(next, "spec", "replicas") ?? 0;
  if (replicas < 0) {
    const cause = invalidValue("spec.replicas", replicas, "must be greater than or equal to 0");
    throw invalid({ group: "autoscaling", kind: "Scale" }, name, [cause]);
  }
  const givenUid = stringAt(next, "metadata", "uid");
  if (givenUid !== "" && givenUid !== uid) throw wrongUid(resource, name, givenUid, uid);
  const version = stringAt(next, "metadata", "resourceVersion");
  if (version !== "" && version !== resourceVersion) throw staleVersion(resource, name);

  const changed = { ...live, spec: { ...objectAt(live, "spec"), replicas } };
  const by = { manager, operation: "Update", subresource: "scale" } as const;
  const { warnings } = updateObject(store, resource, live, changed, { by, form: "patch", dryRun });
  const stored = dryRun
    ? changed
    : (store.get(resource, stringAt(live, "metadata", "namespace"), name) ?? live);
  return { object: scaleOf(resource, stored), warnings };
}

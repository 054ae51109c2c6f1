import { objectAt, sameJson, stringAt } from "./json-value.ts";
import type { KubeObject } from "./kube-object.ts";
import type { Resource } from "./resource-table.ts";

const key = "deprecated.daemonset.template.generation";

/** A DaemonSet with the annotation in which the server itself counts its templates, whatever a client says of it. */
export function withTemplateGeneration(
  resource: Resource,
  old: KubeObject | undefined,
  next: KubeObject,
): KubeObject {
  if (resource.plural !== "daemonsets") return next;
  const before = Number(stringAt(old, "metadata", "annotations", key) || "0");
  const isSame =
    old !== undefined && sameJson(objectAt(old, "spec", "template"), objectAt(next, "spec", "template"));
  const annotations = {
    ...objectAt(next, "metadata", "annotations"),
    [key]: String(isSame ? before : before + 1),
  };
  return { ...next, metadata: { ...next.metadata, annotations } };
}

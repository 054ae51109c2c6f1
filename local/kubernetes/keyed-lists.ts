import { isObject, type Json } from "./json-value.ts";

const keys: Readonly<Record<string, readonly string[]>> = {
  containers: ["name"],
  initContainers: ["name"],
  ephemeralContainers: ["name"],
  env: ["name"],
  volumes: ["name"],
  volumeMounts: ["mountPath"],
  volumeDevices: ["devicePath"],
  imagePullSecrets: ["name"],
  hostAliases: ["ip"],
  // Containers and services call the same field by different names.
  ports: ["containerPort", "port"],
  conditions: ["type"],
  addresses: ["type"],
  podIPs: ["ip"],
  taints: ["key"],
  ownerReferences: ["uid"],
  topologySpreadConstraints: ["topologyKey"],
  variables: ["name"],
  matchConditions: ["name"],
  webhooks: ["name"],
};

/**
 * The field by which entries of a list are told apart when lists merge, from the API's patchMergeKey and
 * list-map-keys marks. Undefined for a list that is replaced as a whole (NetworkPolicy ingress, tolerations, args).
 */
export function listKey(field: string, items: readonly Json[]): string | undefined {
  return keys[field]?.find((key) => items.length > 0 && items.every((item) => isObject(item) && key in item));
}

/** True for lists of plain values that merge as sets. */
export function isSetList(field: string): boolean {
  return field === "finalizers";
}

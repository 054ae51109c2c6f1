// The meaning of reflex-hold-workloads: a new object whose controlling owner is in the list of held workloads is denied,
// and so is one with too many owners to be looked through.
import { judge, worded } from "./admission-params.ts";
import { type Json, objectAt, stringAt, valueAt } from "./json-value.ts";
import { type KubeObject, labelsOf, namespaceOf, ownersOf } from "./kube-object.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Resource } from "./resource-table.ts";

const word = "reflex-held-workload";
const mostOwners = 100;
const longest = { kind: 63, apiVersion: 317, name: 253 };
const hashes = [
  ["pod-template-hash", "Deployment.apps"],
  ["rollouts-pod-template-hash", "Rollout.argoproj.io"],
] as const;

/** Denies a new object of a held workload, or gives texts for the `warning` header. */
export function checkHeld(store: ObjectStore, resource: Resource, object: KubeObject): string[] {
  return judge({ store, resource, object, old: undefined }, "reflex-hold-workloads", (list) => {
    const entries = objectAt(list, "spec", "entries");
    const tooMany = ownersOf(object).length > mostOwners;
    const held = tooMany ? [] : keysOf(object).filter((key) => Object.hasOwn(entries, key));
    return [
      ...(held.length > 0 ? [worded(`${word}: ${held.join(", ")}`, `${word}: its workload is held`)] : []),
      ...(tooMany && Object.keys(entries).length > 0
        ? [`${word}: more than ${mostOwners} owners of one object are not looked through`]
        : []),
    ];
  });
}

function keysOf(object: KubeObject): string[] {
  const owners = ownersOf(object)
    .filter((owner) => valueAt(owner, "controller") === true)
    .filter((owner) => Object.entries(longest).every(([key, most]) => stringAt(owner, key).length <= most));
  return owners.flatMap((owner) => [directKey(object, owner), ...hashedKeys(object, owner)]);
}

function directKey(object: KubeObject, owner: Json): string {
  const [group] = stringAt(owner, "apiVersion").includes("/")
    ? stringAt(owner, "apiVersion").split("/")
    : [""];
  const kind = `${stringAt(owner, "kind")}${group === "" ? "" : `.${group}`}`;
  return [namespaceOf(object), kind, stringAt(owner, "name")].join("_");
}

// A ReplicaSet's name is its owner's, a dash, and the hash that its pods bear as a label.
function hashedKeys(object: KubeObject, owner: Json): string[] {
  if (stringAt(owner, "kind") !== "ReplicaSet" || stringAt(owner, "apiVersion") !== "apps/v1") return [];
  return hashes.flatMap(([label, kind]) => {
    if (!Object.hasOwn(labelsOf(object), label)) return [];
    const ending = `-${stringAt(labelsOf(object), label)}`;
    const name = stringAt(owner, "name");
    return name.endsWith(ending)
      ? [[namespaceOf(object), kind, name.slice(0, -ending.length)].join("_")]
      : [];
  });
}

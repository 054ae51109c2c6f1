// As blocked-images.ts for the other admission policy that defender-reflex ships (reflex-hold-workloads): its meaning,
// not its expressions. Which kinds and namespaces are covered is read from the policy's resourceRules and the binding's
// namespaceSelector.
import { type Json, listAt, objectAt, stringAt, valueAt } from "./json-value.ts";
import { type KubeObject, labelsOf, namespaceOf, ownersOf } from "./kube-object.ts";
import { matchesLabels, requirementsOf } from "./label-selector.ts";
import type { ObjectStore } from "./object-store.ts";
import { type Resource, resourceNamed } from "./resource-table.ts";
import { forbidden, StatusError } from "./status-error.ts";

const policyName = "reflex-hold-workloads";
const word = "reflex-held-workload";
const hashes = [
  ["pod-template-hash", "Deployment.apps"],
  ["rollouts-pod-template-hash", "Rollout.argoproj.io"],
] as const;

/** Denies a new object whose controlling owner is in the list of held workloads: 422 with the policy's message. */
export function checkHeld(store: ObjectStore, resource: Resource, object: KubeObject): void {
  const policy = store.get(resourceNamed("validatingadmissionpolicies"), "", policyName);
  if (policy === undefined || !covers(policy, resource)) return;
  for (const binding of store.list(resourceNamed("validatingadmissionpolicybindings"))) {
    if (stringAt(binding, "spec", "policyName") !== policyName) continue;
    if (selectsNamespace(store, binding, namespaceOf(object))) judge(store, binding, resource, object);
  }
}

function covers(policy: KubeObject, resource: Resource): boolean {
  return listAt(policy, "spec", "matchConstraints", "resourceRules").some(
    (rule) =>
      listAt(rule, "apiGroups").includes(resource.group) &&
      listAt(rule, "resources").includes(resource.plural) &&
      listAt(rule, "operations").includes("CREATE"),
  );
}

function selectsNamespace(store: ObjectStore, binding: KubeObject, name: string): boolean {
  const namespace = store.get(resourceNamed("namespaces"), "", name);
  const selector = objectAt(binding, "spec", "matchResources", "namespaceSelector");
  return matchesLabels(requirementsOf(selector), namespace === undefined ? {} : labelsOf(namespace));
}

function judge(store: ObjectStore, binding: KubeObject, resource: Resource, object: KubeObject): void {
  const [namespace, name] = ["namespace", "name"].map((key) => stringAt(binding, "spec", "paramRef", key));
  const list = store.get(resourceNamed("configmaps"), namespace ?? "", name ?? "");
  const data = objectAt(list, "data");
  const held = keysOf(object).filter((key) => Object.hasOwn(data, key));
  if (held.length === 0) return;
  const whose = `ValidatingAdmissionPolicy '${policyName}' with binding '${binding.metadata.name}'`;
  const message = `${whose} denied request: ${word}: ${held.join(", ")}`;
  throw new StatusError(422, "Invalid", forbidden(resource, object.metadata.name, message).message, {
    name: object.metadata.name,
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.plural,
    causes: [{ message }],
  });
}

function keysOf(object: KubeObject): string[] {
  const owners = ownersOf(object).filter((owner) => valueAt(owner, "controller") === true);
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

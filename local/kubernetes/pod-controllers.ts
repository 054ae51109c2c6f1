// A small, honest part of the controller manager, kubelet and scheduler: pods follow their owners, dependents follow a
// deleted owner. Left out: rolling updates in steps (a rollout is done at once), replacement of StatefulSet and
// DaemonSet pods on a template change, Job completion, CronJob schedules, endpoints.
import { createObject } from "./create-object.ts";
import { type JsonObject, objectAt, sameJson, stringAt, valueAt, without } from "./json-value.ts";
import {
  controllerOf,
  finalizersOf,
  isBeingDeleted,
  type KubeObject,
  labelsOf,
  namespaceOf,
  ownersOf,
} from "./kube-object.ts";
import { matchesLabels } from "./label-selector.ts";
import type { ObjectStore } from "./object-store.ts";
import { type PodOwner, podOwners, type WantedPod } from "./pod-owners.ts";
import { apiVersionOf, type Resource, resourceNamed } from "./resource-table.ts";
import { StatusError } from "./status-error.ts";
import { updateObject } from "./update-object.ts";

/** The manager under which controllers write. */
export const controllerManager = {
  manager: "kube-controller-manager",
  operation: "Update",
  subresource: "",
} as const;

const pods = resourceNamed("pods");
const jobFinalizer = "batch.kubernetes.io/job-tracking";

/** Brings the pods of every owner in a namespace to what the owners want. Returns nothing; writes only differences. */
export function reconcilePods(store: ObjectStore, namespace: string): void {
  for (const kind of podOwners) {
    const resource = resourceNamed(kind.plural);
    for (const owner of store.list(resource, namespace)) {
      if (!isBeingDeleted(owner)) reconcileOwner(store, resource, kind, owner);
    }
  }
}

function reconcileOwner(store: ObjectStore, resource: Resource, kind: PodOwner, owner: KubeObject): void {
  const namespace = namespaceOf(owner);
  const selector = kind.selector(owner);
  for (const pod of store.list(pods, namespace)) {
    const matches = matchesLabels(selector, labelsOf(pod));
    const mine = controllerOf(pod) === owner.metadata.uid;
    if (mine && !matches) release(store, owner, pod);
    else if (mine && isBeingDeleted(pod) && finalizersOf(pod).includes(jobFinalizer)) letEnd(store, pod);
    if (!mine && matches && controllerOf(pod) === "" && kind.takes(owner, pod))
      adopt(store, resource, owner, pod);
  }
  const surplus = kind.surplus(store, owner, activePods(store, owner));
  for (const pod of surplus) store.remove(pods, pod);
  const failure = createMissing(store, resource, kind, owner);
  writeStatus(store, resource, owner, failure);
}

function activePods(store: ObjectStore, owner: KubeObject): KubeObject[] {
  const mine = store
    .list(pods, namespaceOf(owner))
    .filter((pod) => controllerOf(pod) === owner.metadata.uid && !isBeingDeleted(pod))
    .filter((pod) => !["Succeeded", "Failed"].includes(stringAt(pod, "status", "phase")));
  return store.byAge(mine);
}

function release(store: ObjectStore, owner: KubeObject, pod: KubeObject): void {
  const ownerReferences = ownersOf(pod).filter(
    (reference) => stringAt(reference, "uid") !== owner.metadata.uid,
  );
  const kept = finalizersOf(pod).filter((name) => name !== jobFinalizer);
  const metadata = {
    ...without(pod.metadata, "ownerReferences", "finalizers"),
    ...(ownerReferences.length > 0 ? { ownerReferences } : {}),
    ...(kept.length > 0 ? { finalizers: kept } : {}),
  };
  updateObject(store, pods, pod, { ...pod, metadata }, { by: controllerManager, form: "patch" });
}

// A Job has counted its pod that was deleted, and lets go of it.
function letEnd(store: ObjectStore, pod: KubeObject): void {
  const finalizers = finalizersOf(pod).filter((name) => name !== jobFinalizer);
  const next = { ...pod, metadata: { ...pod.metadata, finalizers } };
  updateObject(store, pods, pod, next, { by: controllerManager, form: "patch" });
}

function adopt(store: ObjectStore, resource: Resource, owner: KubeObject, pod: KubeObject): void {
  const ownerReferences = [...ownersOf(pod), ownerReference(resource, owner)];
  const next = { ...pod, metadata: { ...pod.metadata, ownerReferences } };
  updateObject(store, pods, pod, next, { by: controllerManager, form: "patch" });
}

/** The reference by which an object says that this owner controls it. */
export function ownerReference(resource: Resource, owner: KubeObject): JsonObject {
  const { name, uid } = owner.metadata;
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

// The first refusal is told in the owner's status, as the real controllers do.
function createMissing(store: ObjectStore, resource: Resource, kind: PodOwner, owner: KubeObject): string {
  for (const wanted of kind.missing(store, owner, activePods(store, owner))) {
    // A quarantined pod keeps its name: that ordinal of a StatefulSet stays down.
    if (store.get(pods, namespaceOf(owner), wanted.name) !== undefined) continue;
    try {
      createPod(store, resource, owner, wanted);
    } catch (error) {
      if (error instanceof StatusError) return error.message;
      throw error;
    }
  }
  return "";
}

function createPod(store: ObjectStore, resource: Resource, owner: KubeObject, wanted: WantedPod): void {
  const template = objectAt(owner, "spec", "template");
  const metadata = {
    ...objectAt(template, "metadata"),
    name: wanted.name,
    labels: { ...objectAt(template, "metadata", "labels"), ...wanted.labels },
    ownerReferences: [ownerReference(resource, owner)],
    ...(resource.plural === "jobs" ? { finalizers: [jobFinalizer] } : {}),
  };
  const open = store
    .list(resourceNamed("nodes"))
    .filter((one) => valueAt(one, "spec", "unschedulable") !== true);
  // A DaemonSet tolerates a cordon, and so names its node; a template that names one asks no scheduler.
  const named = stringAt(template, "spec", "nodeName");
  const node = wanted.node ?? (named === "" ? open[0]?.metadata.name : named);
  const spec = { ...objectAt(template, "spec"), ...(node === undefined ? {} : { nodeName: node }) };
  const { object } = createObject(
    store,
    pods,
    namespaceOf(owner),
    { metadata, spec },
    { by: controllerManager },
  );
  // Without a node that takes new pods nothing runs: the pod stays Pending.
  if (node === undefined) return;
  const conditions = ["Ready", "ContainersReady", "PodScheduled"].map((type) => ({ type, status: "True" }));
  const status = { ...objectAt(object, "status"), phase: "Running", podIP: podAddress(store), conditions };
  const by = { ...controllerManager, manager: "kubelet", subresource: "status" } as const;
  updateObject(store, pods, object, { ...object, status }, { by, form: "patch" });
}

function podAddress(store: ObjectStore): string {
  return `10.244.${Math.floor(store.version / 250) % 250}.${(store.version % 250) + 1}`;
}

function writeStatus(store: ObjectStore, resource: Resource, owner: KubeObject, failure: string): void {
  const count = activePods(store, owner).length;
  const old = objectAt(owner, "status");
  const generation = owner.metadata["generation"] ?? 1;
  const counts: Record<string, JsonObject> = {
    daemonsets: { currentNumberScheduled: count, numberReady: count, observedGeneration: generation },
    jobs: count === 0 ? {} : { active: count },
  };
  const status = {
    ...without(old, "active", "readyReplicas", "availableReplicas", "conditions"),
    ...(counts[resource.plural] ?? {
      replicas: count,
      ...(count === 0 ? {} : { readyReplicas: count, availableReplicas: count }),
      observedGeneration: generation,
    }),
    ...withCondition(old, failure),
  };
  if (sameJson(status, old)) return;
  const by = { ...controllerManager, subresource: "status" } as const;
  updateObject(store, resource, owner, { ...owner, status }, { by, form: "patch" });
}

/** The conditions of a status with ReplicaFailure set for a failure and taken off without one. */
export function withCondition(status: JsonObject, failure: string): JsonObject {
  const given = status["conditions"];
  const others = (Array.isArray(given) ? given : []).filter(
    (one) => stringAt(one, "type") !== "ReplicaFailure",
  );
  const failed = { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: failure };
  const conditions = failure === "" ? others : [...others, failed];
  return conditions.length === 0 ? {} : { conditions };
}

import { createHash } from "node:crypto";
import { createObject } from "./create-object.ts";
import { type JsonObject, listAt, numberAt, objectAt, sameJson, stringAt, without } from "./json-value.ts";
import { controllerOf, isBeingDeleted, type KubeObject, namespaceOf } from "./kube-object.ts";
import type { ObjectStore } from "./object-store.ts";
import { controllerManager, ownerReference, withCondition } from "./pod-controllers.ts";
import { resourceNamed } from "./resource-table.ts";
import { StatusError } from "./status-error.ts";
import { updateObject } from "./update-object.ts";

const deployments = resourceNamed("deployments");
const replicaSets = resourceNamed("replicasets");
const hashLabel = "pod-template-hash";

/**
 * Every Deployment of a namespace keeps one ReplicaSet of its template at its number and all older ones at zero; a
 * ReplicaSet that somebody scaled is put back.
 */
export function reconcileDeployments(store: ObjectStore, namespace: string): void {
  for (const deployment of store.list(deployments, namespace)) {
    if (isBeingDeleted(deployment)) continue;
    const owned = store
      .list(replicaSets, namespace)
      .filter((set) => controllerOf(set) === deployment.metadata.uid && !isBeingDeleted(set));
    const current = owned.find((set) => sameJson(bareTemplate(set), bareTemplate(deployment)));
    for (const set of owned) if (set !== current) scaleSet(store, set, 0);
    const replicas = numberAt(deployment, "spec", "replicas") ?? 1;
    const failure = current === undefined ? createSet(store, deployment, replicas) : "";
    if (current !== undefined) scaleSet(store, current, replicas);
    writeStatus(store, deployment, failure);
  }
}

function bareTemplate(owner: KubeObject): JsonObject {
  const template = objectAt(owner, "spec", "template");
  const metadata = objectAt(template, "metadata");
  const labels = without(objectAt(metadata, "labels"), hashLabel);
  return { ...template, metadata: { ...without(metadata, "creationTimestamp"), labels } };
}

function scaleSet(store: ObjectStore, set: KubeObject, replicas: number): void {
  if (numberAt(set, "spec", "replicas") === replicas) return;
  const next = { ...set, spec: { ...objectAt(set, "spec"), replicas } };
  updateObject(store, replicaSets, set, next, { by: controllerManager, form: "patch" });
}

function createSet(store: ObjectStore, deployment: KubeObject, replicas: number): string {
  const template = objectAt(deployment, "spec", "template");
  const hash = templateHash(bareTemplate(deployment));
  const labels = { ...objectAt(template, "metadata", "labels"), [hashLabel]: hash };
  const selector = objectAt(deployment, "spec", "selector");
  const body = {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      labels,
      ownerReferences: [ownerReference(deployments, deployment)],
    },
    spec: {
      replicas,
      selector: { ...selector, matchLabels: { ...objectAt(selector, "matchLabels"), [hashLabel]: hash } },
      template: { ...template, metadata: { ...objectAt(template, "metadata"), labels } },
    },
  };
  if (store.get(replicaSets, namespaceOf(deployment), body.metadata.name) !== undefined) return "";
  try {
    createObject(store, replicaSets, namespaceOf(deployment), body, { by: controllerManager });
    return "";
  } catch (error) {
    if (error instanceof StatusError) return error.message;
    throw error;
  }
}

function templateHash(template: JsonObject): string {
  const alphabet = "bcdfghjklmnpqrstvwxz2456789";
  const digest = createHash("sha256").update(JSON.stringify(template)).digest();
  return Array.from(digest.subarray(0, 10), (byte) => alphabet[byte % alphabet.length]).join("");
}

function writeStatus(store: ObjectStore, deployment: KubeObject, failure: string): void {
  const owned = store
    .list(replicaSets, namespaceOf(deployment))
    .filter((set) => controllerOf(set) === deployment.metadata.uid);
  const count = owned.reduce((sum, set) => sum + (numberAt(set, "status", "replicas") ?? 0), 0);
  const failed = owned
    .flatMap((set) => listAt(set, "status", "conditions"))
    .find((condition) => stringAt(condition, "type") === "ReplicaFailure");
  const old = objectAt(deployment, "status");
  const counts = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"];
  const status = {
    ...without(old, ...counts, "conditions"),
    ...(count === 0 ? {} : Object.fromEntries(counts.map((name) => [name, count]))),
    observedGeneration: deployment.metadata["generation"] ?? 1,
    ...withCondition(old, failure || stringAt(failed, "message")),
  };
  if (sameJson(status, old)) return;
  const by = { ...controllerManager, subresource: "status" } as const;
  updateObject(store, deployments, deployment, { ...deployment, status }, { by, form: "patch" });
}

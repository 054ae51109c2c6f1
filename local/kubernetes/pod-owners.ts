import { nameSuffix } from "./create-object.ts";
import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt, valueAt } from "./json-value.ts";
import type { KubeObject } from "./kube-object.ts";
import { mapRequirements, matchesLabels, type Requirement, requirementsOf } from "./label-selector.ts";
import type { ObjectStore } from "./object-store.ts";
import { resourceNamed } from "./resource-table.ts";

/** A pod that an owner wants to have: its name, and labels and node beyond the template's. */
export interface WantedPod {
  readonly name: string;
  readonly labels?: JsonObject;
  readonly node?: string;
}

/** What one kind of owner does with its pods. */
export interface PodOwner {
  readonly plural: string;
  selector(owner: KubeObject): readonly Requirement[];
  /** True where a pod without an owner may be taken in. */
  takes(owner: KubeObject, pod: KubeObject): boolean;
  /** Which of its pods are too many; oldest first come in, newest are given up first. */
  surplus(store: ObjectStore, owner: KubeObject, pods: readonly KubeObject[]): KubeObject[];
  /** The pods that are missing. */
  missing(store: ObjectStore, owner: KubeObject, pods: readonly KubeObject[]): WantedPod[];
}

const labelSelector = (owner: KubeObject) => requirementsOf(objectAt(owner, "spec", "selector"));

function replicas(owner: KubeObject): number {
  return numberAt(owner, "spec", "replicas") ?? 1;
}

function counted(
  plural: string,
  want: (owner: KubeObject) => number,
  selector: PodOwner["selector"],
): PodOwner {
  return {
    plural,
    selector,
    takes: () => true,
    surplus: (_store, owner, pods) => pods.slice(want(owner)),
    missing: (store, owner, pods) =>
      Array.from({ length: Math.max(0, want(owner) - pods.length) }, (_unused, index) => ({
        name: `${owner.metadata.name}-${nameSuffix(store.version * 16 + index)}`,
      })),
  };
}

const statefulSet: PodOwner = {
  plural: "statefulsets",
  selector: labelSelector,
  takes: (owner, pod) => ordinalOf(owner, pod) !== undefined,
  surplus: (_store, owner, pods) => pods.filter((pod) => (ordinalOf(owner, pod) ?? 0) >= replicas(owner)),
  missing: (_store, owner, pods) =>
    Array.from({ length: replicas(owner) }, (_unused, ordinal) => `${owner.metadata.name}-${ordinal}`)
      .filter((name) => !pods.some((pod) => pod.metadata.name === name))
      .map((name) => ({ name, labels: { "statefulset.kubernetes.io/pod-name": name } })),
};

function ordinalOf(owner: KubeObject, pod: KubeObject): number | undefined {
  const prefix = `${owner.metadata.name}-`;
  const rest = pod.metadata.name.slice(prefix.length);
  return pod.metadata.name.startsWith(prefix) && /^\d+$/.test(rest) ? Number(rest) : undefined;
}

const daemonSet: PodOwner = {
  plural: "daemonsets",
  selector: labelSelector,
  takes: () => true,
  surplus: (store, owner, pods) => {
    const nodes = eligibleNodes(store, owner);
    return pods.filter((pod, index) => {
      const node = nodeOf(pod);
      return !nodes.includes(node) || pods.slice(0, index).some((older) => nodeOf(older) === node);
    });
  },
  missing: (store, owner, pods) =>
    eligibleNodes(store, owner)
      .filter((node) => !pods.some((pod) => nodeOf(pod) === node))
      .map((node, index) => ({
        name: `${owner.metadata.name}-${nameSuffix(store.version * 16 + index)}`,
        node,
      })),
};

function nodeOf(pod: KubeObject): string {
  return stringAt(pod, "spec", "nodeName");
}

function eligibleNodes(store: ObjectStore, owner: KubeObject): string[] {
  const wanted = mapRequirements(objectAt(owner, "spec", "template", "spec", "nodeSelector"));
  return store
    .list(resourceNamed("nodes"))
    .filter((node) => matchesLabels(wanted, objectAt(node, "metadata", "labels")))
    .map((node) => node.metadata.name);
}

// A suspended or finished Job wants no pods.
function activeJobPods(job: KubeObject): number {
  const over = listAt(job, "status", "conditions").some(
    (condition) =>
      ["Complete", "Failed"].includes(stringAt(condition, "type")) &&
      stringAt(condition, "status") === "True",
  );
  if (over || valueAt(job, "spec", "suspend") === true) return 0;
  return numberAt(job, "spec", "parallelism") ?? 1;
}

/** The kinds that own pods directly. */
export const podOwners: readonly PodOwner[] = [
  counted("replicasets", replicas, labelSelector),
  counted("replicationcontrollers", replicas, (owner) => {
    const selector = valueAt(owner, "spec", "selector");
    return mapRequirements(
      isObject(selector) ? selector : objectAt(owner, "spec", "template", "metadata", "labels"),
    );
  }),
  statefulSet,
  daemonSet,
  counted("jobs", activeJobPods, labelSelector),
];

import { Retryable } from "../model/errors.ts";
import {
  type Node,
  type Pod,
  WORKLOAD_KINDS,
  type Workload,
  type WorkloadKind,
} from "../model/kubernetes-objects.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import { type ClusterNames, mainClusterId } from "../model/main-cluster.ts";
import { type NamedHost, namedHost } from "../model/named-host.ts";
import type { Signal } from "../model/signal.ts";
import { type Target, type TargetKind, targetSchema } from "../model/target.ts";
import { PLAN_MS } from "./engine.ts";
import { namedObjectTarget } from "./named-object-target.ts";
import { signalIdentity } from "./signal-identity.ts";
import { within } from "./within.ts";

/** What a signal's entity turned out to be: the target of the wanted kind, or why there is none. */
export type Resolution =
  | { readonly outcome: "target"; readonly target: Target }
  /** It cannot be told for now; the entity as named stands in for it until it can. */
  | { readonly outcome: "later"; readonly target: Target; readonly reason: string }
  | { readonly outcome: "none"; readonly reason: string };

/** Opens a cluster; raises `Refused` where it is not configured. */
type Kubernetes = (cluster: string) => KubernetesReader;

const OWNER_DEPTH = 8;
const NODE_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/**
 * Finds the target of the kind that a playbook wants from the entity that the signal names (reads only): pod →
 * workload → digest, pod → node. Owners are followed by uid. Never guesses: what is not named or has gone gives `none` or the entity as named.
 * The cluster is folded to its main id here, before anything is kept by it. Reads take `planMs` at most.
 */
export async function resolve(
  signal: Signal,
  wanted: TargetKind,
  cluster: string | null,
  kubernetes: Kubernetes,
  clusters: readonly ClusterNames[],
  planMs = PLAN_MS,
): Promise<Resolution> {
  if (wanted === "alert") return found({ kind: "alert", id: signalIdentity(signal) });
  const its = signal.cluster === null ? null : mainClusterId(clusters, signal.cluster.resourceId);
  const where = cluster === null ? its : mainClusterId(clusters, cluster);
  if (where === null) return none("the signal names no cluster, and the rule names none for it");
  // The names in a signal about a registry are not those of the cluster that a rule adds.
  const own = its?.toLowerCase() === where.toLowerCase();
  const named = own ? signal : withoutPlace(signal);
  switch (wanted) {
    case "cluster":
      return found({ kind: "cluster", cluster: where });
    case "namespace":
      return named.namespace === null
        ? none("the signal names no namespace")
        : found({ kind: "namespace", cluster: where, name: named.namespace });
    case "node":
      return orLater(named, where, planMs, () => nodeOf(named, where, kubernetes), nodeAsNamed(named, where));
    case "pod":
      return named.namespace === null || named.pod === null
        ? none("the signal names no single pod")
        : found({ kind: "pod", cluster: where, namespace: named.namespace, name: named.pod });
    case "workload":
      return orLater(named, where, planMs, () => workloadOf(named, where, kubernetes));
    case "image":
      return orLater(named, where, planMs, () => imageOf(named, where, kubernetes));
    case "service-account":
      return accountOf(named, where, planMs, kubernetes);
    case "webhook":
    case "service":
    case "role-binding": {
      const target = namedObjectTarget(named.object, wanted, where);
      return target === null ? none(`the signal names no ${wanted}`) : found(target);
    }
  }
}

function withoutPlace(signal: Signal): Signal {
  return {
    ...signal,
    namespace: null,
    pod: null,
    workload: null,
    container: null,
    serviceAccount: null,
    object: null,
    entities: [],
  };
}

async function orLater(
  signal: Signal,
  cluster: string,
  planMs: number,
  find: () => Promise<Resolution>,
  target = asNamed(signal, cluster),
): Promise<Resolution> {
  try {
    return await within(planMs, "resolving the target", find());
  } catch (error) {
    if (!(error instanceof Retryable)) throw error;
    if (target === null) return none("the signal names nothing in the cluster");
    return isTarget(target) ? { outcome: "later", target, reason: error.message } : none(UNFIT);
  }
}

function asNamed(signal: Signal, cluster: string): Target | null {
  const { namespace, pod, workload, image, digest } = signal;
  if (namespace !== null && pod !== null) return { kind: "pod", cluster, namespace, name: pod };
  const workloadKind = knownKind(workload?.kind ?? "");
  if (namespace !== null && workload !== null && workloadKind !== null) {
    return { kind: "workload", cluster, namespace, workloadKind, name: workload.name };
  }
  return image === null && digest === null ? null : { kind: "image", cluster, reference: image, digest };
}

function nodeAsNamed(signal: Signal, cluster: string): Target | null {
  const { namespace, pod } = signal;
  if (namespace !== null && pod !== null) return { kind: "pod", cluster, namespace, name: pod };
  const name = namedHost(signal)?.name;
  return name === undefined ? null : { kind: "node", cluster, name };
}

/**
 * The node that runs the pod of the signal. Without a pod, the host that the signal names, if the cluster has a node of
 * that name on that machine: a container has a host name too, which it chooses itself.
 */
async function nodeOf(signal: Signal, cluster: string, kubernetes: Kubernetes): Promise<Resolution> {
  const { namespace, pod: podName } = signal;
  if (podName !== null) {
    if (namespace === null) return none("the signal names no namespace");
    const pod = await kubernetes(cluster).pod(namespace, podName);
    if (pod === null) return none(`pod ${namespace}/${podName} has gone, and with it where it ran`);
    if (isYounger(pod, signal)) return none(`pod ${namespace}/${podName} came back after the activity began`);
    if (pod.node === null) return none(`pod ${namespace}/${podName} is on no node`);
    return found({ kind: "node", cluster, name: pod.node });
  }
  const host = namedHost(signal);
  if (host === null) return none("the signal names no pod and no single host");
  const node = isHostName(host.name) ? await kubernetes(cluster).node(host.name) : null;
  if (node === null) return none("the signal names no pod, and a host that is no node of the cluster");
  return isOnMachine(node, host)
    ? found({ kind: "node", cluster, name: node.name })
    : none(`the signal names another machine than the one of node ${node.name}`);
}

/** What cannot be a node's name need not be asked for. */
function isHostName(name: string): boolean {
  return name.length <= 253 && NODE_NAME.test(name) && !name.includes("..");
}

/** Where both sides name a machine, it is the same one. */
function isOnMachine({ providerId }: Node, { machine }: NamedHost): boolean {
  const own = /^azure:\/\/(.+)$/.exec(providerId ?? "")?.[1];
  return machine === null || own === undefined || own.toLowerCase() === machine.toLowerCase();
}

async function workloadOf(signal: Signal, cluster: string, kubernetes: Kubernetes): Promise<Resolution> {
  const { namespace, pod: podName, workload } = signal;
  if (namespace === null) return none("the signal names no namespace");
  const reader = kubernetes(cluster);
  const pod = podName === null ? null : await reader.pod(namespace, podName);
  const start = pod === null ? await namedWorkload(signal, namespace, reader) : pod.controller;
  if (start === null) {
    // Named for who reads why nothing was done: what acts upon the pod itself is what is left.
    if (pod !== null) {
      return none(
        `pod ${namespace}/${pod.name} belongs to no workload: there is nothing to scale, and once the pod itself is ended nothing starts it again`,
      );
    }
    return none(
      workload === null ? "the pod has gone and the signal names no workload" : "the workload has gone",
    );
  }
  const top = await topOwner(start, namespace, reader);
  if (typeof top === "string") return none(top);
  return found({ kind: "workload", cluster, namespace, workloadKind: top.kind, name: top.name });
}

interface OwnerStep {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

async function namedWorkload(
  signal: Signal,
  namespace: string,
  kubernetes: KubernetesReader,
): Promise<OwnerStep | null> {
  const kind = knownKind(signal.workload?.kind ?? "");
  if (signal.workload === null || kind === null) return null;
  const workload = await kubernetes.workload(kind, namespace, signal.workload.name);
  return workload === null ? null : { kind, name: workload.name, uid: workload.uid };
}

/** Follows controllers upwards by uid, to the highest one whose kind we know; a sentence when the chain breaks. */
export async function topOwner(
  start: OwnerStep,
  namespace: string,
  kubernetes: KubernetesReader,
): Promise<Workload | string> {
  let step = start;
  let top: Workload | null = null;
  for (let depth = 0; depth < OWNER_DEPTH; depth++) {
    const kind = knownKind(step.kind);
    if (kind === null) {
      return top ?? `it is controlled by the ${step.kind} ${step.name}, which we do not know how to act upon`;
    }
    const workload = await kubernetes.workload(kind, namespace, step.name);
    if (workload === null || workload.uid !== step.uid)
      return top ?? `its ${step.kind} ${step.name} has gone`;
    top = workload;
    if (workload.controller === null) return top;
    step = workload.controller;
  }
  return "its chain of owners does not end";
}

/** The account that the signal names in full; else the one of its pod, as far as that is still the one. */
async function accountOf(
  signal: Signal,
  cluster: string,
  planMs: number,
  kubernetes: Kubernetes,
): Promise<Resolution> {
  const [, home, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(signal.serviceAccount ?? "") ?? [];
  if (home !== undefined && account !== undefined) {
    return found({ kind: "service-account", cluster, namespace: home, name: account });
  }
  const { namespace, pod: podName } = signal;
  if (namespace === null || podName === null)
    return none("the signal names no service account and no single pod");
  return orLater(signal, cluster, planMs, async () => {
    const pod = await kubernetes(cluster).pod(namespace, podName);
    if (pod === null) return none(`pod ${namespace}/${podName} has gone, and with it whose rights it had`);
    if (isYounger(pod, signal)) return none(`pod ${namespace}/${podName} came back after the activity began`);
    if (pod.serviceAccount === null) return none(`pod ${namespace}/${podName} has no service account`);
    return found({ kind: "service-account", cluster, namespace, name: pod.serviceAccount });
  });
}

function knownKind(kind: string): WorkloadKind | null {
  return WORKLOAD_KINDS.find((known) => known.toLowerCase() === kind.toLowerCase()) ?? null;
}

async function imageOf(signal: Signal, cluster: string, kubernetes: Kubernetes): Promise<Resolution> {
  const { image, digest, namespace, pod: podName } = signal;
  if (image === null && digest === null) return none("the signal names no image");
  // A finding names a repository inside a registry: without the registry's host it would be read as Docker Hub's.
  if (signal.kind === "finding") {
    return digest === null
      ? none("the finding names a repository of a registry and no digest")
      : found({ kind: "image", cluster, reference: null, digest });
  }
  if (digest !== null || namespace === null || podName === null) {
    return found({ kind: "image", cluster, reference: image, digest });
  }
  const reader = kubernetes(cluster);
  if (reader.pulls === true) return found({ kind: "image", cluster, reference: image, digest: null });
  // The tag may have moved since: what really runs is in the pod's status.
  const pod = await reader.pod(namespace, podName);
  const running = pod === null || isYounger(pod, signal) ? null : digestIn(pod, signal);
  return found({ kind: "image", cluster, reference: image, digest: running });
}

/** A pod that came back under its name may run what the tag means now. */
function isYounger(pod: Pod, { times }: Signal): boolean {
  return times.startedAt !== null && new Date(pod.createdAt) > new Date(times.startedAt);
}

function digestIn(pod: Pod, { container, image }: Signal): string | null {
  const byName = pod.containers.filter(({ name }) => name === container);
  // A container that now runs another image is not the one that the alert is about.
  const running = (byName.length > 0 ? byName : pod.containers).filter((one) => one.image === image);
  const digests = new Set(running.map(({ digest }) => digest));
  const [only] = digests;
  return digests.size === 1 ? (only ?? null) : null;
}

const UNFIT = "what the signal names is too long to be a target";

/** A target row is checked when it is read: what would not pass must not be written. */
function isTarget(target: Target): boolean {
  return targetSchema.safeParse(target).success;
}

function found(target: Target): Resolution {
  return isTarget(target) ? { outcome: "target", target } : none(UNFIT);
}

function none(reason: string): Resolution {
  return { outcome: "none", reason };
}

import { armSegments } from "../model/arm-id.ts";
import type { Namespace, Pod } from "../model/kubernetes-objects.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import { clusterIds } from "../model/main-cluster.ts";
import type { RuleAsItWas } from "../model/remediation.ts";
import type { Target } from "../model/target.ts";
import type { Engine } from "./engine.ts";
import { asksAzure, type ScopeFacts } from "./scope.ts";

/** What the guard judges by, read from the object as it is now. */
export interface TargetFacts extends ScopeFacts {
  readonly namespace: string | null;
  readonly name: string;
  /** Identity of the object; null where the target has none of its own. */
  readonly uid: string | null;
  readonly annotations: Readonly<Record<string, string>>;
  readonly namespaceAnnotations: Readonly<Record<string, string>>;
  readonly priorityClass: string | null;
  /** Namespaces in which somebody loses something without the target standing there: those of a binding's accounts, or of what a webhook asks. */
  readonly concerned?: readonly string[];
  /** ISO 8601; null where age says nothing (images, clusters). */
  readonly createdAt: string | null;
}

/**
 * Everything that the guard judges by: the target as it is now, and of Azure what the scopes ask for. Null: it has gone.
 * Raises what reading raises.
 */
export async function factsFor(
  engine: Engine,
  target: Target,
  rule: Pick<RuleAsItWas, "scope">,
): Promise<TargetFacts | null> {
  return withAzure(
    engine,
    target,
    rule,
    readFacts(target, engine.ports.read.kubernetes.bind(engine.ports.read)),
  );
}

/** As `factsFor`, of a pod of that cluster that has been read already, and the namespace around it. */
export function factsOfPod(
  engine: Engine,
  cluster: string,
  rule: Pick<RuleAsItWas, "scope">,
  { pod, around }: { readonly pod: Pod; readonly around: Namespace },
): Promise<TargetFacts> {
  const { namespace, name } = pod;
  const facts = Promise.resolve(ofObject(cluster, pod, around));
  return withAzure(engine, { kind: "pod", cluster, namespace, name }, rule, facts);
}

/** Adds what only Azure knows, as far as any scope asks for it, and the further ids of the cluster. */
async function withAzure<F extends TargetFacts | null>(
  engine: Engine,
  target: Target,
  rule: Pick<RuleAsItWas, "scope">,
  reading: Promise<F>,
): Promise<F> {
  const { scope, exceptions } = engine.configuration;
  const excepted = exceptions.flatMap(({ where }) => where ?? []);
  const asks = asksAzure([scope, rule.scope, { allow: [], deny: excepted }]);
  const [facts, tags, managementGroups] = await Promise.all([
    reading,
    asks.tags ? inAzure(target, (resource) => engine.azure.tags(resource)) : null,
    asks.groups ? inAzure(target, (_resource, id) => engine.azure.managementGroups(id)) : null,
  ]);
  if (facts === null) return facts;
  const [, ...aliases] = "cluster" in target ? clusterIds(engine.configuration.clusters, target.cluster) : [];
  return { ...facts, aliases, tags, managementGroups };
}

/** Asks Azure about the target's resource and subscription; null where it has none there. */
async function inAzure<T>(
  target: Target,
  ask: (resource: string, subscription: string) => Promise<T>,
): Promise<T | null> {
  const resource = "cluster" in target ? target.cluster : "";
  const [subscriptions, id] = armSegments(resource);
  return subscriptions === "subscriptions" && id !== undefined ? ask(resource, id) : null;
}

/**
 * What protects where the target itself has gone, since what was left around it is still taken back: its namespace,
 * if it is in one. Null: that has gone as well.
 */
export async function factsAround(
  engine: Engine,
  target: Target,
  rule: Pick<RuleAsItWas, "scope">,
): Promise<TargetFacts | null> {
  if (!("namespace" in target) || target.namespace === null) return null;
  const { cluster, namespace } = target;
  return factsFor(engine, { kind: "namespace", cluster, name: namespace }, rule);
}

/** Reads what the guard needs to know of a target in a cluster. Null: it has gone. Targets outside clusters have no facts: null too. */
export async function readFacts(
  target: Target,
  kubernetes: (cluster: string) => KubernetesReader,
): Promise<TargetFacts | null> {
  if (target.kind === "alert") return null;
  const reader = kubernetes(target.cluster);
  switch (target.kind) {
    case "pod":
      return placed(target, reader, reader.pod(target.namespace, target.name));
    case "workload":
      return placed(target, reader, reader.workload(target.workloadKind, target.namespace, target.name));
    case "service-account":
      return placed(target, reader, accountOrPlace(target, reader));
    case "service": {
      const service = reader.service(target.namespace, target.name);
      return placed(
        target,
        reader,
        service.then((one) => one && { ...one, priorityClass: null }),
      );
    }
    case "webhook":
      return factsOfWebhooks(target, reader);
    case "role-binding":
      return factsOfBinding(target, reader);
    case "namespace": {
      const namespace = await reader.namespace(target.name);
      return namespace === null
        ? null
        : {
            ...bare(target.cluster, target.name),
            uid: namespace.uid,
            labels: {},
            namespace: namespace.name,
            namespaceLabels: namespace.labels,
            namespaceAnnotations: namespace.annotations,
          };
    }
    case "node": {
      const node = await reader.node(target.name);
      if (node === null) return null;
      const { name, uid, labels, annotations, createdAt } = node;
      // No namespace's labels to inherit: its own are all.
      return { ...bare(target.cluster, name), uid, labels, annotations, createdAt, namespaceLabels: {} };
    }
    case "image":
      return bare(target.cluster, target.reference ?? target.digest ?? "");
    case "cluster":
      return bare(target.cluster, "");
  }
}

/** The facts of an object and of the namespace around it; null where one of both has gone. */
async function placed(
  { cluster, namespace }: { readonly cluster: string; readonly namespace: string },
  reader: KubernetesReader,
  reading: Promise<Read | null>,
): Promise<TargetFacts | null> {
  const [object, around] = await Promise.all([reading, reader.namespace(namespace)]);
  return object === null || around === null ? null : ofObject(cluster, object, around);
}

/** Half-way through being made anew an account is not there: then its place is what is judged. */
async function accountOrPlace(
  { namespace, name }: Extract<Target, { kind: "service-account" }>,
  reader: KubernetesReader,
): Promise<Read> {
  const account = await reader.serviceAccount(namespace, name);
  const absent = { namespace, name, uid: null, labels: {}, annotations: {}, createdAt: null };
  return { ...(account ?? absent), priorityClass: null };
}

/** It stands outside of all namespaces, but those in which somebody answers it concern it. */
async function factsOfWebhooks(
  { cluster, webhookKind, name }: Extract<Target, { kind: "webhook" }>,
  reader: KubernetesReader,
): Promise<TargetFacts | null> {
  const found = await reader.webhooks(webhookKind, name);
  if (found === null) return null;
  const facts = ofObject(cluster, { ...found, priorityClass: null }, { labels: {}, annotations: {} });
  const concerned = found.webhooks.flatMap(({ service }) => service?.namespace ?? []);
  return { ...facts, namespace: null, concerned };
}

/** A binding of the whole cluster has no namespace, but those of the accounts that it names concern it. */
async function factsOfBinding(
  target: Extract<Target, { kind: "role-binding" }>,
  reader: KubernetesReader,
): Promise<TargetFacts | null> {
  const { cluster, namespace, name } = target;
  const [binding, around] = await Promise.all([
    reader.roleBinding(namespace, name),
    namespace === null ? { labels: {}, annotations: {} } : reader.namespace(namespace),
  ]);
  if (binding === null || around === null) return null;
  const facts = ofObject(cluster, { ...binding, priorityClass: null }, around);
  return { ...facts, namespace, concerned: binding.subjects.flatMap((one) => one.namespace ?? []) };
}

type Read = Pick<
  TargetFacts,
  "annotations" | "createdAt" | "priorityClass" | "uid" | "name" | "namespace"
> & {
  readonly labels: Readonly<Record<string, string>>;
};

function ofObject(
  cluster: string,
  { namespace, name, uid, labels, annotations, createdAt, priorityClass }: Read,
  around: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  },
): TargetFacts {
  return {
    ...bare(cluster, name),
    namespace,
    uid,
    labels,
    annotations,
    createdAt,
    priorityClass,
    namespaceLabels: around.labels,
    namespaceAnnotations: around.annotations,
  };
}

function bare(cluster: string, name: string): TargetFacts {
  return {
    resource: cluster,
    namespace: null,
    name,
    uid: null,
    labels: null,
    annotations: {},
    namespaceLabels: null,
    namespaceAnnotations: {},
    tags: null,
    managementGroups: null,
    priorityClass: null,
    createdAt: null,
  };
}

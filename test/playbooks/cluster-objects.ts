import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { createKubernetes } from "../../src/clients/kubernetes/index.ts";
import type { Pod } from "../../src/model/kubernetes-objects.ts";
import type { ReadPorts, WritePorts } from "../../src/model/playbook.ts";
import { isPlatformNamespace } from "../../src/playbooks/platform-namespaces.ts";
import { createMemoryEvidence, type MemoryEvidence } from "../../src/store/memory-evidence.ts";

/** The cluster that the tests' targets name. */
export const CLUSTER =
  "/subscriptions/6f0e7c1a/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/prod";

/** The documents of one of the operator's manifests. */
export function manifest(file: string): Record<string, unknown>[] {
  const path = new URL(`../../infra/kubernetes/${file}`, import.meta.url);
  return parseAllDocuments(readFileSync(path, "utf8")).map(
    (document): Record<string, unknown> => document.toJS(),
  );
}

/** What the operator applies so that images can be blocked. */
export const blockListObjects = (): object[] =>
  ["1-admission-lists.yaml", "1-namespace.yaml", "2-blocked-images.yaml", "3-block-images.yaml"].flatMap(
    manifest,
  );

/** What the operator applies so that pods can be held to rules. */
export const podRuleObjects = (): object[] =>
  ["1-admission-lists.yaml", "1-namespace.yaml", "7-pod-rules.yaml"].flatMap(manifest);

/** What the operator applied with an earlier version: the list is a ConfigMap, and its policy fails closed. */
export function earlierBlockListObjects(): object[] {
  const [policy, binding] = manifest("3-block-images.yaml");
  const paramKind = { apiVersion: "v1", kind: "ConfigMap" };
  const metadata = { name: "reflex-blocked-images", namespace: "defender-reflex" };
  return [
    ...manifest("1-namespace.yaml"),
    { apiVersion: "v1", kind: "ConfigMap", metadata },
    { ...policy, spec: { ...Object(policy?.["spec"]), paramKind, failurePolicy: "Fail" } },
    { ...binding },
  ];
}

/** What the operator applies so that sessions can be denied. */
export const sessionListObjects = (): object[] =>
  ["1-admission-lists.yaml", "1-namespace.yaml", "8-deny-exec.yaml"].flatMap(manifest);

/** A running pod. */
export function pod(name: string, more: { metadata?: object; spec?: object } = {}): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "shop", name, labels: { app: "web" }, ...more.metadata },
    spec: { containers: [{ name: "web", image: "reg.example/shop/web:1" }], nodeName: "n1", ...more.spec },
    status: { phase: "Running" },
  };
}

/** A ready node that takes pods. */
export function node(name: string, more: { metadata?: object; spec?: object } = {}): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, ...more.metadata },
    spec: { providerID: `azure:///subscriptions/6f0e7c1a/virtualMachines/${name}`, ...more.spec },
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      addresses: [{ type: "InternalIP", address: "10.1.0.4" }],
      nodeInfo: { operatingSystem: "linux", osImage: "Azure Linux 3" },
    },
  };
}

/** A workload of a kind of the group apps that wants some pods. */
export function workload(kind: string, name: string, replicas: number, more: object = {}): object {
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { namespace: "shop", name, ...("metadata" in more ? (more.metadata ?? {}) : {}) },
    spec: {
      replicas,
      ...(kind === "StatefulSet" ? { serviceName: name } : {}),
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "web", image: "reg.example/shop/web:1" }] },
      },
      ...("spec" in more ? (more.spec ?? {}) : {}),
    },
  };
}

/** A network policy in the namespace of the pods. */
export function policy(name: string, spec: object, labels: Record<string, string> = {}): object {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { namespace: "shop", name, labels },
    spec,
  };
}

const kept = new WeakMap<KubernetesStandIn, MemoryEvidence>();

/** Where evidence of a stand-in is kept: one store for each. */
export function evidenceOf(cluster: KubernetesStandIn): MemoryEvidence {
  const evidence = kept.get(cluster) ?? createMemoryEvidence();
  kept.set(cluster, evidence);
  return evidence;
}

/** What the engine says of pods beside the target: here of the platform's namespaces alone. */
export function protects({ namespace }: Pick<Pod, "namespace">): Promise<string | null> {
  return Promise.resolve(isPlatformNamespace(namespace) ? `namespace ${namespace} is protected` : null);
}

/** The ports of a stand-in, whichever cluster is asked for. */
export function portsOf(cluster: KubernetesStandIn): WritePorts {
  const { reader, writer } = createKubernetes({ kubeconfigText: cluster.kubeconfig(), context: null });
  const evidence = evidenceOf(cluster);
  return {
    read: { kubernetes: () => reader, evidence, protects },
    write: { kubernetes: () => writer, evidence },
  };
}

/** The reading half. */
export function readPortsOf(cluster: KubernetesStandIn): ReadPorts {
  const { read } = portsOf(cluster);
  return { read };
}

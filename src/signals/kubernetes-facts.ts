import { WORKLOAD_KINDS } from "../model/kubernetes-objects.ts";
import type { Signal } from "../model/signal.ts";

/** What a record says about Kubernetes; each null where it does not say, or says it in a way nobody may act upon. */
export type KubernetesFacts = Pick<
  Signal,
  | "cluster"
  | "namespace"
  | "affectedNamespace"
  | "workload"
  | "pod"
  | "container"
  | "image"
  | "digest"
  | "serviceAccount"
  | "object"
>;

/** Facts of a record that says nothing about Kubernetes. */
export const NO_KUBERNETES: KubernetesFacts = {
  cluster: null,
  namespace: null,
  affectedNamespace: null,
  workload: null,
  pod: null,
  container: null,
  image: null,
  digest: null,
  serviceAccount: null,
  object: null,
};

/** A workload kind in any casing (`replicaset`, `K8s-deployment`) as Kubernetes writes it; null for other kinds. */
export function workloadKind(text: string | null): string | null {
  const name = text?.toLowerCase().replace(/^k8s-/, "");
  return WORKLOAD_KINDS.find((kind) => kind.toLowerCase() === name) ?? null;
}

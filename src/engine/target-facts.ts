import type { KubernetesReader } from "../model/kubernetes-port.ts";
import type { Target } from "../model/target.ts";

/** What the guard judges by, read from the object as it is now. */
export interface TargetFacts {
  readonly cluster: string;
  readonly namespace: string | null;
  readonly name: string;
  /** Identity of the object; null where the target has none of its own. */
  readonly uid: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly namespaceAnnotations: Readonly<Record<string, string>>;
  readonly priorityClass: string | null;
  /** ISO 8601; null where age says nothing (images, clusters). */
  readonly createdAt: string | null;
}

/** Reads what the guard needs to know of a target in a cluster. Null: it has gone. Targets outside clusters have no facts: null too. */
export async function readFacts(
  target: Target,
  kubernetes: (cluster: string) => KubernetesReader,
): Promise<TargetFacts | null> {
  if (target.kind === "alert") return null;
  const reader = kubernetes(target.cluster);
  switch (target.kind) {
    case "pod": {
      const [pod, around] = await Promise.all([
        reader.pod(target.namespace, target.name),
        reader.namespace(target.namespace),
      ]);
      return pod === null || around === null ? null : ofObject(target.cluster, pod, around);
    }
    case "workload": {
      const [workload, around] = await Promise.all([
        reader.workload(target.workloadKind, target.namespace, target.name),
        reader.namespace(target.namespace),
      ]);
      return workload === null || around === null ? null : ofObject(target.cluster, workload, around);
    }
    case "namespace": {
      const namespace = await reader.namespace(target.name);
      return namespace === null
        ? null
        : {
            ...bare(target.cluster, target.name),
            uid: namespace.uid,
            namespace: namespace.name,
            namespaceLabels: namespace.labels,
            namespaceAnnotations: namespace.annotations,
          };
    }
    case "node":
      return bare(target.cluster, target.name);
    case "image":
      return bare(target.cluster, target.reference ?? target.digest ?? "");
    case "cluster":
      return bare(target.cluster, "");
  }
}

type Read = Pick<
  TargetFacts,
  "labels" | "annotations" | "createdAt" | "priorityClass" | "uid" | "name" | "namespace"
>;

function ofObject(
  cluster: string,
  { namespace, name, uid, labels, annotations, createdAt, priorityClass }: Read,
  around: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  },
): TargetFacts {
  return {
    cluster,
    namespace,
    name,
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
    cluster,
    namespace: null,
    name,
    uid: null,
    labels: {},
    annotations: {},
    namespaceLabels: {},
    namespaceAnnotations: {},
    priorityClass: null,
    createdAt: null,
  };
}

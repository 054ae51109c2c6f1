import type { Node, Pod } from "./kubernetes-objects.ts";

/** A pod, and whether it keeps data on its node that another pod elsewhere does not find (emptyDir, hostPath). */
export interface NodePod extends Pod {
  readonly localData: boolean;
}

/** What may be read of the nodes of a cluster and of who runs there. Errors as in `KubernetesReader`. */
export interface NodeReader {
  /** The nodes of the cluster, 500 at most. */
  nodes(): Promise<readonly Node[]>;
  /** The pods of all namespaces on a node, 500 at most; `whole` says whether these are all. */
  podsOnNode(node: string): Promise<{ readonly pods: readonly NodePod[]; readonly whole: boolean }>;
}

import type { Node, Pod } from "./kubernetes-objects.ts";

/** A pod of a node, with what matters where it is to go elsewhere. */
export interface NodePod extends Pod {
  /** It keeps data on the node that another pod elsewhere does not find (emptyDir, hostPath). */
  readonly localData: boolean;
  /** It may start on a node that is cordoned, and so right where it was. */
  readonly toleratesCordon: boolean;
}

/** What may be read of the nodes of a cluster and of who runs there. Errors as in `KubernetesReader`. */
export interface NodeReader {
  /** The nodes of the cluster, 500 at most. */
  nodes(): Promise<readonly Node[]>;
  /** The pods of all namespaces on a node, 500 at most; `whole` says whether these are all. */
  podsOnNode(node: string): Promise<{ readonly pods: readonly NodePod[]; readonly whole: boolean }>;
}

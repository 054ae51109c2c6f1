import { Refused } from "../model/errors.ts";
import type { KubernetesReader, KubernetesWriter } from "../model/kubernetes-port.ts";
import type { WritePorts } from "../model/playbook.ts";
import type { ClusterConnection } from "../model/rule.ts";
import { createKubernetes } from "./kubernetes/index.ts";

/** Both ports of one cluster. */
interface Opened {
  readonly reader: KubernetesReader;
  readonly writer: KubernetesWriter;
}

/**
 * The ports to the configured clusters, by ARM id without case. A cluster is opened when it is first asked for, and its
 * connections are kept. A cluster that is not configured raises `Refused`, naming it.
 */
export function openClusters(
  clusters: readonly ClusterConnection[],
  readKubeconfig: (path: string) => string,
): WritePorts {
  const known = new Map(clusters.map((cluster) => [cluster.id.toLowerCase(), cluster]));
  const opened = new Map<string, Opened>();
  const open = (id: string): Opened => {
    const key = id.toLowerCase();
    const before = opened.get(key);
    if (before !== undefined) return before;
    const cluster = known.get(key);
    if (cluster === undefined) {
      throw new Refused(
        `cluster ${id.slice(0, 300)} is not configured`,
        "Add it under `clusters` to act on it.",
      );
    }
    const { kubeconfig, context } = cluster;
    const made = createKubernetes({ kubeconfigText: readKubeconfig(kubeconfig), context });
    opened.set(key, made);
    return made;
  };
  return {
    read: { kubernetes: (id) => open(id).reader },
    write: { kubernetes: (id) => open(id).writer },
  };
}

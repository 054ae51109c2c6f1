import { Permanent, Refused } from "../model/errors.ts";
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
 * The ports to the configured clusters, by ARM id without case. Every kubeconfig is read and checked here and now, so
 * that the app does not start on a bad one: raises `Permanent` where it cannot be read, `Refused` where it may not be
 * used. Connections are made with the first call and kept. A cluster that is not configured raises `Refused` then.
 */
export function openClusters(
  clusters: readonly ClusterConnection[],
  readKubeconfig: (path: string) => string,
): WritePorts {
  const opened = new Map(
    clusters.map((cluster): [string, Opened] => {
      const kubeconfigText = textOf(cluster, readKubeconfig);
      return [cluster.id.toLowerCase(), createKubernetes({ kubeconfigText, context: cluster.context })];
    }),
  );
  const open = (id: string): Opened => {
    const cluster = opened.get(id.toLowerCase());
    if (cluster !== undefined) return cluster;
    throw new Refused(
      `cluster ${id.slice(0, 300)} is not configured`,
      "Add it under `clusters` to act on it.",
    );
  };
  return {
    read: { kubernetes: (id) => open(id).reader },
    write: { kubernetes: (id) => open(id).writer },
  };
}

function textOf({ name, kubeconfig }: ClusterConnection, read: (path: string) => string): string {
  try {
    return read(kubeconfig);
  } catch (cause) {
    throw new Permanent(
      `The kubeconfig of cluster ${name} cannot be read: ${kubeconfig}`,
      "Deploy the file, or correct its path in the configuration.",
      { cause },
    );
  }
}

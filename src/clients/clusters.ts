import type { Clock } from "../model/clock.ts";
import { Permanent, Refused } from "../model/errors.ts";
import type { KubernetesReader, KubernetesWriter } from "../model/kubernetes-port.ts";
import { mainClusterId } from "../model/main-cluster.ts";
import type { WritePorts } from "../model/playbook.ts";
import type { ClusterConnection } from "../model/rule.ts";
import { type AksMeans, aksAccess } from "./aks/aks-access.ts";
import { createKubernetes, createLiveKubernetes } from "./kubernetes/index.ts";
import { type TokenMeans, tokenAccess } from "./kubernetes/token-access.ts";

/** What the ways to the clusters are made from. */
export interface ClusterMeans extends Omit<AksMeans, "timeoutMs">, TokenMeans {
  /** Reads the file at a path of the configuration. */
  readonly readKubeconfig: (path: string) => string;
  readonly clock: Clock;
  /** The longest that one call may take; 10 s if not given. */
  readonly timeoutMs?: number;
}

/** Both ports of one cluster. */
interface Opened {
  readonly reader: KubernetesReader;
  readonly writer: KubernetesWriter;
}

const CALL_MS = 10_000;

/**
 * The ports to the configured clusters, by any of their ARM ids. Kubeconfigs and settings are read and checked here and
 * now, so that the app does not start on a bad one: raises `Permanent` where one cannot be read, `Refused` where it may
 * not be used. Connections are made with the first call and kept; a cluster has one way, and never falls back to
 * another. A cluster that is not configured raises `Refused` then.
 */
export function openClusters(clusters: readonly ClusterConnection[], means: ClusterMeans): WritePorts {
  const opened = new Map(clusters.map((cluster) => [cluster.id, openOne(cluster, means)]));
  const open = (id: string): Opened => {
    const cluster = opened.get(mainClusterId(clusters, id));
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

function openOne({ id, name, connect }: ClusterConnection, means: ClusterMeans): Opened {
  const { clock, timeoutMs = CALL_MS } = means;
  switch (connect.kind) {
    case "kubeconfig": {
      const kubeconfigText = textOf(name, connect.kubeconfig, means.readKubeconfig);
      return createKubernetes({ kubeconfigText, context: connect.context, timeoutMs });
    }
    case "aks-entra":
      return createLiveKubernetes(aksAccess(id, { ...means, timeoutMs }), { timeoutMs, clock });
    case "token":
      return createLiveKubernetes(tokenAccess(name, connect, means), { timeoutMs, clock });
  }
}

function textOf(name: string, path: string, read: (path: string) => string): string {
  try {
    return read(path);
  } catch (cause) {
    throw new Permanent(
      `The kubeconfig of cluster ${name} cannot be read: ${path}`,
      "Deploy the file, or correct its path in the configuration.",
      { cause },
    );
  }
}

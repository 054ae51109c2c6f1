import { Permanent, Refused } from "../model/errors.ts";
import type { KubernetesReader, KubernetesWriter } from "../model/kubernetes-port.ts";
import type { Log } from "../model/log.ts";
import { mainClusterId } from "../model/main-cluster.ts";
import type { WritePorts } from "../model/playbook.ts";
import type { ClusterConnect, ClusterConnection } from "../model/rule.ts";
import { type AksMeans, aksAccess } from "./aks/aks-access.ts";
import { openContainer } from "./flux/open-container.ts";
import { openPulled, type PullMeans } from "./flux/pulled-cluster.ts";
import { type Connection, openConnection } from "./kubernetes/connection.ts";
import { firstWay, type Way } from "./kubernetes/first-way.ts";
import { portsOver } from "./kubernetes/index.ts";
import { readKubeconfig } from "./kubernetes/kubeconfig.ts";
import { openLiveConnection } from "./kubernetes/live-connection.ts";
import { tokenAccess } from "./kubernetes/token-access.ts";
import { type VaultTokenMeans, vaultTokenAccess } from "./kubernetes/vault-token-access.ts";
import { type CommandTimes, openRunCommandConnection } from "./run-command/run-command-connection.ts";

/** What the ways to the clusters are made from. */
export interface ClusterMeans extends Omit<AksMeans, "timeoutMs">, VaultTokenMeans {
  /** Reads the file at a path of the configuration. */
  readonly readKubeconfig: (path: string) => string;
  /** Hears by which of its ways a cluster with several was reached. */
  readonly log: Log;
  /** The longest that one call may take; 10 s if not given. */
  readonly timeoutMs?: number;
  /** How long each part of a run command may take; see there. */
  readonly commandTimes?: CommandTimes;
  /** Opens the containers of Flux; as the app's identity if not given. */
  readonly openContainer?: PullMeans["openContainer"];
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
 * not be used. Connections are made with the first call and kept. A cluster with several ways is reached by the first that
 * leads to it, see `firstWay`; one that only fetches from a container has no way, see `openPulled`. A cluster that is not
 * configured raises `Refused` then.
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

function openOne(cluster: ClusterConnection, means: ClusterMeans): Opened {
  const { id, name, connect } = cluster;
  const ways: Way[] = [];
  for (const one of connect) {
    // It stands alone: the file is not taken otherwise.
    if (one.kind === "flux") return openPulled(cluster, one, pullMeans(means));
    ways.push({ name: one.kind, connection: openWay({ id, name }, one, means) });
  }
  const [only, second] = ways;
  if (only !== undefined && second === undefined) return portsOver(only.connection);
  const used = (way: string): void =>
    means.log({ level: "info", event: "cluster-way", facts: { cluster: name, way } });
  return portsOver(firstWay(ways, used));
}

function openWay(
  { id, name }: Pick<ClusterConnection, "id" | "name">,
  connect: Exclude<ClusterConnect, { kind: "flux" }>,
  means: ClusterMeans,
): Connection {
  const { clock, timeoutMs = CALL_MS } = means;
  switch (connect.kind) {
    case "kubeconfig": {
      const text = textOf(name, connect.kubeconfig, means.readKubeconfig);
      return openConnection(readKubeconfig(text, connect.context), timeoutMs, clock);
    }
    case "aks-entra":
      return openLiveConnection(aksAccess(id, { ...means, timeoutMs }), { timeoutMs, clock });
    case "run-command": {
      const { arm, credential, commandTimes: times } = means;
      const common = { arm, credential, timeoutMs, clock };
      return openRunCommandConnection(id, times === undefined ? common : { ...common, times });
    }
    case "token":
      return openLiveConnection(tokenAccess(name, connect, means), { timeoutMs, clock });
    case "vault-token":
      return openLiveConnection(vaultTokenAccess(name, connect, means), { timeoutMs, clock });
  }
}

function pullMeans({ arm, clock, credential, timeoutMs = CALL_MS, ...means }: ClusterMeans): PullMeans {
  return {
    arm,
    clock,
    timeoutMs,
    openContainer: means.openContainer ?? ((url) => openContainer(url, credential)),
  };
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

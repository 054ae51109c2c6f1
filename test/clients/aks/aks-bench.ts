import { connect, createServer, type Socket } from "node:net";
import {
  type KubernetesOptions,
  type KubernetesStandIn,
  startKubernetes,
} from "../../../local/kubernetes/index.ts";
import { createArm } from "../../../src/clients/arm/index.ts";
import { type ClusterMeans, openClusters } from "../../../src/clients/clusters.ts";
import type { KubernetesReader } from "../../../src/model/kubernetes-port.ts";
import type { ClusterConnection } from "../../../src/model/rule.ts";
import { pod } from "../../playbooks/cluster-objects.ts";
import { armBench } from "../arm/arm-bench.ts";
import { PLAIN_MEANS } from "../plain-means.ts";
import { type TlsIdentity, tlsIdentity } from "../tls-identity.ts";

/** Properties of a cluster that can be used; its API server is on this machine. */
export const GOOD = {
  provisioningState: "Succeeded",
  powerState: { code: "Running" },
  fqdn: "127.0.0.1",
  aadProfile: { managed: true, enableAzureRBAC: true },
};

const GROUP = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/shop";

/** ARM id of an AKS cluster. */
export function aksId(name = "prod"): string {
  return `${GROUP}/providers/Microsoft.ContainerService/managedClusters/${name}`;
}

/** The kubeconfig that Azure hands out: the way to sign in is a program to run, here one that leaves a mark. */
export function userKubeconfig(cluster: object, mark = "/nowhere/mark"): string {
  const args = ["-e", `require("fs").writeFileSync(${JSON.stringify(mark)}, "ran")`];
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1beta1",
    command: process.execPath,
    args,
    interactiveMode: "Never",
    provideClusterInfo: false,
  };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "prod",
    contexts: [{ name: "prod", context: { cluster: "prod", user: "clusterUser" } }],
    clusters: [{ name: "prod", cluster }],
    users: [{ name: "clusterUser", user: { exec } }],
  });
}

/** What a test works with: Resource Manager, one API server over TLS, and the ports of the app to it. */
export interface AksBench {
  readonly arm: Awaited<ReturnType<typeof armBench>>["arm"];
  readonly credential: Awaited<ReturnType<typeof armBench>>["credential"];
  readonly kubernetes: KubernetesStandIn;
  readonly identity: TlsIdentity;
  /** Time goes on only when told. */
  pass(ms: number): void;
  /** Azure knows the cluster from now on. */
  show(more?: { name?: string; properties?: object; cluster?: object; mark?: string }): void;
  reader(name?: string): KubernetesReader;
  open(clusters: readonly ClusterConnection[], more?: Partial<ClusterMeans>): ReturnType<typeof openClusters>;
  /** How often Azure was asked for a cluster. */
  looks(): number;
  close(): Promise<void>;
}

/** Starts it, with pod shop/web-1 in the cluster. */
export async function aksBench(
  more: KubernetesOptions & { timeoutMs?: number; names?: readonly string[] } = {},
): Promise<AksBench> {
  const { timeoutMs = 5_000, names = ["prod"], ...options } = more;
  const { arm, access, credential } = await armBench();
  const identity = tlsIdentity();
  const kubernetes = await startKubernetes({ token: arm.clusterToken, tls: identity, ...options });
  kubernetes.seed([pod("web-1")]);
  let now = Date.parse("2026-03-02T08:00:00.000Z");
  const means: ClusterMeans = {
    ...PLAIN_MEANS,
    arm: createArm(access),
    credential,
    clock: { now: () => new Date(now) },
    timeoutMs,
  };
  const open: AksBench["open"] = (clusters, other = {}) => openClusters(clusters, { ...means, ...other });
  const ports = open(
    names.map((name) => ({ name, id: aksId(name), aliases: [], connect: [{ kind: "aks-entra" }] })),
  );
  return {
    arm,
    credential,
    kubernetes,
    identity,
    pass: (ms) => {
      now += ms;
    },
    show: ({ name = "prod", properties = {}, cluster = {}, mark } = {}) => {
      const at = { server: kubernetes.url, "certificate-authority-data": identity.authority, ...cluster };
      arm.documents.setManagedCluster(aksId(name), { ...GOOD, ...properties }, userKubeconfig(at, mark));
    },
    reader: (name = "prod") => ports.read.kubernetes(aksId(name)),
    open,
    looks: () => arm.requests.filter(({ method }) => method === "GET").length,
    close: async () => {
      await kubernetes.close();
      await arm.stop();
    },
  };
}

/** The error that a call ends in. */
export async function caught(promise: Promise<unknown>): Promise<Error> {
  const outcome: unknown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error("it did not fail");
}

/** A port on this machine, and how many connections it has seen. */
export interface CountedPort {
  readonly port: number;
  readonly connections: number;
  close(): Promise<void>;
}

/** Takes connections and hands them on to a port; without one it says nothing, for ever. */
export async function countedPort(to: number | null): Promise<CountedPort> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
  };
  const server = createServer((socket) => {
    connections += 1;
    keep(socket);
    if (to === null) return;
    const onward = connect(to, "127.0.0.1");
    keep(onward);
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get connections() {
      return connections;
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

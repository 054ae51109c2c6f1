import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { startKubernetes } from "../../local/kubernetes/index.ts";
import { resourceNamed } from "../../local/kubernetes/resource-table.ts";
import { missingBinaries, startControlPlane } from "./control-plane.ts";

/** An object as the API has it. */
export interface LabObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
    readonly deletionTimestamp?: string;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
}

/** A cluster to try playbooks on, looked at by somebody else than our client. */
export interface Lab {
  readonly name: string;
  /** With the rights of an administrator. */
  readonly kubeconfigText: string;
  /** With the token of a service account, and so with its rights alone. */
  asServiceAccount(namespace: string, name: string): Promise<string>;
  /** Creates or changes objects as an administrator: definitions first, the rest once their kinds are served. */
  apply(...objects: readonly object[]): Promise<void>;
  /** Whether the API server would take it; the refusal, else null. */
  refusal(object: object): Promise<string | null>;
  /** What an administrator is told who opens a shell in a pod that runs on no node. */
  session(namespace: string, pod: string): Promise<string>;
  /** Sets the wanted number of a ReplicaSet in the namespace shop to zero. */
  empty(replicaSet: string): Promise<void>;
  /** Sets the wanted number of pods of a Deployment in the namespace shop, as an administrator does. */
  scale(deployment: string, replicas: number): Promise<void>;
  /** Says of a pod or a node what a kubelet would, and has a pod that waits run on a node. */
  report(kind: "nodes" | "pods", name: string, status: object, namespace?: string): Promise<void>;
  bind(namespace: string, pod: string, node: string): Promise<void>;
  /** Deletes one object as an administrator. */
  remove(kind: string, name: string, namespace?: string): Promise<void>;
  list(kind: string, namespace?: string): Promise<readonly LabObject[]>;
  close(): Promise<void>;
}

/** Where a real cluster is, or what is missing: `KUBECONFIG`, or `KUBEBUILDER_ASSETS` with the binaries of a control plane. */
export function realCluster(): { readonly kubeconfig: string } | { readonly assets: string } | string {
  const assets = process.env["KUBEBUILDER_ASSETS"];
  if (assets !== undefined && assets !== "") return missingBinaries(assets) ?? { assets };
  const kubeconfig = process.env["KUBECONFIG"];
  return kubeconfig !== undefined && kubeconfig !== ""
    ? { kubeconfig }
    : "Neither KUBEBUILDER_ASSETS (a folder with etcd, kube-apiserver and kube-controller-manager) nor KUBECONFIG is set.";
}

/** Opens a real cluster, asked with kubectl. Raises where there is none. */
export async function realLab(): Promise<Lab> {
  const where = realCluster();
  if (typeof where === "string") throw new Error(where);
  const plane = "assets" in where ? await startControlPlane(where.assets) : null;
  const kubeconfig = "kubeconfig" in where ? where.kubeconfig : (plane?.kubeconfig ?? "");
  const kubectl = (args: readonly string[], input?: string): Promise<string> =>
    run("kubectl", [`--kubeconfig=${kubeconfig}`, ...args], input);
  return {
    name: "a real API server",
    kubeconfigText: readFileSync(kubeconfig, "utf8"),
    async asServiceAccount(namespace, name) {
      const token = (await kubectl(["--namespace", namespace, "create", "token", name])).trim();
      const config: { users: { user: object }[] } = JSON.parse(
        await kubectl(["config", "view", "--raw", "-o", "json"]),
      );
      return JSON.stringify({ ...config, users: config.users.map((one) => ({ ...one, user: { token } })) });
    },
    async apply(...objects) {
      const put = async (items: readonly object[]): Promise<void> => {
        if (items.length === 0) return;
        const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
        await kubectl(
          ["apply", "--server-side", "--force-conflicts", "--field-manager=an-owner", "-f", "-"],
          list,
        );
      };
      const isDefinition = (object: object): boolean =>
        Reflect.get(object, "kind") === "CustomResourceDefinition";
      const names = objects.filter(isDefinition).map((object) => nameOf(object));
      await put(objects.filter(isDefinition));
      if (names.length > 0) {
        await kubectl([
          ...["wait", "--for=condition=Established", "--timeout=60s"],
          ...names.map((name) => `crd/${name}`),
        ]);
      }
      await put(objects.filter((object) => !isDefinition(object)));
    },
    async refusal(object) {
      try {
        await kubectl(["create", "--dry-run=server", "-f", "-"], JSON.stringify(object));
        return null;
      } catch (error) {
        return String(error);
      }
    },
    async session(namespace, name) {
      try {
        return await kubectl(["--namespace", namespace, "exec", name, "--", "true"]);
      } catch (error) {
        return String(error);
      }
    },
    async empty(replicaSet) {
      // Its Deployment would set it back: paused, it leaves it alone.
      const deployment = replicaSet.replace(/-[^-]+$/, "");
      await kubectl(["--namespace=shop", "rollout", "pause", `deployment/${deployment}`]);
      const patch = JSON.stringify({ spec: { replicas: 0 } });
      await kubectl([
        "--namespace=shop",
        "patch",
        "replicaset",
        replicaSet,
        "--subresource=scale",
        "--type=merge",
        "-p",
        patch,
      ]);
    },
    async scale(deployment, replicas) {
      await kubectl(["--namespace=shop", "scale", `deployment/${deployment}`, `--replicas=${replicas}`]);
    },
    async report(kind, name, status, namespace) {
      const where = namespace === undefined ? [] : [`--namespace=${namespace}`];
      const patch = ["--subresource=status", "--type=merge", "-p", JSON.stringify({ status })];
      await kubectl([...where, "patch", kind, name, ...patch]);
    },
    async bind(namespace, pod, node) {
      const target = { apiVersion: "v1", kind: "Node", name: node };
      const binding = { apiVersion: "v1", kind: "Binding", metadata: { name: pod }, target };
      const path = `/api/v1/namespaces/${namespace}/pods/${pod}/binding`;
      await kubectl(["create", "--raw", path, "-f", "-"], JSON.stringify(binding));
    },
    async remove(kind, name, namespace) {
      await kubectl(["delete", kind, name, ...(namespace === undefined ? [] : ["--namespace", namespace])]);
    },
    async list(kind, namespace) {
      const where = namespace === undefined ? ["--all-namespaces"] : ["--namespace", namespace];
      const answer: { items: LabObject[] } = JSON.parse(await kubectl(["get", kind, "-o", "json", ...where]));
      return answer.items;
    },
    close: async () => {
      await plane?.stop();
    },
  };
}

function nameOf(object: object): string {
  return String(Reflect.get({ ...Reflect.get(object, "metadata") }, "name"));
}

/** What the stand-in has another way for. */
const RIGHTS = /^(?:Cluster)?Role$/;

/** Opens our stand-in as a lab: what differs from the real one is wrong in it. */
export async function standInLab(): Promise<Lab> {
  // As a bare control plane: without an engine of network policies.
  const cluster = await startKubernetes({ networkEngine: false });
  return {
    name: "the stand-in",
    kubeconfigText: cluster.kubeconfig(),
    // Rights are tried by the playbooks' contract: this one knows a single token.
    asServiceAccount: () => Promise.resolve(cluster.kubeconfig()),
    apply: async (...objects) => {
      cluster.seed(objects.filter((object) => !RIGHTS.test(String(Reflect.get(object, "kind")))));
    },
    async refusal(object) {
      const { namespace = "", kind } = { ...Reflect.get(object, "metadata"), ...object } as {
        namespace?: string;
        kind: string;
      };
      const answer = await fetch(
        `${cluster.url}/api/v1/namespaces/${namespace}/${kind.toLowerCase()}s?dryRun=All`,
        {
          method: "POST",
          headers: { authorization: "Bearer stand-in-token", "content-type": "application/json" },
          body: JSON.stringify(object),
        },
      );
      return answer.ok ? null : await answer.text();
    },
    async session(namespace, name) {
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/exec?command=true`;
      const headers = { authorization: "Bearer stand-in-token" };
      return (await fetch(cluster.url + path, { method: "POST", headers })).text();
    },
    async report(kind, name, status, namespace) {
      const within = namespace === undefined ? "" : `/namespaces/${namespace}`;
      const answer = await fetch(`${cluster.url}/api/v1${within}/${kind}/${name}/status`, {
        method: "PATCH",
        headers: { authorization: "Bearer stand-in-token", "content-type": "application/merge-patch+json" },
        body: JSON.stringify({ status }),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    // Its controllers give each pod a node.
    bind: () => Promise.resolve(),
    async remove(kind, name, namespace) {
      const of = resourceNamed(kind);
      const group = of.group === "" ? `api/${of.version}` : `apis/${of.group}/${of.version}`;
      const within = namespace === undefined ? "" : `/namespaces/${namespace}`;
      const answer = await fetch(`${cluster.url}/${group}${within}/${kind}/${name}`, {
        method: "DELETE",
        headers: { authorization: "Bearer stand-in-token" },
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    // Its controllers have finished the rollout already.
    empty: () => Promise.resolve(),
    async scale(deployment, replicas) {
      const path = `/apis/apps/v1/namespaces/shop/deployments/${deployment}/scale?fieldManager=an-owner`;
      const answer = await fetch(`${cluster.url}${path}`, {
        method: "PATCH",
        headers: { authorization: "Bearer stand-in-token", "content-type": "application/merge-patch+json" },
        body: JSON.stringify({ spec: { replicas } }),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    list: async (kind, namespace) =>
      cluster.readAll(kind, namespace).map((one) => JSON.parse(JSON.stringify(one)) as LabObject),
    close: () => cluster.close(),
  };
}

/** Asks again until it is so: controllers and caches take their time. */
export async function eventually<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  for (let round = 0; round < 100; round += 1) {
    const answer = await ask();
    if (holds(answer)) return answer;
    await delay(200);
  }
  return ask();
}

function run(program: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr === "" ? error.message : stderr));
    });
    child.stdin?.end(input ?? "");
  });
}

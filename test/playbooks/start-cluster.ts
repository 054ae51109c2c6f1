import { afterEach } from "vitest";
import {
  type KubernetesOptions,
  type KubernetesStandIn,
  startKubernetes,
} from "../../local/kubernetes/index.ts";
import { portsOf } from "./cluster-objects.ts";

const open: KubernetesStandIn[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((cluster) => cluster.close()));
});

/** A stand-in with these objects, closed after the test: what is recorded begins after them. */
export async function startCluster(objects: readonly object[] = [], options: KubernetesOptions = {}) {
  const cluster = await startKubernetes(options);
  open.push(cluster);
  cluster.seed(objects);
  cluster.clear();
  return { cluster, ports: portsOf(cluster) };
}

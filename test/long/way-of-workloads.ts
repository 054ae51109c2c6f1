import type { WayOfLife } from "./way-of-life.ts";

const old = "2026-01-01T00:00:00Z";
const containers = [{ name: "c", image: "web:1" }];

function statefulSet(name: string): object {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name, namespace: "shop", uid: `uid-of-${name}`, creationTimestamp: old },
    spec: {
      replicas: 2,
      serviceName: name,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers } },
    },
  };
}

/** The first pod of the StatefulSet of that name. */
function podOf(name: string, phase: string): object {
  const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name, uid: `uid-of-${name}`, controller: true };
  const metadata = { name: `${name}-0`, namespace: "shop", labels: { app: name }, creationTimestamp: old };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, ownerReferences: [owner] },
    spec: { nodeName: "n1", containers },
    status: { phase },
  };
}

/** The ways of the playbooks that act upon workloads. */
export const workloadWays: readonly WayOfLife[] = [
  {
    playbook: "scale-to-zero",
    key: "K8S.NODE_Webshell",
    pod: (name) => `${name}-0`,
    objects: (name) => [statefulSet(name), podOf(name, "Running")],
    // Without controllers nobody ends the pods: the test does, once it is waited for.
    nudge: { state: "verifying", objects: (name) => [podOf(name, "Failed")] },
    needsPod: true,
    writes: [{ method: "PATCH", path: "/statefulsets/" }],
    never: {},
  },
  {
    playbook: "hold-workload",
    key: "K8S.NODE_SuspectNohup",
    pod: (name) => `${name}-0`,
    objects: (name) => [statefulSet(name), podOf(name, "Running")],
    nudge: null,
    needsPod: true,
    writes: [{ method: "PATCH", path: "/admissionlists/" }],
    never: { verifying: "its entries are read back at once" },
  },
];

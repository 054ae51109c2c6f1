import type { WayOfLife } from "./way-of-life.ts";

const old = "2026-01-01T00:00:00Z";

/** The way of collect-evidence. It writes nothing to the cluster: it dies at its files and at the list of them. */
export const evidenceWay: WayOfLife = {
  playbook: "collect-evidence",
  key: "K8S.NODE_SuspectDownload",
  pod: (name) => name,
  objects: (name) => [
    {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "kept-node", creationTimestamp: old },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        addresses: [{ type: "InternalIP", address: "10.1.0.4" }],
      },
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace: "shop", name: "default" } },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "shop", labels: { app: name }, creationTimestamp: old },
      spec: { nodeName: "kept-node", containers: [{ name: "c", image: "web:1" }] },
      status: { phase: "Running" },
    },
  ],
  nudge: null,
  needsPod: true,
  writes: [],
  never: {
    verifying: "what it has kept is read back at once",
    "in-force": "what is kept is done, and nothing is held in force",
    reverting: "it changes nothing, and evidence is never taken back",
  },
};

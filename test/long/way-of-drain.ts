import type { WayOfLife } from "./way-of-life.ts";

const creationTimestamp = "2026-01-01T00:00:00Z";

function ready(name: string): object {
  const status = { conditions: [{ type: "Ready", status: "True" }] };
  return { apiVersion: "v1", kind: "Node", metadata: { name, creationTimestamp }, status };
}

function pod(name: string, nodeName: string, owner: string | null): object {
  const by = { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name: owner, uid: `uid-of-${owner}` };
  const ownerReferences = owner === null ? [] : [{ ...by, controller: true }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", labels: { app: name }, creationTimestamp, ownerReferences },
    spec: { nodeName, containers: [{ name: "c", image: "web:1" }] },
    status: { phase: "Running" },
  };
}

/** The way of the playbook that empties a node: one pod beside the suspect, in whose place none comes here. */
export const drainWay: WayOfLife = {
  playbook: "drain-node-except",
  key: "K8S.NODE_PrivilegedExecutionInContainer",
  pod: (name) => name,
  objects: (name) => [
    ready(name),
    ready(`takes-of-${name}`),
    {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Rollout",
      metadata: { name, namespace: "shop", uid: `uid-of-${name}`, creationTimestamp },
      spec: { selector: { matchLabels: { app: `beside-${name}` } } },
    },
    pod(name, name, null),
    pod(`beside-${name}`, name, name),
  ],
  nudge: null,
  needsPod: true,
  writes: [
    { method: "PATCH", path: "/nodes/" },
    { method: "POST", path: "/eviction", ends: true, half: /is left on the node: it was not evicted/ },
  ],
  never: { verifying: "here nobody takes the time to end a pod" },
};

import type { WayOfLife } from "./way-of-life.ts";

/** The ways of the playbooks that write network policies, beside `isolate-pod`. */
export const NETWORK_WAYS: readonly WayOfLife[] = [
  {
    playbook: "restrict-egress",
    key: "K8S.NODE_ImdsCall",
    pod: (name) => name,
    objects: (name) => [
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name,
          namespace: "shop",
          labels: { app: name },
          creationTimestamp: "2026-01-01T00:00:00Z",
        },
        spec: { nodeName: "n1", containers: [{ name: "c", image: "registry.example/web:1" }] },
        status: { phase: "Running" },
      },
    ],
    nudge: null,
    needsPod: true,
    writes: [
      { method: "POST", path: "/networkpolicies" },
      { method: "PATCH", path: "/pods/" },
    ],
    never: { verifying: "its policy and label are read back at once" },
  },
];

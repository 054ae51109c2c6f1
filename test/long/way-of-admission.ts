import type { WayOfLife } from "./way-of-life.ts";

/** The ways of the playbooks that work by admission policies and on a whole cluster. */
export const ADMISSION_WAYS: readonly WayOfLife[] = [
  {
    playbook: "enforce-pod-rules",
    key: "K8S_PrivilegedContainer",
    pod: (name) => name,
    objects: () => [],
    alone: "its target is the cluster, of which all lives have the same",
    reads: () => "/namespaces/gatekeeper-system",
    nudge: null,
    needsPod: false,
    writes: [{ method: "PATCH", path: "/admissionlists/" }],
    never: { verifying: "its entries are read back, and tried, at once" },
  },
];

import { CLUSTER, node, pod, policy, workload } from "../playbooks/cluster-objects.ts";
import type { Scenario } from "./playbook-scenarios.ts";

const uidOf = (kind: string): string => `uid-of-a-${kind.toLowerCase()}`;

function owner(kind: string): object {
  return { apiVersion: apiVersionOf(kind), kind, name: "web", uid: uidOf(kind), controller: true };
}

function owned(by: string | undefined): object {
  return by === undefined ? {} : { ownerReferences: [owner(by)] };
}

/** A workload of that kind, below another one if any. */
function ownerObject(kind: string, by: string | undefined): object {
  const metadata = { uid: uidOf(kind), ...owned(by) };
  // These two select by labels alone, and let go what they do not select.
  const plain = ["ReplicationController", "DeploymentConfig"].includes(kind);
  const spec = plain ? { spec: { selector: { app: "web" } } } : {};
  if (kind !== "CronJob")
    return { ...workload(kind, "web", 1, { metadata, ...spec }), apiVersion: apiVersionOf(kind) };
  const template = { spec: { containers: [{ name: "web", image: "reg.example/shop/web:1" }] } };
  return {
    apiVersion: "batch/v1",
    kind,
    metadata: { namespace: "shop", name: "web", ...metadata },
    spec: { schedule: "0 0 1 1 *", jobTemplate: { spec: { template } } },
  };
}

const CHAINS: readonly (readonly string[])[] = [
  [],
  ["ReplicaSet", "Deployment"],
  ["StatefulSet"],
  ["DaemonSet"],
  ["Job", "CronJob"],
  ["ReplicationController", "DeploymentConfig"],
  ["ReplicaSet", "Rollout"],
];

const GROUPS: Readonly<Record<string, string>> = {
  Job: "batch/v1",
  CronJob: "batch/v1",
  ReplicationController: "v1",
  DeploymentConfig: "apps.openshift.io/v1",
  Rollout: "argoproj.io/v1alpha1",
};
const apiVersionOf = (kind: string): string => GROUPS[kind] ?? "apps/v1";

const rights = [
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { namespace: "shop", name: "web" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "web" },
    subjects: [{ kind: "ServiceAccount", name: "default", namespace: "shop" }],
  },
  {
    apiVersion: "v1",
    kind: "Event",
    metadata: { namespace: "shop", name: "web-0.1" },
    involvedObject: { kind: "Pod", namespace: "shop", name: "web-0" },
    reason: "Pulled",
  },
];

/** Evidence of a pod below each kind of owner: all that there is can be had. */
export const evidenceScenarios: readonly Scenario[] = CHAINS.map((chain) => {
  const owners = chain.map((kind, at) => ownerObject(kind, chain[at + 1]));
  const around = [
    node("n1"),
    policy("allow-web", { podSelector: { matchLabels: { app: "web" } }, ingress: [{}] }),
    ...rights,
  ];
  return {
    name: chain.length === 0 ? "a bare pod" : `a pod of a ${chain.join(" of a ")}`,
    playbook: "collect-evidence",
    objects: [
      ...around,
      ...owners,
      pod("web-0", { metadata: { labels: { app: "web" }, ...owned(chain[0]) } }),
    ],
    vanished: around,
    target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-0" } as const,
    parameters: {},
    foreign: null,
  };
});

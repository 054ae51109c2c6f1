import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import type { WorkloadKind } from "../../src/model/kubernetes-objects.ts";
import { CLUSTER, node, pod } from "../playbooks/cluster-objects.ts";
import { apiVersionOf, running } from "../playbooks/workload-objects.ts";
import type { Scenario } from "./playbook-scenarios.ts";

/** Who makes the pod beside the suspect, and who stands above that. */
const OWNERS: readonly (readonly [WorkloadKind, WorkloadKind?])[] = [
  ["Deployment"],
  ["StatefulSet"],
  ["Job", "CronJob"],
  ["ReplicationController", "DeploymentConfig"],
  ["ReplicaSet", "Rollout"],
];

/** A workload that has one pod, below another one if any. */
function owner(kind: WorkloadKind, above?: WorkloadKind): object {
  const by = { kind: above, name: "web", uid: "uid-of-what-is-above", controller: true };
  const ownerReferences = above === undefined ? [] : [{ apiVersion: apiVersionOf(above), ...by }];
  const made: { spec?: object } = running(kind, "web", { ownerReferences });
  return { ...made, spec: { ...made.spec, ...(kind === "Job" ? { parallelism: 1 } : { replicas: 1 }) } };
}

/** The pod that the owner makes lands on the first node, beside the suspect. */
function around(kind: WorkloadKind, above?: WorkloadKind): object[] {
  return [
    node("n1"),
    node("n2"),
    ...(above === undefined ? [] : [running(above, "web", { uid: "uid-of-what-is-above" })]),
    owner(kind, above),
  ];
}

/** The situations of the playbook that empties a node around a pod. */
export const drainScenarios: readonly Scenario[] = OWNERS.map(([kind, above]) => ({
  name: `a pod of a ${kind} beside it`,
  playbook: "drain-node-except",
  objects: [...around(kind, above), pod("suspect", { metadata: { labels: { app: "suspect" } } })],
  vanished: around(kind, above),
  writes: 2,
  target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "suspect" },
  parameters: {},
  foreign: [
    node("n1", {
      metadata: { labels: { [INCIDENT_LABEL]: "b-someone-else" } },
      spec: { unschedulable: true },
    }),
  ],
}));

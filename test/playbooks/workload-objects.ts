import { randomUUID } from "node:crypto";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import type { WorkloadKind } from "../../src/model/kubernetes-objects.ts";
import { WORKLOAD_GROUPS } from "../../src/model/workload-state.ts";
import { CLUSTER, manifest, node, workload } from "./cluster-objects.ts";

/** What the operator applies so that workloads can be held. */
export const holdListObjects = (): object[] =>
  ["1-admission-lists.yaml", "1-namespace.yaml", "6-hold-workloads.yaml"].flatMap(manifest);

/** A pod template, and its labels. */
function template(name: string, restartPolicy = "Always"): object {
  return {
    metadata: { labels: { app: name } },
    spec: { restartPolicy, containers: [{ name: "web", image: "reg.example/shop/web:1" }] },
  };
}

/** The API version of a kind. */
export function apiVersionOf(kind: WorkloadKind): string {
  const group = WORKLOAD_GROUPS[kind];
  if (group === "") return "v1";
  return kind === "Rollout" ? `${group}/v1alpha1` : `${group}/v1`;
}

/** A workload of any kind that runs something; `more` is metadata. */
export function running(kind: WorkloadKind, name: string, more: object = {}): object {
  const metadata = { namespace: "shop", name, ...more };
  const head = { apiVersion: apiVersionOf(kind), kind, metadata };
  switch (kind) {
    case "Deployment":
    case "StatefulSet":
    case "ReplicaSet":
      return workload(kind, name, 3, { metadata: more });
    case "DaemonSet":
      return {
        ...head,
        spec: { selector: { matchLabels: { app: name } }, template: template(name) },
      };
    case "Job":
      return { ...head, spec: { parallelism: 2, template: template(name, "Never") } };
    case "CronJob":
      return {
        ...head,
        spec: { schedule: "0 3 * * *", jobTemplate: { spec: { template: template(name, "Never") } } },
      };
    case "ReplicationController":
    case "DeploymentConfig":
      return { ...head, spec: { replicas: 3, selector: { app: name }, template: template(name) } };
    case "Rollout":
      // As its controller has it: a number that is not written is one.
      return { ...head, spec: { selector: { matchLabels: { app: name } }, template: template(name) } };
  }
}

/** A CronJob with a Job that it has begun, and a node for the pods; another CronJob each time. */
export function nightly(): object[] {
  const uid = randomUUID();
  const owner = { apiVersion: "batch/v1", kind: "CronJob", name: "nightly", uid, controller: true };
  return [
    node("n1"),
    running("CronJob", "nightly", { uid }),
    running("Job", "nightly-29000001", { ownerReferences: [owner] }),
  ];
}

/** The kinds of which one object is all that changes. */
export const SINGLE_KINDS: readonly WorkloadKind[] = [
  "Deployment",
  "StatefulSet",
  "ReplicaSet",
  "DaemonSet",
  "Job",
  "ReplicationController",
  "DeploymentConfig",
  "Rollout",
];

/** What somebody else makes of it while it is stopped: neither what was found nor what was written. */
export function meddled(kind: WorkloadKind, name: string): object {
  const labels = { [INCIDENT_LABEL]: "b-someone-else" };
  const found = running(kind, name, { labels });
  const spec = { ...Reflect.get(found, "spec") };
  switch (kind) {
    case "DaemonSet": {
      const other = { nodeSelector: { "defender-reflex.dev/stopped": "b-someone-else" } };
      const pods = { ...spec.template, spec: { ...spec.template.spec, ...other } };
      return { ...found, spec: { ...spec, template: pods } };
    }
    case "Job":
    case "CronJob":
      return { ...found, spec: { ...spec, suspend: true } };
    default:
      return { ...found, spec: { ...spec, replicas: 5 } };
  }
}

/** The target of a workload. */
export function workloadTarget(workloadKind: WorkloadKind, name: string) {
  return { kind: "workload", cluster: CLUSTER, namespace: "shop", workloadKind, name } as const;
}

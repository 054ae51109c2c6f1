import type { V1Scale } from "@kubernetes/client-node";
import type { ScalableKind, WorkloadKind } from "../../model/kubernetes-objects.ts";
import type { Answer } from "./checked-answer.ts";
import type { Apis } from "./connection.ts";
import type { WorkloadSpec } from "./objects-from-api.ts";

/** The name of one object in a namespace, as the client wants it. */
export interface NamespacedName {
  readonly namespace: string;
  readonly name: string;
}

/** Where the workloads of a kind are in the API, and how to read one. */
export interface WorkloadResource {
  readonly apiGroup: string;
  readonly resource: string;
  read(apis: Apis, of: NamespacedName): Promise<Answer & { spec?: WorkloadSpec }>;
}

/** The resources of the kinds of workloads. */
export const WORKLOAD_RESOURCES: Readonly<Record<WorkloadKind, WorkloadResource>> = {
  Deployment: {
    apiGroup: "apps",
    resource: "deployments",
    read: ({ apps }, of) => apps.readNamespacedDeployment(of),
  },
  StatefulSet: {
    apiGroup: "apps",
    resource: "statefulsets",
    read: ({ apps }, of) => apps.readNamespacedStatefulSet(of),
  },
  ReplicaSet: {
    apiGroup: "apps",
    resource: "replicasets",
    read: ({ apps }, of) => apps.readNamespacedReplicaSet(of),
  },
  DaemonSet: {
    apiGroup: "apps",
    resource: "daemonsets",
    read: ({ apps }, of) => apps.readNamespacedDaemonSet(of),
  },
  Job: { apiGroup: "batch", resource: "jobs", read: ({ batch }, of) => batch.readNamespacedJob(of) },
  CronJob: {
    apiGroup: "batch",
    resource: "cronjobs",
    read: ({ batch }, of) => batch.readNamespacedCronJob(of),
  },
};

/** How the scale of a kind is read and, by merge patch, changed. */
export interface ScaleResource {
  readonly resource: string;
  read(apis: Apis, of: NamespacedName): Promise<V1Scale>;
  patch(apis: Apis, of: NamespacedName & { fieldManager: string; body: unknown }): Promise<V1Scale>;
}

/** The scale subresources of the kinds that have one; all are in the API group `apps`. */
export const SCALE_RESOURCES: Readonly<Record<ScalableKind, ScaleResource>> = {
  Deployment: {
    resource: "deployments/scale",
    read: ({ apps }, of) => apps.readNamespacedDeploymentScale(of),
    patch: ({ apps, mergePatch }, of) => apps.patchNamespacedDeploymentScale(of, mergePatch),
  },
  StatefulSet: {
    resource: "statefulsets/scale",
    read: ({ apps }, of) => apps.readNamespacedStatefulSetScale(of),
    patch: ({ apps, mergePatch }, of) => apps.patchNamespacedStatefulSetScale(of, mergePatch),
  },
  ReplicaSet: {
    resource: "replicasets/scale",
    read: ({ apps }, of) => apps.readNamespacedReplicaSetScale(of),
    patch: ({ apps, mergePatch }, of) => apps.patchNamespacedReplicaSetScale(of, mergePatch),
  },
};

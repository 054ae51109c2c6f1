import type { WorkloadKind } from "../../model/kubernetes-objects.ts";
import type { OwnedKind } from "../../model/workload-state.ts";
import type { Answer } from "./checked-answer.ts";
import type { Apis } from "./connection.ts";
import { customWorkload, selectedByLabels } from "./custom-workloads.ts";
import type { WorkloadSpec, WorkloadStatus } from "./objects-from-api.ts";

/** The name of one object in a namespace, as the client wants it. */
export interface NamespacedName {
  readonly namespace: string;
  readonly name: string;
}

/** A merge patch of one object. */
export interface WorkloadPatch extends NamespacedName {
  readonly fieldManager: string;
  readonly body: object;
}

/** A workload as any of the APIs answers it. */
export interface WorkloadAnswer extends Answer {
  spec?: WorkloadSpec;
  status?: WorkloadStatus;
}

/** Where the workloads of a kind are in the API, and how to read and change one. */
export interface WorkloadResource {
  readonly apiGroup: string;
  /** `v1` if not given. */
  readonly version?: string;
  readonly resource: string;
  read(apis: Apis, of: NamespacedName): Promise<WorkloadAnswer>;
  patch(apis: Apis, of: WorkloadPatch): Promise<WorkloadAnswer>;
}

/** The resources of the kinds of workloads. */
export const WORKLOAD_RESOURCES: Readonly<Record<WorkloadKind, WorkloadResource>> = {
  Deployment: {
    apiGroup: "apps",
    resource: "deployments",
    read: ({ apps }, of) => apps.readNamespacedDeployment(of),
    patch: ({ apps, mergePatch }, of) => apps.patchNamespacedDeployment(of, mergePatch),
  },
  StatefulSet: {
    apiGroup: "apps",
    resource: "statefulsets",
    read: ({ apps }, of) => apps.readNamespacedStatefulSet(of),
    patch: ({ apps, mergePatch }, of) => apps.patchNamespacedStatefulSet(of, mergePatch),
  },
  ReplicaSet: {
    apiGroup: "apps",
    resource: "replicasets",
    read: ({ apps }, of) => apps.readNamespacedReplicaSet(of),
    patch: ({ apps, mergePatch }, of) => apps.patchNamespacedReplicaSet(of, mergePatch),
  },
  DaemonSet: {
    apiGroup: "apps",
    resource: "daemonsets",
    read: ({ apps }, of) => apps.readNamespacedDaemonSet(of),
    patch: ({ apps, mergePatch }, of) => apps.patchNamespacedDaemonSet(of, mergePatch),
  },
  Job: {
    apiGroup: "batch",
    resource: "jobs",
    read: ({ batch }, of) => batch.readNamespacedJob(of),
    patch: ({ batch, mergePatch }, of) => batch.patchNamespacedJob(of, mergePatch),
  },
  CronJob: {
    apiGroup: "batch",
    resource: "cronjobs",
    read: ({ batch }, of) => batch.readNamespacedCronJob(of),
    patch: ({ batch, mergePatch }, of) => batch.patchNamespacedCronJob(of, mergePatch),
  },
  ReplicationController: {
    apiGroup: "",
    resource: "replicationcontrollers",
    read: async ({ core }, of) => selectedByLabels(await core.readNamespacedReplicationController(of)),
    patch: async ({ core, mergePatch }, of) =>
      selectedByLabels(await core.patchNamespacedReplicationController(of, mergePatch)),
  },
  DeploymentConfig: customWorkload({
    group: "apps.openshift.io",
    version: "v1",
    plural: "deploymentconfigs",
  }),
  Rollout: customWorkload({ group: "argoproj.io", version: "v1alpha1", plural: "rollouts" }),
};

/** One page of the workloads of a kind. */
export interface WorkloadPage {
  readonly answer: { kind?: string; items?: WorkloadAnswer[] };
  readonly next: string | undefined;
}

interface PageOf {
  readonly namespace: string;
  readonly limit: number;
  readonly _continue?: string;
}

/** How the kinds that stand between another and its pods are listed. */
export const OWNED_LISTS: Readonly<Record<OwnedKind, (apis: Apis, of: PageOf) => Promise<WorkloadPage>>> = {
  async ReplicaSet({ apps }, of) {
    const answer = await apps.listNamespacedReplicaSet(of);
    return { answer, next: answer.metadata?._continue };
  },
  async ReplicationController({ core }, of) {
    const { kind, items, metadata } = await core.listNamespacedReplicationController(of);
    const listed = Array.isArray(items) ? { items: items.map(selectedByLabels) } : {};
    return {
      answer: { ...(kind === undefined ? {} : { kind }), ...listed },
      next: metadata?._continue,
    };
  },
  async Job({ batch }, of) {
    const answer = await batch.listNamespacedJob(of);
    return { answer, next: answer.metadata?._continue };
  },
};

import type { Labels, Workload, WorkloadKind } from "./kubernetes-objects.ts";

/** The key in a DaemonSet's node selector that no node has: it is how its pods are asked to go. */
export const STOP_KEY = "defender-reflex.dev/stopped";

/** By which field of its specification a workload is stopped. */
export type StopField = "replicas" | "suspend" | "nodeSelector";

/** The field of each kind. Measured: a DaemonSet has no number of pods, Jobs and CronJobs are suspended. */
export const STOP_FIELDS: Readonly<Record<WorkloadKind, StopField>> = {
  Deployment: "replicas",
  StatefulSet: "replicas",
  ReplicaSet: "replicas",
  DaemonSet: "nodeSelector",
  Job: "suspend",
  CronJob: "suspend",
  ReplicationController: "replicas",
  DeploymentConfig: "replicas",
  Rollout: "replicas",
};

/** The API group of each kind, empty for the core's. */
export const WORKLOAD_GROUPS: Readonly<Record<WorkloadKind, string>> = {
  Deployment: "apps",
  StatefulSet: "apps",
  ReplicaSet: "apps",
  DaemonSet: "apps",
  Job: "batch",
  CronJob: "batch",
  ReplicationController: "",
  DeploymentConfig: "apps.openshift.io",
  Rollout: "argoproj.io",
};

/** What is in that field: a number of pods, suspended or not, the value under `STOP_KEY`; null where it is absent. */
export type StopValue = number | boolean | string | null;

/** A workload with what stops it and what is left of it. */
export interface WorkloadState extends Workload {
  readonly stop: StopValue;
  /** How many pods it has, as its controller last counted; those that are ending may not be among them. */
  readonly present: number;
  /** A Job that has completed or failed: nothing of it runs any more. */
  readonly ended: boolean;
}

/** What becomes of a workload in one change. Keys that are not named stay as they are; null takes one off. */
export interface WorkloadChange {
  /** Undefined: it stays as it is. */
  readonly stop?: StopValue;
  readonly labels: Readonly<Record<string, string | null>>;
  readonly annotations: Readonly<Record<string, string | null>>;
}

/** The kinds that stand between another workload and its pods. */
export const OWNED_KINDS = ["ReplicaSet", "ReplicationController", "Job"] as const;

/** One of the kinds that stand between another workload and its pods. */
export type OwnedKind = (typeof OWNED_KINDS)[number];

/** What stands between a kind and its pods; null: nothing does. */
export function betweenKind(kind: WorkloadKind): OwnedKind | null {
  switch (kind) {
    case "Deployment":
    case "Rollout":
      return "ReplicaSet";
    case "DeploymentConfig":
      return "ReplicationController";
    case "CronJob":
      return "Job";
    default:
      return null;
  }
}

/** A HorizontalPodAutoscaler, as far as it tells who scales what. */
export interface Autoscaler {
  readonly name: string;
  readonly labels: Labels;
  readonly target: { readonly kind: string; readonly name: string };
  readonly least: number;
  readonly most: number;
}

import type { AdmissionList } from "./admission-list.ts";
import type { FieldManager } from "./field-managers.ts";

/** A label or annotation map. */
export type Labels = Readonly<Record<string, string>>;

/** A requirement of a label selector, as the API writes it. */
export interface LabelExpression {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values: readonly string[];
}

/** A label selector; empty in both parts it selects everything. */
export interface LabelSelector {
  readonly matchLabels: Labels;
  readonly matchExpressions: readonly LabelExpression[];
}

/** Who controls an object: the owner reference with `controller: true`. */
export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** What every object that we read has in common. */
export interface ObjectIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** ISO 8601. */
  readonly createdAt: string;
  /** True from the moment that somebody deleted it until it is gone. */
  readonly deleting: boolean;
  readonly controller: Owner | null;
  /** Who set which fields; not more of it than an honest object has. */
  readonly managers: readonly FieldManager[];
}

/** One container of a pod: its name, the reference in the specification, the digest that really runs if known. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly digest: string | null;
}

/** A pod, as far as playbooks and guard need it. */
export interface Pod extends ObjectIdentity {
  readonly node: string | null;
  readonly hostNetwork: boolean;
  /** A static pod that the API only mirrors: it cannot be changed usefully. */
  readonly mirror: boolean;
  readonly priorityClass: string | null;
  readonly serviceAccount: string | null;
  readonly phase: string | null;
  /** Does it take what its services send? */
  readonly ready: boolean;
  readonly containers: readonly Container[];
}

/** A node, as far as playbooks and guard need it. */
export interface Node {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** ISO 8601. */
  readonly createdAt: string;
  /** Who set which fields, as in `ObjectIdentity`. */
  readonly managers: readonly FieldManager[];
  /** Cordoned: the scheduler puts no new pods on it. */
  readonly unschedulable: boolean;
  readonly ready: boolean;
  readonly operatingSystem: string | null;
  readonly osImage: string | null;
  /** Its machine in the cloud: `azure://` before the ARM id; null where nobody told the cluster. */
  readonly providerId: string | null;
}

/** A namespace with its labels and annotations. */
export interface Namespace {
  readonly name: string;
  readonly uid: string;
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** The kinds of workloads we can read. */
export const WORKLOAD_KINDS = [
  "Deployment",
  "StatefulSet",
  "ReplicaSet",
  "DaemonSet",
  "Job",
  "CronJob",
  "ReplicationController",
  "DeploymentConfig",
  "Rollout",
] as const;

/** One of the kinds of workloads. */
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

/** A workload controller. `replicas` is null for kinds that have none. */
export interface Workload extends ObjectIdentity {
  readonly kind: WorkloadKind;
  readonly replicas: number | null;
  readonly selector: LabelSelector | null;
  readonly templateLabels: Labels;
  readonly priorityClass: string | null;
  /** StatefulSet only: what becomes of the volume claims when it is scaled down. */
  readonly claimsWhenScaled: "Retain" | "Delete" | null;
}

/** A NetworkPolicy; `spec` is kept as the API server returned it. */
export interface NetworkPolicy extends ObjectIdentity {
  readonly podSelector: LabelSelector;
  /** With the API's default applied when absent. */
  readonly policyTypes: readonly ("Ingress" | "Egress")[];
  readonly spec: unknown;
}

/**
 * The operator's block list, where the manifest is whole, and the entries that it holds (key to value). `ConfigMap`: the
 * policy is that of an earlier version, which an API server may stop to read (docs/decisions/0018).
 */
export interface BlockList extends AdmissionList {
  readonly form: "AdmissionList" | "ConfigMap";
  /** The cluster was not asked: this is the list as it is laid out for it. Absent: it was read in the cluster. */
  readonly pulled?: PulledList;
}

/** Where a cluster fetches our list from by itself, and what its Flux last reported of that. */
export interface PulledList {
  /** Address of the list; whoever may write there decides what it holds. */
  readonly place: string;
  /** How often the cluster looks for a new one. */
  readonly everySeconds: number;
  /** Azure's word (`Compliant`, `Non-Compliant`, `Pending`, …) and when it heard of it, ISO 8601; null: it says nothing. */
  readonly compliance: { readonly state: string; readonly at: string | null } | null;
}

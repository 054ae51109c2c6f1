import type { WorkloadKind } from "./kubernetes-objects.ts";
import type { Target } from "./target.ts";

/** An object of a cluster, as an Event names what it is about. */
export interface RegardedObject {
  readonly apiVersion: string;
  readonly kind: string;
  /** Null for what is in no namespace. */
  readonly namespace: string | null;
  readonly name: string;
  readonly uid: string;
}

/** What the owner of an object is told, as an Event beside the object. */
export interface OwnerEvent {
  /** Derived from the remediation: written twice it is one Event. */
  readonly name: string;
  readonly regarding: RegardedObject;
  /** A word for machines and filters: `ReflexApplied`. */
  readonly reason: string;
  /** For people; 1,024 bytes at most. */
  readonly note: string;
  /** It stands out among the Events of every day. */
  readonly isWarning: boolean;
  readonly at: Date;
}

const GROUPS: Readonly<Record<WorkloadKind, string>> = {
  Deployment: "apps/v1",
  StatefulSet: "apps/v1",
  ReplicaSet: "apps/v1",
  DaemonSet: "apps/v1",
  Job: "batch/v1",
  CronJob: "batch/v1",
  ReplicationController: "v1",
  DeploymentConfig: "apps.openshift.io/v1",
  Rollout: "argoproj.io/v1alpha1",
};

/** The object that a target is and its owner looks at; null where it is none, such as an image. */
export function regardedBy(target: Target, uid: string): RegardedObject | null {
  switch (target.kind) {
    case "pod":
      return { apiVersion: "v1", kind: "Pod", namespace: target.namespace, name: target.name, uid };
    case "workload": {
      const { workloadKind: kind, namespace, name } = target;
      return { apiVersion: GROUPS[kind], kind, namespace, name, uid };
    }
    case "namespace":
      return { apiVersion: "v1", kind: "Namespace", namespace: null, name: target.name, uid };
    case "node":
      return { apiVersion: "v1", kind: "Node", namespace: null, name: target.name, uid };
    case "service":
      return { apiVersion: "v1", kind: "Service", namespace: target.namespace, name: target.name, uid };
    case "service-account":
      return {
        apiVersion: "v1",
        kind: "ServiceAccount",
        namespace: target.namespace,
        name: target.name,
        uid,
      };
    case "webhook": {
      const { webhookKind: kind, name } = target;
      return { apiVersion: "admissionregistration.k8s.io/v1", kind, namespace: null, name, uid };
    }
    case "role-binding": {
      const { namespace, name } = target;
      const kind = namespace === null ? "ClusterRoleBinding" : "RoleBinding";
      return { apiVersion: "rbac.authorization.k8s.io/v1", kind, namespace, name, uid };
    }
    case "alert":
    case "image":
    case "cluster":
      return null;
  }
}

import type { LabelSelector, ObjectIdentity } from "./kubernetes-objects.ts";

/** A service of a namespace, as far as it finds its pods by labels. */
export interface Service extends ObjectIdentity {
  /** Null where somebody else lists its endpoints: then labels do not matter to it. */
  readonly selector: Readonly<Record<string, string>> | null;
}

/** A PodDisruptionBudget, as far as it counts pods by labels. */
export interface DisruptionBudget extends ObjectIdentity {
  /** Null where it counts none. */
  readonly selector: LabelSelector | null;
  /** How many of its pods may be evicted now; null where its controller has not counted yet. */
  readonly allowed: number | null;
}

/** Something that may not exist, and that our identity may not be allowed to ask for. */
export type Sighting = "there" | "absent" | "unread";

/** What Cilium's agent reports of one pod, each null where it does not say. */
export interface CiliumEndpoint {
  /** `ready` once what was last computed is in force. */
  readonly state: string | null;
  /** The labels that make the identity, each as `k8s:key=value`; a policy selects by these and no others. */
  readonly identityLabels: readonly string[] | null;
  readonly ingress: CiliumDirection;
  readonly egress: CiliumDirection;
}

/** One direction as Cilium's agent reports it; agents report it only where they are told to. */
export interface CiliumDirection {
  /** Null where it does not say. */
  readonly enforcing: boolean | null;
  /** Numbers of the identities that are still let through. */
  readonly allowed: readonly number[];
}

/** What surrounds a pod in its network: services, budgets, and who enforces policies. Errors as in `KubernetesReader`. */
export interface NetworkSurroundings {
  /** The services of a namespace. */
  services(namespace: string): Promise<readonly Service[]>;
  /** The disruption budgets of a namespace; without one, of the whole cluster. */
  disruptionBudgets(namespace?: string): Promise<readonly DisruptionBudget[]>;
  /** Is a DaemonSet of that name there? `unread` where our identity may not ask. */
  daemonSet(namespace: string, name: string): Promise<Sighting>;
  /** The API groups that the cluster serves; null where our identity may not ask. */
  apiGroups(): Promise<readonly string[] | null>;
  /** What Cilium reports of a pod; null where it reports nothing, `unread` where our identity may not ask. */
  ciliumEndpoint(namespace: string, pod: string): Promise<CiliumEndpoint | "unread" | null>;
}

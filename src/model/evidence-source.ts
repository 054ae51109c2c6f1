import type { NetworkPolicy, WorkloadKind } from "./kubernetes-objects.ts";

/** What reading gave, or in one sentence why there is nothing. */
export type Reading<T> = { readonly found: T } | { readonly missing: string };

/** An object as the API server has it, without `managedFields`. */
export type RawObject = Readonly<Record<string, unknown>>;

/** Objects of a list; `whole`: these are all. */
export interface RawList {
  readonly items: readonly RawObject[];
  readonly whole: boolean;
}

/** What a container printed, as bytes: whoever runs in it chooses them. `cut`: there was more. */
export interface ContainerLog {
  readonly bytes: Uint8Array;
  readonly cut: boolean;
}

/** Which log, and how much of it: its last lines, and of these the first bytes. */
export interface LogQuestion {
  readonly container: string;
  /** The log of the container that ran before the present one. */
  readonly previous: boolean;
  readonly lastLines: number;
  readonly mostBytes: number;
}

/**
 * What evidence is made of. What is not there or may not be read is an answer, not an error: the rest is worth keeping.
 * Raises `Retryable` where the API server does not answer, `Refused` for a bad name.
 */
export interface EvidenceSource {
  rawPod(namespace: string, name: string): Promise<Reading<RawObject>>;
  rawWorkload(kind: WorkloadKind, namespace: string, name: string): Promise<Reading<RawObject>>;
  rawNode(name: string): Promise<Reading<RawObject>>;
  rawServiceAccount(namespace: string, name: string): Promise<Reading<RawObject>>;
  /** What was told of the object of that uid. */
  events(namespace: string, uid: string): Promise<Reading<RawList>>;
  roleBindings(namespace: string): Promise<Reading<RawList>>;
  clusterRoleBindings(): Promise<Reading<RawList>>;
  readableNetworkPolicies(namespace: string): Promise<Reading<readonly NetworkPolicy[]>>;
  /** Never raises for what its node does: a node that has gone or is silent gives no log. */
  log(namespace: string, pod: string, question: LogQuestion): Promise<Reading<ContainerLog>>;
}

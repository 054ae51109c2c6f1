import type { AdmissionList, SeenList } from "./admission-list.ts";
import type { EnginePolicyReader, EnginePolicyWriter } from "./engine-policies.ts";
import type { EvidenceSource } from "./evidence-source.ts";
import type { ServiceReader, ServiceWriter } from "./exposed-service.ts";
import type {
  BlockList,
  LabelSelector,
  Namespace,
  NetworkPolicy,
  Node,
  Pod,
  Workload,
  WorkloadKind,
} from "./kubernetes-objects.ts";
import type { EgressPolicy } from "./network-policies.ts";
import type { NetworkSurroundings } from "./network-surroundings.ts";
import type { NodeReader } from "./node-port.ts";
import type { OwnerEvent } from "./owner-event.ts";
import type { PodFacts } from "./pod-facts.ts";
import type { PodRuleAction, PodRuleLists } from "./pod-rules.ts";
import type { RoleBindingReader, RoleBindingWriter } from "./role-binding.ts";
import type { ScaledObjectReader, ScaledObjectWriter } from "./scaled-object.ts";
import type { ServiceAccountReader, ServiceAccountWriter } from "./service-account.ts";
import type { SessionListReader, SessionListWriter } from "./session-list.ts";
import type { Trial, TriedPod } from "./tried-pod.ts";
import type { WebhookReader, WebhookWriter } from "./webhook.ts";
import type { Autoscaler, OwnedKind, WorkloadChange, WorkloadState } from "./workload-state.ts";

/**
 * What may be read of one cluster. Absent objects are null. Every name is checked against RFC 1123 before a
 * request leaves; a bad one raises `Refused`. Other errors: `Retryable` (429, 5xx, unreachable), `Permanent` (401, 403, 422).
 */
export interface KubernetesReader
  extends EvidenceSource,
    NetworkSurroundings,
    EnginePolicyReader,
    NodeReader,
    RoleBindingReader,
    ServiceAccountReader,
    WebhookReader,
    ServiceReader,
    SessionListReader,
    ScaledObjectReader {
  /** Nothing of the cluster can be read, it only fetches our lists: all but these raises `Refused`. Absent: it can be read. */
  readonly pulls?: true;
  pod(namespace: string, name: string): Promise<Pod | null>;
  /** The pods of a namespace, 2,000 at most; `whole` says whether these are all. */
  pods(namespace: string): Promise<{ readonly pods: readonly Pod[]; readonly whole: boolean }>;
  namespace(name: string): Promise<Namespace | null>;
  node(name: string): Promise<Node | null>;
  workload(kind: WorkloadKind, namespace: string, name: string): Promise<Workload | null>;
  /** As `workload`, with what stops it and what is left of it. */
  workloadState(kind: WorkloadKind, namespace: string, name: string): Promise<WorkloadState | null>;
  /** The workloads of a kind that stands between another and its pods, 2,000 at most; `whole` says whether these are all. */
  ownedWorkloads(
    kind: OwnedKind,
    namespace: string,
  ): Promise<{ readonly workloads: readonly WorkloadState[]; readonly whole: boolean }>;
  /** The HorizontalPodAutoscalers of a namespace. */
  autoscalers(namespace: string): Promise<readonly Autoscaler[]>;
  networkPolicy(namespace: string, name: string): Promise<NetworkPolicy | null>;
  networkPolicies(namespace: string): Promise<readonly NetworkPolicy[]>;
  /** Null when the policy, its binding or the list itself is missing; `missing` of the refusal is the caller's to word. */
  blockList(): Promise<BlockList | null>;
  /** As `blockList`: the workloads of which new pods are refused. */
  holdList(): Promise<AdmissionList | null>;
  /**
   * What the API server says to these pods, each tried as a pod template in our own namespace and never stored. So many
   * connections are opened for it, one after the other, since every API server has a cache of its own: one row for each.
   * Null where our identity may not try.
   */
  tryPods(pods: readonly TriedPod[], connections: number): Promise<readonly (readonly Trial[])[] | null>;
  /** The pod rules; null where policy, bindings or lists are missing, `unserved` where Kubernetes is too old for them. */
  podRules(): Promise<PodRuleLists | "unserved" | null>;
  /** Shows every pod of the cluster, page by page, 10,000 at most; true: these were all. */
  eachPod(look: (pod: PodFacts) => void): Promise<boolean>;
  /**
   * What a remediation marked in the whole cluster: objects with our incident label, and entries of our lists. Kinds and
   * lists that the cluster does not have, or that our identity may neither list nor change, have none.
   */
  marked(): Promise<readonly { readonly object: string; readonly remediationId: string }[]>;
}

/** State that a conditional write demands; when it moved meanwhile the write raises `Retryable` with no delay. */
export interface Precondition {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** A NetworkPolicy that denies everything to and from the pods with one label. */
export interface DenyAllPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly podLabel: readonly [key: string, value: string];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * What may be changed in one cluster. Every write carries the strongest precondition the API has, and its answer
 * is checked for kind, name and uid: HTML with 200 is not success. Errors as in `KubernetesReader`.
 */
export interface KubernetesWriter
  extends EnginePolicyWriter,
    RoleBindingWriter,
    ServiceAccountWriter,
    WebhookWriter,
    ServiceWriter,
    SessionListWriter,
    ScaledObjectWriter {
  /** Creates the policy; `Conflict` when one of that name exists. */
  createDenyAllPolicy(policy: DenyAllPolicy): Promise<NetworkPolicy>;
  /** Creates the policy; `Conflict` when one of that name exists. */
  createEgressPolicy(policy: EgressPolicy): Promise<NetworkPolicy>;
  /** Deletes the policy of that uid; already gone is fine. */
  deleteNetworkPolicy(namespace: string, name: string, condition: { readonly uid: string }): Promise<void>;
  /** Sets (text) and removes (null) labels of a pod in one conditional change. */
  labelPod(
    namespace: string,
    name: string,
    condition: Precondition,
    labels: Readonly<Record<string, string | null>>,
  ): Promise<Pod>;
  /** Has a pod of that state end, within its own time to end; already gone is fine. No disruption budget is asked. */
  deletePod(namespace: string, name: string, condition: Precondition): Promise<void>;
  /**
   * As `deletePod`, but asks the disruption budgets: `Retryable` where one allows nothing now. The uid alone is the
   * condition, since the API server itself moves the version while it evicts.
   */
  evictPod(namespace: string, name: string, condition: { readonly uid: string }): Promise<void>;
  /** As `evictPod`, for one of many: says `held` where a budget allows nothing now, `ending` also where it has gone already. */
  askEviction(
    namespace: string,
    name: string,
    condition: { readonly uid: string },
  ): Promise<"ending" | "held">;
  /** Keeps new pods off a node or lets them on again, and sets (text) and removes (null) labels, in one conditional change. */
  cordonNode(
    name: string,
    condition: Precondition,
    change: { readonly unschedulable: boolean; readonly labels: Readonly<Record<string, string | null>> },
  ): Promise<Node>;
  /** Stops a workload or lets it go on, and marks it, in one conditional change; nothing else of it is written. */
  changeWorkload(
    kind: WorkloadKind,
    namespace: string,
    name: string,
    condition: Precondition,
    change: WorkloadChange,
  ): Promise<WorkloadState>;
  /** Adds (text) and removes (null) entries of the block list in one change, if each of these is still as `seen`. */
  changeBlockList(
    seen: SeenList & Pick<BlockList, "form">,
    entries: Readonly<Record<string, string | null>>,
  ): Promise<BlockList>;
  /** Leaves an Event beside an object; one of that name is there already: fine. */
  recordEvent(event: OwnerEvent): Promise<void>;
  /** As `changeBlockList`, of the workloads of which new pods are refused. */
  changeHoldList(seen: SeenList, entries: Readonly<Record<string, string | null>>): Promise<AdmissionList>;
  /** As `changeBlockList`, of the pod rules of one action. */
  changePodRules(
    action: PodRuleAction,
    seen: SeenList,
    entries: Readonly<Record<string, string | null>>,
  ): Promise<AdmissionList>;
}

/** Selects by labels exactly as the API server does. */
export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const equal = Object.entries(selector.matchLabels).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  );
  return equal && selector.matchExpressions.every((expression) => holds(expression, labels));
}

function holds(
  { key, operator, values }: LabelSelector["matchExpressions"][number],
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

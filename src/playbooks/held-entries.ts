import { z } from "zod";
import { type AdmissionList, LIST_GROUP, LIST_RESOURCE, MOST_ENTRIES } from "../model/admission-list.ts";
import { Conflict, Refused } from "../model/errors.ts";
import { blockListValue, HOLD_LIST, HOLD_POLICY, OWN_NAMESPACE } from "../model/incident-mark.ts";
import type { WorkloadKind } from "../model/kubernetes-objects.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import type { PlanStep } from "../model/plan.ts";
import type { KubernetesPermission, WritePorts } from "../model/playbook.ts";
import { betweenKind, WORKLOAD_GROUPS, type WorkloadState } from "../model/workload-state.ts";
import { byWhom } from "./foreign-change.ts";
import { touchedField } from "./touched-field.ts";

/** The keys that one remediation adds to the list of held workloads. */
export const heldKeysSchema = z.array(z.string()).min(1);

const admission = {
  apiGroup: "admissionregistration.k8s.io",
  verbs: ["get"],
  resourceNames: [HOLD_POLICY],
};

/** What reading and changing the list needs. */
export const holdPermissions: readonly KubernetesPermission[] = [
  { ...admission, resource: "validatingadmissionpolicies" },
  { ...admission, resource: "validatingadmissionpolicybindings" },
  {
    apiGroup: LIST_GROUP,
    resource: LIST_RESOURCE,
    verbs: ["get", "patch"],
    resourceNames: [HOLD_LIST],
    namespace: OWN_NAMESPACE,
  },
];

/**
 * The key of a workload in the list, as infra/kubernetes/6-hold-workloads.yaml makes it of a controlling owner. No name
 * holds an underscore, so that no two owners share a key.
 */
export function heldKey(namespace: string, kind: WorkloadKind, name: string): string {
  const group = WORKLOAD_GROUPS[kind];
  return `${namespace}_${kind}${group === "" ? "" : `.${group}`}_${name}`;
}

/** The labels by which a controller tells its ReplicaSets apart, whose value ends the ReplicaSet's name. */
const HASHES: readonly string[] = ["pod-template-hash", "rollouts-pod-template-hash"];

/**
 * Every owner by whose name new pods of a workload are refused: the workload itself, and what stands between it and its
 * pods now and is not known by its name. A ReplicaSet that a Deployment or Rollout made is: the policy finds its owner's
 * name in its own. What comes later between them is refused as the workload's.
 */
export async function heldKeys(
  workload: WorkloadState,
  reader: KubernetesReader,
): Promise<{ readonly keys: readonly string[] } | { readonly obstacle: string }> {
  const { namespace, kind, name, uid } = workload;
  const between = betweenKind(kind);
  const owned = between === null ? null : await reader.ownedWorkloads(between, namespace);
  if (owned !== null && !owned.whole) {
    return { obstacle: `cannot be held: its namespace has more of ${between} than can be looked through` };
  }
  const own = (owned?.workloads ?? [])
    .filter(({ controller, ended }) => controller?.uid === uid && !ended)
    .filter((one) => !isNamedAfter(one, name));
  const keys = [
    heldKey(namespace, kind, name),
    ...own.map((one) => heldKey(namespace, one.kind, one.name)).toSorted(),
  ];
  return { keys };
}

/** By its selector, which nobody can change and all its pods have to fit; its own labels anybody could. */
function isNamedAfter({ kind, name, selector }: WorkloadState, owner: string): boolean {
  const labels = selector?.matchLabels ?? {};
  return (
    kind === "ReplicaSet" &&
    HASHES.some((key) => Object.hasOwn(labels, key) && name === `${owner}-${labels[key]}`)
  );
}

/** What of a list is to be added, and what of it holds already under somebody else's name. */
interface OwnKeys {
  readonly free: readonly string[];
  readonly taken: readonly string[];
}

/** The keys by which a workload is held; an obstacle where it cannot be. Raises `Refused` without a list. */
export async function holdOf(
  workload: WorkloadState,
  reader: KubernetesReader,
  remediationId: string,
): Promise<OwnKeys | { readonly obstacle: string }> {
  const found = await heldKeys(workload, reader);
  if ("obstacle" in found) return found;
  const list = requireHoldList(await reader.holdList());
  const own = ownKeys(list, found.keys, remediationId);
  return Object.keys({ ...list.entries, ...Object.fromEntries(own.free.map((key) => [key, ""])) }).length >
    MOST_ENTRIES
    ? { obstacle: `cannot be held: the list of held workloads is full with ${MOST_ENTRIES} entries` }
    : own;
}

function ownKeys(list: AdmissionList, keys: readonly string[], remediationId: string): OwnKeys {
  const value = blockListValue(remediationId);
  const free = keys.filter((key) => isFree(list, key, value));
  return { free, taken: keys.filter((key) => !free.includes(key)) };
}

/** The steps of a plan that add them. */
export function holdSteps(cluster: string, keys: readonly string[], remediationId: string): PlanStep[] {
  return keys.map((key) => ({
    sentence: `add ${key} to the list of held workloads`,
    touches: [touchedField(cluster, `${LIST_RESOURCE}/${OWN_NAMESPACE}/${HOLD_LIST}`, `spec.entries.${key}`)],
    before: null,
    after: blockListValue(remediationId),
  }));
}

/** What one remediation holds, in which cluster. */
export interface Held {
  readonly cluster: string;
  readonly keys: readonly string[];
  readonly remediationId: string;
}

/** Adds what is missing. Raises `Refused` without a list, `Conflict` where somebody else has written one of the keys. */
export async function hold(
  { cluster, keys, remediationId }: Held,
  { read, write }: WritePorts,
): Promise<void> {
  const list = requireHoldList(await read.kubernetes(cluster).holdList());
  requireOwn(list, keys, remediationId);
  const missing = keys.filter((key) => list.entries[key] === undefined);
  if (missing.length === 0) return;
  const value = blockListValue(remediationId);
  await write
    .kubernetes(cluster)
    .changeHoldList(list, Object.fromEntries(missing.map((key) => [key, value])));
}

/** Why it does not hold; null: every key is there as we wrote it. */
export function whyNotHeld(list: AdmissionList | null, { keys, remediationId }: Held): string | null {
  if (list === null) return "The list of held workloads, its admission policy or its binding has gone.";
  const value = blockListValue(remediationId);
  const lost = keys.filter((key) => list.entries[key] !== value);
  return lost.length === 0
    ? null
    : `The list of held workloads does not hold ${lost.join(", ")} as we wrote it.`;
}

/** Takes what is there out again; says whether there is a list at all. Raises `Conflict` over somebody else's value. */
export async function release(
  { cluster, keys, remediationId }: Held,
  { read, write }: WritePorts,
): Promise<"released" | "gone"> {
  const list = await read.kubernetes(cluster).holdList();
  if (list === null) return "gone";
  requireOwn(list, keys, remediationId);
  const present = keys.filter((key) => list.entries[key] !== undefined);
  if (present.length === 0) return "released";
  await write.kubernetes(cluster).changeHoldList(list, Object.fromEntries(present.map((key) => [key, null])));
  return "released";
}

/** The list; raises `Refused` where the operator has not installed it. */
function requireHoldList(list: AdmissionList | null): AdmissionList {
  if (list === null) {
    throw new Refused(
      `The cluster has no list of held workloads: admission policy ${HOLD_POLICY}, its binding and AdmissionList ${OWN_NAMESPACE}/${HOLD_LIST} are needed.`,
      "Apply the operator's manifests once: kubectl apply -f infra/kubernetes",
    );
  }
  return list;
}

/** Raises `Conflict` where somebody else has put another value under one of the keys. */
export function requireOwn(list: AdmissionList, keys: readonly string[], remediationId: string): void {
  const { taken } = ownKeys(list, keys, remediationId);
  if (taken.length === 0) return;
  throw new Conflict(
    `Somebody else has changed ${taken.join(", ")} in the list of held workloads.`,
    `Look at AdmissionList ${OWN_NAMESPACE}/${HOLD_LIST}: these entries were left alone.`,
    {
      remains: taken.map(
        (key) =>
          `The list of held workloads keeps ${key} as somebody else wrote it${byWhom(list, ["spec", "entries", key])}.`,
      ),
    },
  );
}

function isFree({ entries }: AdmissionList, key: string, value: string): boolean {
  return entries[key] === undefined || entries[key] === value;
}

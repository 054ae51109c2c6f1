import type { EnginePolicy } from "../model/engine-policies.ts";
import { Conflict } from "../model/errors.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { NetworkPolicy, Pod } from "../model/kubernetes-objects.ts";
import type { KubernetesReader, KubernetesWriter } from "../model/kubernetes-port.ts";
import type { Plan } from "../model/plan.ts";
import type { ReadPorts, RevertOutcome, Verification, WritePorts } from "../model/playbook.ts";
import { engineAcknowledges } from "./engine-acknowledges.ts";
import { byWhom } from "./foreign-change.ts";
import { labelsPutBack, lostMark, lostPolicy, policiesSince } from "./isolation-drift.ts";
import { isolationData, labelsBack, requireLabels, requireOwnLabel } from "./isolation-labels.ts";
import { agentGone } from "./network-engine.ts";
import { type Direction, networkVerdict, type ResidualRule } from "./network-verdict.ts";
import { plannedTarget } from "./planned-target.ts";

/** The policy of one remediation, and how it is known. */
export interface OwnPolicy {
  readonly name: string;
  /** The label by which it selects, whose value is the remediation's id. */
  readonly label: string;
  isOurs(policy: NetworkPolicy): boolean;
  /** Raises `Conflict` where the policy of that name is not, or is no longer, ours. */
  requireOurs(policy: NetworkPolicy): void;
  create(writer: KubernetesWriter): Promise<unknown>;
  /** A second one, of the engine's own kind. */
  readonly deny?: OwnDeny;
  /** Raises `Conflict` where it would open something by now; asked before it is made. */
  mayBeMade?(pod: Pod, reader: KubernetesReader): Promise<void>;
}

/** A policy of the engine's own kind that denies, beside the other, and how it is known. */
export interface OwnDeny {
  /** Its kind and name, for the beginning of a sentence. */
  readonly words: string;
  read(reader: KubernetesReader): Promise<EnginePolicy | null>;
  isOurs(policy: EnginePolicy): boolean;
  /** Raises `Conflict` where the policy of that name is not, or is no longer, ours. */
  requireOurs(policy: EnginePolicy): void;
  /** What the engine says against it on the pod's node, a sentence each. */
  complaints(policy: EnginePolicy, node: string | null): readonly string[];
  create(writer: KubernetesWriter): Promise<unknown>;
  remove(writer: KubernetesWriter, policy: EnginePolicy): Promise<void>;
}

/** What the policies leave to a marked pod: rules that should not be there, and sentences for all of it. */
export interface Left {
  readonly rules: readonly ResidualRule[];
  readonly words: readonly string[];
}

/**
 * The policy first, which selects nothing without the label; then in one conditional patch the label on, and those off by
 * which others let traffic through. Raises `Conflict` where pod, labels or policy are not as planned.
 */
export async function markPod(plan: Plan, own: OwnPolicy, { read, write }: WritePorts): Promise<void> {
  const { cluster, namespace, name } = plannedTarget(plan, "pod");
  const reader = read.kubernetes(cluster);
  const pod = await reader.pod(namespace, name);
  if (pod === null || pod.uid !== plan.identity) {
    throw new Conflict(
      `Pod ${namespace}/${name} has gone since the plan was made.`,
      "Nothing is left to be contained; a new pod of that name needs a plan of its own.",
    );
  }
  requireOwnLabel(pod, plan.remediationId, own.label);
  const { removed } = isolationData.parse(plan.data);
  const existing = await reader.networkPolicy(namespace, own.name);
  if (existing !== null) own.requireOurs(existing);
  const denying = (await own.deny?.read(reader)) ?? null;
  if (denying !== null) own.deny?.requireOurs(denying);
  const isMarked = pod.labels[own.label] !== undefined;
  if (!isMarked) {
    requireLabels(pod, removed, "as the plan saw it");
    await own.mayBeMade?.(pod, reader);
  }
  if (existing === null) await own.create(write.kubernetes(cluster));
  if (denying === null) await own.deny?.create(write.kubernetes(cluster));
  if (isMarked) return;
  const off = Object.fromEntries(Object.keys(removed).map((key) => [key, null]));
  const labels = { ...off, [own.label]: plan.remediationId };
  await write.kubernetes(cluster).labelPod(namespace, name, pod, labels);
}

/** Reads back whether pod and policy are as they were made, what is left to the pod, who changed it, and what its engine says. */
export async function verifyMark(
  plan: Plan,
  own: OwnPolicy,
  judged: {
    readonly directions: readonly Direction[];
    /** Does our policy let anything through? */
    readonly keeps: boolean;
    left(pod: Pod, policies: readonly NetworkPolicy[]): Left | Promise<Left>;
  },
  { read }: ReadPorts,
): Promise<Verification> {
  const { cluster, namespace, name } = plannedTarget(plan, "pod");
  const reader = read.kubernetes(cluster);
  const [pod, policies] = await Promise.all([reader.pod(namespace, name), reader.networkPolicies(namespace)]);
  if (pod === null || pod.uid !== plan.identity) {
    return { verdict: "absent", reason: `Pod ${namespace}/${name} has gone.` };
  }
  const ours = policies.find((candidate) => candidate.name === own.name);
  const denying = (await own.deny?.read(reader)) ?? null;
  const isolation = heldByIsolation(pod, own, policies, judged.directions);
  const lost =
    (isolation === null ? lostMark(pod, plan.remediationId, own.label) : null) ??
    lostPolicy(ours, `${namespace}/${own.name}`, (policy) => own.isOurs(policy)) ??
    (own.deny === undefined ? null : lostDeny(own.deny, denying));
  if (lost !== null) return { verdict: "absent", reason: lost };
  const { removed, engine, agent } = isolationData.parse(plan.data);
  const { rules, words: left } = await judged.left(pod, policies);
  const words = [...left, ...(denying === null ? [] : (own.deny?.complaints(denying, pod.node) ?? []))];
  const putBack = labelsPutBack(pod, removed);
  if (words.length > 0) {
    const since = policiesSince(pod, policies, new Set(rules.map(({ policy }) => policy)), own.label);
    return { verdict: "partial", remains: [...words, ...putBack, ...since] };
  }
  const mark = isolation ?? ([own.label, plan.remediationId] as const);
  const stands = isolation === null ? judged : { ...judged, keeps: false };
  return (
    (await agentGone(agent, reader)) ??
    (await engineAcknowledges(engine, pod, mark, stands, reader)) ?? {
      verdict: "holds",
      proof: "declared",
    }
  );
}

/**
 * The mark of the isolation that took ours off, since our policy lets something through that it denies: as long as it
 * covers what we do, nothing of ours is lost. Null where our own mark is there, or nobody stands in for it.
 */
function heldByIsolation(
  pod: Pod,
  { label }: OwnPolicy,
  policies: readonly NetworkPolicy[],
  directions: readonly Direction[],
): readonly [key: string, remediationId: string] | null {
  const by = pod.labels[INCIDENT_LABEL];
  if (label === INCIDENT_LABEL || pod.labels[label] !== undefined || by === undefined) return null;
  const verdict = networkVerdict(policies, pod.labels);
  return directions.every((direction) => verdict[direction].covered) ? [INCIDENT_LABEL, by] : null;
}

function lostDeny(deny: OwnDeny, found: EnginePolicy | null): string | null {
  if (found === null) {
    return `${deny.words} is not there as it was made: it has gone, and the cluster does not record by whom.`;
  }
  return deny.isOurs(found)
    ? null
    : `${deny.words} is not there as it was made: it was changed${byWhom(found, ["spec"])}.`;
}

/** The labels first, as they were, then the policy; all is looked at before anything is undone: no half reverts. */
export async function unmarkPod(
  plan: Plan,
  own: OwnPolicy,
  { read, write }: WritePorts,
): Promise<RevertOutcome> {
  const { cluster, namespace, name } = plannedTarget(plan, "pod");
  const reader = read.kubernetes(cluster);
  const found = await reader.pod(namespace, name);
  const pod = found?.uid === plan.identity ? found : null;
  const policy = await reader.networkPolicy(namespace, own.name);
  if (pod !== null) requireOwnLabel(pod, plan.remediationId, own.label);
  if (policy !== null) own.requireOurs(policy);
  const denying = (await own.deny?.read(reader)) ?? null;
  if (denying !== null) own.deny?.requireOurs(denying);
  if (pod !== null) {
    const back = await labelsBack(pod, plan, own.label, reader);
    await mustStayIsolated(pod, own, back, reader);
    if (Object.keys(back).length > 0) await write.kubernetes(cluster).labelPod(namespace, name, pod, back);
  }
  if (denying !== null) await own.deny?.remove(write.kubernetes(cluster), denying);
  if (policy !== null) {
    await write.kubernetes(cluster).deleteNetworkPolicy(namespace, policy.name, policy);
  }
  return pod === null
    ? { outcome: "gone", reason: `Pod ${namespace}/${name} has gone; our network policy is deleted.` }
    : { outcome: "restored" };
}

/** Raises `Conflict` where an isolation of the pod stands, and labels that come back would let something through beside it. */
async function mustStayIsolated(
  pod: Pod,
  { label, name }: OwnPolicy,
  back: Readonly<Record<string, string | null>>,
  reader: KubernetesReader,
): Promise<void> {
  const by = pod.labels[INCIDENT_LABEL];
  if (label === INCIDENT_LABEL || by === undefined) return;
  const policies = (await reader.networkPolicies(pod.namespace)).filter((policy) => policy.name !== name);
  const labels = Object.fromEntries(
    Object.entries({ ...pod.labels, ...back }).flatMap(([key, value]) =>
      value === null ? [] : [[key, value]],
    ),
  );
  const [before, after] = [pod.labels, labels].map((one) => {
    const { ingress, egress } = networkVerdict(policies, one);
    return [...ingress.residual, ...egress.residual].map(({ policy, rule }) => `${policy} ${rule}`);
  });
  const opens = after?.some((rule) => before?.includes(rule) === false) === true;
  if (!opens) return;
  const object = `Pod ${pod.namespace}/${pod.name}`;
  const keys = Object.keys(back).filter((key) => back[key] !== null);
  throw new Conflict(
    `${object} is isolated by remediation ${by}, and its labels ${keys.join(", ")} would let traffic through.`,
    `Take remediation ${by} back first; then take this one back again.`,
    { remains: [`${object} stays without the labels ${keys.join(", ")}.`] },
  );
}

import { z } from "zod";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { NetworkPolicy, Pod } from "../model/kubernetes-objects.ts";
import type { Plan, PlanStep } from "../model/plan.ts";
import { playbook } from "../model/playbook.ts";
import { denyWords, engineDeny, ownDeny } from "./engine-deny.ts";
import { engineLimits, INSTEAD } from "./engine-words.ts";
import { isolationData, labelStep, valuesOf } from "./isolation-labels.ts";
import { isolationPolicy, isUnchanged, requireUnchanged } from "./isolation-policy.ts";
import { labelsToRemove, relabelled } from "./labels-to-remove.ts";
import { type Left, markPod, type OwnDeny, type OwnPolicy, unmarkPod, verifyMark } from "./marked-pod.ts";
import { networkEngine, nodeOfPod } from "./network-engine.ts";
import { type NetworkVerdict, networkVerdict, type ResidualRule } from "./network-verdict.ts";
import { plannedTarget } from "./planned-target.ts";
import { podObstacle } from "./pod-obstacle.ts";
import { ownerWords, podOwner } from "./pod-owner.ts";
import { surroundingWords } from "./pod-surroundings.ts";
import { residualWords } from "./residual-words.ts";
import {
  askedBeforeNow,
  ENGINE_WORDS,
  type Stronger,
  strongerDeny,
  strongerEngine,
} from "./stronger-deny.ts";
import type { EngineWord, StrongerEngine } from "./stronger-engine.ts";
import { touchedField } from "./touched-field.ts";

const impact =
  "The pod keeps running but can neither send nor receive; what its services still send to it is lost.";

/**
 * Cuts a pod off from the network and leaves it running for the investigation: a deny-all policy for one label, then
 * in one conditional patch that label on, and those labels off by which other policies would still let traffic through.
 * The policy comes first, since without the label it selects nothing. The pod keeps all other labels: where it can, its
 * owner keeps it and makes no replacement.
 */
export const isolatePod = playbook({
  name: "isolate-pod",
  title: "Isolate a pod from the network",
  kind: "containment",
  target: "pod",
  parameters: z.strictObject({
    /** Opted in: deny by a policy of the engine's own kind too, which it asks before network policies. */
    engine: z.enum(ENGINE_WORDS).optional(),
  }),
  permissions: {
    kubernetes: [
      { apiGroup: "", resource: "pods", verbs: ["get", "list", "patch"] },
      { apiGroup: "", resource: "services", verbs: ["list"] },
      { apiGroup: "", resource: "nodes", verbs: ["get"] },
      { apiGroup: "policy", resource: "poddisruptionbudgets", verbs: ["list"] },
      { apiGroup: "cilium.io", resource: "ciliumendpoints", verbs: ["get"] },
      { apiGroup: "cilium.io", resource: "ciliumnetworkpolicies", verbs: ["get", "create", "delete"] },
      { apiGroup: "", resource: "namespaces", verbs: ["get"] },
      {
        apiGroup: "policy.networking.k8s.io",
        resource: "adminnetworkpolicies",
        verbs: ["get", "list", "create", "delete"],
      },
      // Calico's API server asks for the tier, and for what it calls its policies, beside the policies themselves.
      ...["networkpolicies", "tier.networkpolicies"].map((resource) => ({
        apiGroup: "projectcalico.org",
        resource,
        verbs: ["get", "list", "create", "delete"],
      })),
      ...["globalnetworkpolicies", "tier.globalnetworkpolicies"].map((resource) => ({
        apiGroup: "projectcalico.org",
        resource,
        verbs: ["list"],
      })),
      { apiGroup: "projectcalico.org", resource: "tiers", verbs: ["get", "list"] },
      {
        apiGroup: "networking.k8s.io",
        resource: "networkpolicies",
        verbs: ["get", "list", "create", "delete"],
      },
      { apiGroup: "apps", resource: "replicasets", verbs: ["get"] },
      { apiGroup: "apps", resource: "statefulsets", verbs: ["get"] },
      { apiGroup: "apps", resource: "daemonsets", verbs: ["get"] },
      { apiGroup: "batch", resource: "jobs", verbs: ["get"] },
    ],
    arm: [],
  },
  impact,
  highImpact: false,
  reversible: true,
  destroysEvidence: false,

  async plan({ target, parameters, remediationId }, { read }) {
    const reader = read.kubernetes(target.cluster);
    const pod = await reader.pod(target.namespace, target.name);
    if (pod === null) {
      return { outcome: "skip", reason: `Pod ${target.namespace}/${target.name} has gone.` };
    }
    const obstacle = podObstacle(pod, remediationId, INCIDENT_LABEL);
    if (obstacle !== null) {
      return { outcome: "skip", reason: `Pod ${pod.namespace}/${pod.name} ${obstacle}.` };
    }
    const engine = await networkEngine(reader, await nodeOfPod(pod, reader));
    if (engine.found === "none") {
      return { outcome: "skip", reason: `Pod ${pod.namespace}/${pod.name} ${engine.why}. ${INSTEAD}.` };
    }
    const policy = isolationPolicy(remediationId, pod);
    const policies = await reader.networkPolicies(pod.namespace);
    const existing = policies.find(({ name }) => name === policy.name);
    if (existing !== undefined) {
      requireUnchanged(existing, remediationId);
    }
    const others = policies.filter(({ name }) => name !== policy.name);
    const owner = await podOwner(pod, reader);
    const mark = [INCIDENT_LABEL, remediationId] as const;
    const asked = parameters.engine;
    const marked = { ...pod, labels: relabelled(pod.labels, [], mark) };
    const stronger =
      asked === undefined ? null : await strongerDeny(asked, engine, { pod: marked, remediationId }, reader);
    const { deny, counts, words } = denyOf(stronger);
    // What the engine denies no network policy allows: the pod keeps such labels, and by them its owner and services.
    const removed = labelsToRemove({ labels: pod.labels, policies: others, mark, ...owner, counts });
    const after = relabelled(pod.labels, removed, mark);
    const left = counted(networkVerdict(others, after), counts);
    const letGoBy = removed.some((key) => owner.ownedBy.has(key)) ? owner.replicaSet : null;
    return {
      outcome: "change",
      draft: {
        identity: pod.uid,
        steps: [
          {
            sentence: `create network policy ${policy.namespace}/${policy.name}, which denies all traffic of pods with our label`,
            touches: [
              touchedField(target.cluster, `networkpolicies/${policy.namespace}/${policy.name}`, "spec"),
            ],
            before: null,
            after: { deniesAllFor: { [INCIDENT_LABEL]: remediationId } },
          },
          ...(deny === null ? [] : [denyStep(target.cluster, deny, remediationId)]),
          labelStep(target.cluster, pod, mark, removed),
        ],
        impact: letGoBy === null ? impact : `${impact} ${ownerWords(pod, owner, removed)}`,
        limits: [
          ...residualWords({
            ingress: { ...left.ingress, covered: true },
            egress: { ...left.egress, covered: true },
          }),
          ...words,
          "Connections that are open already may last on: that depends on the cluster's network plugin.",
          "Traffic from the pod's own node stays allowed.",
          ...engineLimits(engine, deny !== null),
          ...(letGoBy === null ? [ownerWords(pod, owner, removed)] : []),
          ...(await surroundingWords(pod, after, reader, keepsSending)),
        ],
        data: {
          removed: valuesOf(pod, removed),
          letGoBy,
          engine: engine.engine,
          agent: engine.found === "engine" ? engine.agent : null,
          deny: deny === null ? false : { by: deny.by.word, rank: deny.rank },
        },
      },
    };
  },

  apply: (plan, ports) => markPod(plan, ownPolicy(plan), ports),

  verify(plan, ports) {
    const left = async (pod: Pod, policies: readonly NetworkPolicy[]): Promise<Left> => {
      const { deny } = isolationData.parse(plan.data);
      const by = deny === null ? null : strongerEngine(deny.by);
      const reader = ports.read.kubernetes(plannedTarget(plan, "pod").cluster);
      const placed = { pod, ownName: by?.nameOf(plan.remediationId) ?? "" };
      const before = deny === null || by === null ? [] : await askedBeforeNow(by, deny.rank, placed, reader);
      const found = counted(networkVerdict(policies, pod.labels), countsBeside(by, before));
      return {
        rules: [...found.ingress.residual, ...found.egress.residual],
        words: [...residualWords(found), ...before],
      };
    };
    return verifyMark(
      plan,
      ownPolicy(plan),
      { directions: ["ingress", "egress"], keeps: false, left },
      ports,
    );
  },

  revert: (plan, ports) => unmarkPod(plan, ownPolicy(plan), ports),
});

function ownPolicy(plan: Plan): OwnPolicy {
  const { remediationId } = plan;
  const { deny } = isolationData.parse(plan.data);
  const made = isolationPolicy(remediationId, plannedTarget(plan, "pod"));
  return {
    name: made.name,
    label: INCIDENT_LABEL,
    isOurs: (policy) => isUnchanged(policy, remediationId),
    requireOurs: (policy) => requireUnchanged(policy, remediationId),
    create: (writer) => writer.createDenyAllPolicy(made),
    ...(deny === null ? {} : { deny: ownDenyOf(plan, deny) }),
  };
}

function ownDenyOf(
  plan: Plan,
  { by: word, rank }: { readonly by: EngineWord; readonly rank: number },
): OwnDeny {
  const by = strongerEngine(word);
  return ownDeny(by, engineDeny(by, plan.remediationId, plannedTarget(plan, "pod"), rank));
}

/** What the plan makes of a stronger policy, or of a sentence that says why there is none. */
function denyOf(stronger: Stronger | string | null): {
  readonly deny: Stronger | null;
  readonly counts: (rule: ResidualRule) => boolean;
  readonly words: readonly string[];
} {
  if (stronger === null || typeof stronger === "string") {
    return { deny: null, counts: () => true, words: stronger === null ? [] : [stronger] };
  }
  const { by, before } = stronger;
  return { deny: stronger, counts: countsBeside(by, before), words: [...before, ...by.limits] };
}

/** Which rules of network policies matter beside a deny: all, where the engine may ask somebody else before it. */
function countsBeside(by: StrongerEngine | null, before: readonly string[]): (rule: ResidualRule) => boolean {
  return by === null || before.length > 0 ? () => true : by.leaves;
}

function counted(
  { ingress, egress }: NetworkVerdict,
  counts: (rule: ResidualRule) => boolean,
): NetworkVerdict {
  return {
    ingress: { ...ingress, residual: ingress.residual.filter(counts) },
    egress: { ...egress, residual: egress.residual.filter(counts) },
  };
}

function denyStep(cluster: string, { by, deny, rank }: Stronger, remediationId: string): PlanStep {
  const object = deny.namespace === "" ? deny.name : `${deny.namespace}/${deny.name}`;
  return {
    sentence: `create ${denyWords(by, deny)}, which denies ${by.denies}, whatever network policies allow`,
    touches: [touchedField(cluster, `${by.plural}/${object}`, "spec")],
    before: null,
    after: { deniesAllFor: { [INCIDENT_LABEL]: remediationId }, rank },
  };
}

const keepsSending = (service: string): string =>
  `${service} goes on sending to the pod as long as it is ready, and what it sends is lost.`;

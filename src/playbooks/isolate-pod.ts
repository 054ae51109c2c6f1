import { z } from "zod";
import { Conflict } from "../model/errors.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { Pod } from "../model/kubernetes-objects.ts";
import { playbook } from "../model/playbook.ts";
import { engineAcknowledges } from "./engine-acknowledges.ts";
import { engineLimits, INSTEAD } from "./engine-words.ts";
import { labelsPutBack, lostMark, lostPolicy, policiesSince } from "./isolation-drift.ts";
import {
  isolationData,
  labelStep,
  labelsBack,
  requireLabels,
  requireOwnLabel,
  valuesOf,
} from "./isolation-labels.ts";
import { isolationPolicy, isUnchanged, requireUnchanged } from "./isolation-policy.ts";
import { labelsToRemove, relabelled } from "./labels-to-remove.ts";
import { agentGone, networkEngine, nodeOfPod } from "./network-engine.ts";
import { isIsolated, networkVerdict } from "./network-verdict.ts";
import { plannedTarget } from "./planned-target.ts";
import { ownerWords, podOwner } from "./pod-owner.ts";
import { surroundingWords } from "./pod-surroundings.ts";
import { residualWords } from "./residual-words.ts";
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
  parameters: z.strictObject({}),
  permissions: {
    kubernetes: [
      { apiGroup: "", resource: "pods", verbs: ["get", "list", "patch"] },
      { apiGroup: "", resource: "services", verbs: ["list"] },
      { apiGroup: "", resource: "nodes", verbs: ["get"] },
      { apiGroup: "policy", resource: "poddisruptionbudgets", verbs: ["list"] },
      { apiGroup: "cilium.io", resource: "ciliumendpoints", verbs: ["get"] },
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

  async plan({ target, remediationId }, { read }) {
    const reader = read.kubernetes(target.cluster);
    const pod = await reader.pod(target.namespace, target.name);
    if (pod === null) {
      return { outcome: "skip", reason: `Pod ${target.namespace}/${target.name} has gone.` };
    }
    const obstacle = obstacleTo(pod, remediationId);
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
    const removed = labelsToRemove({ labels: pod.labels, policies: others, mark, ...owner });
    const after = relabelled(pod.labels, removed, mark);
    const left = networkVerdict(others, after);
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
          labelStep(target.cluster, pod, remediationId, removed),
        ],
        impact: letGoBy === null ? impact : `${impact} ${ownerWords(pod, owner, removed)}`,
        limits: [
          ...residualWords({
            ingress: { ...left.ingress, covered: true },
            egress: { ...left.egress, covered: true },
          }),
          "Connections that are open already may last on: that depends on the cluster's network plugin.",
          "Traffic from the pod's own node stays allowed.",
          ...engineLimits(engine),
          ...(letGoBy === null ? [ownerWords(pod, owner, removed)] : []),
          ...(await surroundingWords(pod, after, reader, keepsSending)),
        ],
        data: {
          removed: valuesOf(pod, removed),
          letGoBy,
          engine: engine.engine,
          agent: engine.found === "engine" ? engine.agent : null,
        },
      },
    };
  },

  async apply(plan, { read, write }) {
    const { cluster, namespace, name } = plannedTarget(plan, "pod");
    const reader = read.kubernetes(cluster);
    const pod = await reader.pod(namespace, name);
    if (pod === null || pod.uid !== plan.identity) {
      throw new Conflict(
        `Pod ${namespace}/${name} has gone since the plan was made.`,
        "Nothing is left to be isolated; a new pod of that name needs a plan of its own.",
      );
    }
    requireOwnLabel(pod, plan.remediationId);
    const { removed } = isolationData.parse(plan.data);
    const policy = isolationPolicy(plan.remediationId, pod);
    const existing = await reader.networkPolicy(namespace, policy.name);
    if (existing === null) {
      await write.kubernetes(cluster).createDenyAllPolicy(policy);
    } else {
      requireUnchanged(existing, plan.remediationId);
    }
    if (pod.labels[INCIDENT_LABEL] === undefined) {
      requireLabels(pod, removed, "as the plan saw it");
      const off = Object.fromEntries(Object.keys(removed).map((key) => [key, null]));
      const labels = { ...off, [INCIDENT_LABEL]: plan.remediationId };
      await write.kubernetes(cluster).labelPod(namespace, name, pod, labels);
    }
  },

  async verify(plan, { read }) {
    const { cluster, namespace, name } = plannedTarget(plan, "pod");
    const reader = read.kubernetes(cluster);
    const [pod, policies] = await Promise.all([
      reader.pod(namespace, name),
      reader.networkPolicies(namespace),
    ]);
    if (pod === null || pod.uid !== plan.identity) {
      return { verdict: "absent", reason: `Pod ${namespace}/${name} has gone.` };
    }
    const { name: wanted, podLabel } = isolationPolicy(plan.remediationId, pod);
    const ours = policies.find((candidate) => candidate.name === wanted);
    const lost =
      lostMark(pod, plan.remediationId) ??
      lostPolicy(ours, `${namespace}/${wanted}`, (policy) => isUnchanged(policy, plan.remediationId));
    if (lost !== null) return { verdict: "absent", reason: lost };
    const { removed, engine, agent } = isolationData.parse(plan.data);
    const found = networkVerdict(policies, pod.labels);
    if (!isIsolated(found)) {
      const named = new Set(
        [...found.ingress.residual, ...found.egress.residual].map(({ policy }) => policy),
      );
      const drift = [...labelsPutBack(pod, removed), ...policiesSince(pod, policies, named)];
      return { verdict: "partial", remains: [...residualWords(found), ...drift] };
    }
    return (
      (await agentGone(agent, reader)) ??
      (await engineAcknowledges(engine, pod, podLabel, ["ingress", "egress"], reader)) ?? {
        verdict: "holds",
        proof: "declared",
      }
    );
  },

  async revert(plan, { read, write }) {
    const { cluster, namespace, name } = plannedTarget(plan, "pod");
    const reader = read.kubernetes(cluster);
    const found = await reader.pod(namespace, name);
    const pod = found?.uid === plan.identity ? found : null;
    const policy = await reader.networkPolicy(
      namespace,
      isolationPolicy(plan.remediationId, { namespace, name }).name,
    );
    // All is looked at before anything is undone: no half reverts.
    if (pod !== null) {
      requireOwnLabel(pod, plan.remediationId);
    }
    if (policy !== null) {
      requireUnchanged(policy, plan.remediationId);
    }
    if (pod !== null) {
      const back = await labelsBack(pod, plan, reader);
      if (Object.keys(back).length > 0) await write.kubernetes(cluster).labelPod(namespace, name, pod, back);
    }
    if (policy !== null) {
      await write.kubernetes(cluster).deleteNetworkPolicy(namespace, policy.name, policy);
    }
    return pod === null
      ? { outcome: "gone", reason: `Pod ${namespace}/${name} has gone; our network policy is deleted.` }
      : { outcome: "restored" };
  },
});

const keepsSending = (service: string): string =>
  `${service} goes on sending to the pod as long as it is ready, and what it sends is lost.`;

function obstacleTo(pod: Pod, remediationId: string): string | null {
  const label = pod.labels[INCIDENT_LABEL];
  if (pod.deleting) {
    return "is being deleted";
  }
  if (pod.mirror) {
    return "is a static pod of its node, which the API can only show";
  }
  if (pod.hostNetwork) {
    return "uses the network of its node, where network policies do not apply";
  }
  if (label !== undefined && label !== remediationId) {
    return `is already isolated by remediation ${label}`;
  }
  return null;
}

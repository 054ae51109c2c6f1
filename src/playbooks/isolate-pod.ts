import { z } from "zod";
import { Conflict } from "../model/errors.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { Pod } from "../model/kubernetes-objects.ts";
import { playbook } from "../model/playbook.ts";
import { byWhom } from "./foreign-change.ts";
import { isolationPolicy, isUnchanged, requireUnchanged } from "./isolation-policy.ts";
import { plannedTarget } from "./planned-target.ts";
import { residualPolicies } from "./residual-policies.ts";
import { touchedField } from "./touched-field.ts";

const LABEL_FIELD = `metadata.labels.${INCIDENT_LABEL}`;

const impact =
  "The pod keeps running but can neither send nor receive; what its services still send to it is lost.";

/**
 * Cuts a pod off from the network and leaves it running for the investigation: a deny-all policy for one label, then
 * the label. The policy comes first, since without the label it selects nothing; the label is the conditional step
 * that takes effect. The pod keeps its own labels, so its owner keeps it and makes no replacement.
 */
export const isolatePod = playbook({
  name: "isolate-pod",
  title: "Isolate a pod from the network",
  kind: "containment",
  target: "pod",
  parameters: z.strictObject({}),
  permissions: {
    kubernetes: [
      { apiGroup: "", resource: "pods", verbs: ["get", "patch"] },
      {
        apiGroup: "networking.k8s.io",
        resource: "networkpolicies",
        verbs: ["get", "list", "create", "delete"],
      },
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
    const policy = isolationPolicy(remediationId, pod);
    const policies = await reader.networkPolicies(pod.namespace);
    const existing = policies.find(({ name }) => name === policy.name);
    if (existing !== undefined) {
      requireUnchanged(existing, remediationId);
    }
    const labels = { ...pod.labels, [INCIDENT_LABEL]: remediationId };
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
          {
            sentence: `label pod ${pod.namespace}/${pod.name} so that the policy selects it`,
            touches: [touchedField(target.cluster, `pods/${pod.namespace}/${pod.name}`, LABEL_FIELD)],
            before: null,
            after: remediationId,
          },
        ],
        impact,
        limits: [
          ...residualPolicies(policies, labels),
          "Connections that are open already may last on: that depends on the cluster's network plugin.",
          "Traffic from the pod's own node stays allowed, and a cluster without a network policy engine enforces nothing.",
        ],
        data: null,
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
    const policy = isolationPolicy(plan.remediationId, pod);
    const existing = await reader.networkPolicy(namespace, policy.name);
    if (existing === null) {
      await write.kubernetes(cluster).createDenyAllPolicy(policy);
    } else {
      requireUnchanged(existing, plan.remediationId);
    }
    if (pod.labels[INCIDENT_LABEL] === undefined) {
      const labels = { [INCIDENT_LABEL]: plan.remediationId };
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
    if (pod.labels[INCIDENT_LABEL] !== plan.remediationId) {
      return { verdict: "absent", reason: `Pod ${namespace}/${name} does not carry our label.` };
    }
    const wanted = isolationPolicy(plan.remediationId, pod).name;
    const policy = policies.find((candidate) => candidate.name === wanted);
    if (policy === undefined || !isUnchanged(policy, plan.remediationId)) {
      return {
        verdict: "absent",
        reason: `Network policy ${namespace}/${wanted} is not there as it was made.`,
      };
    }
    const remains = residualPolicies(policies, pod.labels);
    return remains.length > 0 ? { verdict: "partial", remains } : { verdict: "holds", proof: "declared" };
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
    if (pod?.labels[INCIDENT_LABEL] !== undefined) {
      await write.kubernetes(cluster).labelPod(namespace, name, pod, { [INCIDENT_LABEL]: null });
    }
    if (policy !== null) {
      await write.kubernetes(cluster).deleteNetworkPolicy(namespace, policy.name, policy);
    }
    return pod === null
      ? { outcome: "gone", reason: `Pod ${namespace}/${name} has gone; our network policy is deleted.` }
      : { outcome: "restored" };
  },
});

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

function requireOwnLabel(pod: Pod, remediationId: string): void {
  const label = pod.labels[INCIDENT_LABEL];
  if (label !== undefined && label !== remediationId) {
    const object = `Pod ${pod.namespace}/${pod.name}`;
    throw new Conflict(
      `${object} now carries the label of remediation ${label}.`,
      `Look at remediation ${label}: it isolates the pod now.`,
      {
        remains: [
          `${object} keeps the label ${INCIDENT_LABEL}=${label}${byWhom(pod, ["metadata", "labels", INCIDENT_LABEL])}.`,
        ],
      },
    );
  }
}

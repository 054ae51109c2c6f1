import { z } from "zod";
import type { CiliumDeny } from "../model/cilium-port.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { NetworkPolicy, Pod } from "../model/kubernetes-objects.ts";
import type { Plan, PlanStep } from "../model/plan.ts";
import { playbook } from "../model/playbook.ts";
import { ciliumDeny, isOurDeny, requireOurDeny } from "./cilium-deny.ts";
import { engineLimits, INSTEAD } from "./engine-words.ts";
import { isolationData, labelStep, valuesOf } from "./isolation-labels.ts";
import { isolationPolicy, isUnchanged, requireUnchanged } from "./isolation-policy.ts";
import { labelsToRemove, relabelled } from "./labels-to-remove.ts";
import { type Left, markPod, type OwnDeny, type OwnPolicy, unmarkPod, verifyMark } from "./marked-pod.ts";
import { networkEngine, nodeOfPod } from "./network-engine.ts";
import { networkVerdict } from "./network-verdict.ts";
import { plannedTarget } from "./planned-target.ts";
import { podObstacle } from "./pod-obstacle.ts";
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
  parameters: z.strictObject({
    /** Opted in: deny by a policy of the engine's own kind too, which wins over every policy that allows. */
    engine: z.literal("cilium").optional(),
  }),
  permissions: {
    kubernetes: [
      { apiGroup: "", resource: "pods", verbs: ["get", "list", "patch"] },
      { apiGroup: "", resource: "services", verbs: ["list"] },
      { apiGroup: "", resource: "nodes", verbs: ["get"] },
      { apiGroup: "policy", resource: "poddisruptionbudgets", verbs: ["list"] },
      { apiGroup: "cilium.io", resource: "ciliumendpoints", verbs: ["get"] },
      { apiGroup: "cilium.io", resource: "ciliumnetworkpolicies", verbs: ["get", "create", "delete"] },
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
    const obstacle = podObstacle(pod, remediationId);
    if (obstacle !== null) {
      return { outcome: "skip", reason: `Pod ${pod.namespace}/${pod.name} ${obstacle}.` };
    }
    const engine = await networkEngine(reader, await nodeOfPod(pod, reader));
    if (engine.found === "none") {
      return { outcome: "skip", reason: `Pod ${pod.namespace}/${pod.name} ${engine.why}. ${INSTEAD}.` };
    }
    const deny = parameters.engine === "cilium" ? ciliumDeny(remediationId, pod) : null;
    if (deny !== null && engine.engine !== "Cilium") {
      const reason = `Pod ${pod.namespace}/${pod.name} is to be denied by Cilium, which was not found there: plan it without \`engine\`.`;
      return { outcome: "skip", reason };
    }
    const denying = deny === null ? null : await reader.ciliumPolicy(deny.namespace, deny.name);
    if (deny !== null && denying !== null) requireOurDeny(denying, deny);
    const policy = isolationPolicy(remediationId, pod);
    const policies = await reader.networkPolicies(pod.namespace);
    const existing = policies.find(({ name }) => name === policy.name);
    if (existing !== undefined) {
      requireUnchanged(existing, remediationId);
    }
    const others = policies.filter(({ name }) => name !== policy.name);
    const owner = await podOwner(pod, reader);
    const mark = [INCIDENT_LABEL, remediationId] as const;
    // What Cilium denies no policy allows: the pod keeps all labels, and with them its owner, services and budgets.
    const removed =
      deny === null ? labelsToRemove({ labels: pod.labels, policies: others, mark, ...owner }) : [];
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
          ...(deny === null ? [] : [denyStep(target.cluster, deny)]),
          labelStep(target.cluster, pod, remediationId, removed),
        ],
        impact: letGoBy === null ? impact : `${impact} ${ownerWords(pod, owner, removed)}`,
        limits: [
          ...(deny === null
            ? residualWords({
                ingress: { ...left.ingress, covered: true },
                egress: { ...left.egress, covered: true },
              })
            : [BY_CILIUM]),
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
          deny: deny !== null,
        },
      },
    };
  },

  apply: (plan, ports) => markPod(plan, ownPolicy(plan), ports),

  verify(plan, ports) {
    const left = (pod: Pod, policies: readonly NetworkPolicy[]): Left => {
      // Ours of Cilium's own kind is there: what others allow is denied.
      if (isolationData.parse(plan.data).deny) return { rules: [], words: [] };
      const found = networkVerdict(policies, pod.labels);
      return { rules: [...found.ingress.residual, ...found.egress.residual], words: residualWords(found) };
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
  const made = isolationPolicy(remediationId, plannedTarget(plan, "pod"));
  return {
    name: made.name,
    isOurs: (policy) => isUnchanged(policy, remediationId),
    requireOurs: (policy) => requireUnchanged(policy, remediationId),
    create: (writer) => writer.createDenyAllPolicy(made),
    ...(isolationData.parse(plan.data).deny ? { deny: ownDeny(plan) } : {}),
  };
}

function ownDeny(plan: Plan): OwnDeny {
  const made = ciliumDeny(plan.remediationId, plannedTarget(plan, "pod"));
  return {
    name: made.name,
    read: (reader) => reader.ciliumPolicy(made.namespace, made.name),
    isOurs: (policy) => isOurDeny(policy, made),
    requireOurs: (policy) => requireOurDeny(policy, made),
    create: (writer) => writer.createCiliumDeny(made),
  };
}

function denyStep(cluster: string, { namespace, name, labels }: CiliumDeny): PlanStep {
  const object = `${namespace}/${name}`;
  return {
    sentence: `create Cilium network policy ${object}, which denies all traffic of pods with our label, whatever others allow`,
    touches: [touchedField(cluster, `ciliumnetworkpolicies/${object}`, "spec")],
    before: null,
    after: { deniesAllFor: { [INCIDENT_LABEL]: labels[INCIDENT_LABEL] ?? "" } },
  };
}

const BY_CILIUM = "Other policies keep what they allow, and Cilium denies it all the same: its denies win.";

const keepsSending = (service: string): string =>
  `${service} goes on sending to the pod as long as it is ready, and what it sends is lost.`;

import { Conflict } from "../model/errors.ts";
import { EGRESS_LABEL } from "../model/incident-mark.ts";
import type { NetworkPolicy, Pod } from "../model/kubernetes-objects.ts";
import type { Plan } from "../model/plan.ts";
import { playbook } from "../model/playbook.ts";
import { keepListSchema, rulesOf, withoutOpening } from "./egress-keep-list.ts";
import {
  isOurRestriction,
  passagesOf,
  requireOurRestriction,
  restrictionData,
  restrictionPolicy,
  rulesAsJson,
} from "./egress-restriction.ts";
import { isCovered, type Passage } from "./egress-rule.ts";
import { engineLimits, INSTEAD } from "./engine-words.ts";
import { labelStep, valuesOf } from "./isolation-labels.ts";
import { beyond, labelsToRemove, relabelled } from "./labels-to-remove.ts";
import { type Left, markPod, type OwnPolicy, unmarkPod, verifyMark } from "./marked-pod.ts";
import { networkEngine, nodeOfPod } from "./network-engine.ts";
import { networkVerdict } from "./network-verdict.ts";
import { plannedTarget } from "./planned-target.ts";
import { podObstacle } from "./pod-obstacle.ts";
import { ownerWords, podOwner } from "./pod-owner.ts";
import { surroundingWords } from "./pod-surroundings.ts";
import { passageWords, ruleWords } from "./residual-words.ts";
import { touchedField } from "./touched-field.ts";

const impact =
  "The pod keeps running and is reached as before, but reaches nothing beyond what is kept, nor the metadata service.";

/**
 * Denies what a pod sends, but for a list that is kept, and in any case what it sends to the metadata service of its
 * machine. As `isolate-pod`: the policy first, then one patch with our label and without those labels by which other
 * policies let more out. Nothing is opened: of the list only that is kept which egress of the pod is allowed already.
 */
export const restrictEgress = playbook({
  name: "restrict-egress",
  title: "Restrict what a pod reaches",
  kind: "containment",
  target: "pod",
  parameters: keepListSchema,
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

  async plan({ target, parameters, remediationId }, { read }) {
    const reader = read.kubernetes(target.cluster);
    const pod = await reader.pod(target.namespace, target.name);
    if (pod === null) {
      return { outcome: "skip", reason: `Pod ${target.namespace}/${target.name} has gone.` };
    }
    const obstacle = podObstacle(pod, remediationId, EGRESS_LABEL);
    if (obstacle !== null) {
      return { outcome: "skip", reason: `Pod ${pod.namespace}/${pod.name} ${obstacle}.` };
    }
    const engine = await networkEngine(reader, await nodeOfPod(pod, reader));
    if (engine.found === "none") {
      return { outcome: "skip", reason: `Pod ${pod.namespace}/${pod.name} ${engine.why}. ${INSTEAD}.` };
    }
    const policies = await reader.networkPolicies(pod.namespace);
    const { name: ownName } = restrictionPolicy(remediationId, pod, []);
    const others = policies.filter(({ name }) => name !== ownName);
    const wanted = rulesOf(parameters);
    const kept = withoutOpening(wanted, networkVerdict(others, pod.labels).egress);
    const policy = restrictionPolicy(remediationId, pod, kept);
    const existing = policies.find(({ name }) => name === ownName);
    if (existing !== undefined) requireOurRestriction(existing, policy);
    const owner = await podOwner(pod, reader);
    const mark = policy.podLabel;
    const list = passagesOf(wanted);
    const passages = passagesOf(kept);
    const removed = labelsToRemove({
      labels: pod.labels,
      policies: others,
      mark,
      ...owner,
      egressBeyond: list,
    });
    const after = relabelled(pod.labels, removed, mark);
    const left = beyond(networkVerdict(others, after).egress.residual, list);
    const letGoBy = removed.some((key) => owner.ownedBy.has(key)) ? owner.replicaSet : null;
    const closed = list.filter((passage) => !isCovered(passage, passages));
    return {
      outcome: "change",
      draft: {
        identity: pod.uid,
        steps: [
          {
            sentence: `create network policy ${policy.namespace}/${policy.name}, which denies egress of pods with our label beyond the list`,
            touches: [
              touchedField(target.cluster, `networkpolicies/${policy.namespace}/${policy.name}`, "spec"),
            ],
            before: null,
            after: { egressOnlyTo: rulesAsJson(kept), for: { [mark[0]]: mark[1] } },
          },
          labelStep(target.cluster, pod, mark, removed),
        ],
        impact: letGoBy === null ? impact : `${impact} ${ownerWords(pod, owner, removed)}`,
        limits: [
          ...left.map(ruleWords),
          ...passages.map(
            (passage) => `Egress to ${passageWords(passage)} stays allowed, by the list that is kept.`,
          ),
          ...closed.map(notOpened),
          ...(parameters.dns ? [TUNNEL] : []),
          "Connections that are open already may last on: that depends on the cluster's network plugin.",
          ...engineLimits(engine),
          ...(letGoBy === null ? [ownerWords(pod, owner, removed)] : []),
          ...(await surroundingWords(pod, after, reader, stays)),
        ],
        data: {
          removed: valuesOf(pod, removed),
          letGoBy,
          engine: engine.engine,
          agent: engine.found === "engine" ? engine.agent : null,
          list: rulesAsJson(wanted),
          egress: rulesAsJson(kept),
        },
      },
    };
  },

  apply: (plan, ports) => markPod(plan, ownPolicy(plan), ports),

  verify(plan, ports) {
    const { list, egress } = restrictionData.parse(plan.data);
    const left = (pod: Pod, policies: readonly NetworkPolicy[]): Left => {
      const rules = beyond(networkVerdict(policies, pod.labels).egress.residual, passagesOf(list));
      return { rules, words: rules.map(ruleWords) };
    };
    return verifyMark(
      plan,
      ownPolicy(plan),
      { directions: ["egress"], keeps: list.length + egress.length > 0, left },
      ports,
    );
  },

  revert: (plan, ports) => unmarkPod(plan, ownPolicy(plan), ports),
});

const TUNNEL =
  "Name resolution stays allowed, and with it what can be carried out in questions to it; `dns: false` denies it.";

const stays = (service: string): string => `${service} goes on sending to the pod, which may answer.`;

const notOpened = (passage: Passage): string =>
  `Of the list, egress to ${passageWords(passage)} is not kept in full: other policies do not surely allow it, and nothing is opened.`;

function ownPolicy(plan: Plan): OwnPolicy {
  const { egress: kept } = restrictionData.parse(plan.data);
  const made = restrictionPolicy(plan.remediationId, plannedTarget(plan, "pod"), kept);
  return {
    name: made.name,
    label: EGRESS_LABEL,
    isOurs: (policy) => isOurRestriction(policy, made),
    requireOurs: (policy) => requireOurRestriction(policy, made),
    create: (writer) => writer.createEgressPolicy(made),
    async mayBeMade(pod, reader) {
      const policies = await reader.networkPolicies(pod.namespace);
      const others = policies.filter(({ name }) => name !== made.name);
      const { egress } = networkVerdict(others, pod.labels);
      if (!egress.covered || passagesOf(kept).every((passage) => isCovered(passage, egress.residual))) return;
      throw new Conflict(
        `Policies of ${pod.namespace} now deny pod ${pod.name} some of what this plan keeps.`,
        "Plan it again: as planned it would open what has been closed.",
      );
    },
  };
}

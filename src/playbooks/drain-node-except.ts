import { z } from "zod";
import { Conflict, Refused, Retryable } from "../model/errors.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { Node, Pod } from "../model/kubernetes-objects.ts";
import type { DisruptionBudget } from "../model/network-surroundings.ts";
import type { Plan, PlanStep } from "../model/plan.ts";
import { type KubernetesPermission, playbook, type ReadPorts } from "../model/playbook.ts";
import { MOST_MOVED, NO_ROOM, nodeObstacle, suspectObstacle, takers, tooMany } from "./drain-obstacles.ts";
import { drainLimits, podName } from "./drain-words.ts";
import { namesOf } from "./names-of.ts";
import {
  cordonedNode,
  cordonStep,
  liftCordon,
  lostCordon,
  type NodeCordon,
  putCordon,
} from "./node-cordon.ts";
import {
  budgetsOf,
  couldMove,
  type Household,
  judgeAnew,
  type Mover,
  residentsOf,
} from "./node-residents.ts";
import { isOptedOut } from "./opted-out.ts";
import { plannedTarget } from "./planned-target.ts";
import { touchedField } from "./touched-field.ts";
import { workloadReads } from "./workload-rights.ts";

/** A budget opens when another pod has become ready, a node when it reports. */
const WAIT_MS = 30_000;
const POLL_MS = 10_000;

/** What the plan remembers: the node, whose cordon it bears, and the owners whose pods may be moved. */
const dataSchema = z.object({
  node: z.string(),
  uid: z.string(),
  isForeign: z.boolean(),
  owners: z.array(z.string()),
});

/** Read of the owners of a pod, each of which may have opted out; those of DaemonSets stay anyway. */
const owners: readonly KubernetesPermission[] = workloadReads
  .filter(({ resource }) => resource !== "daemonsets")
  .map((right) => ({ ...right, verbs: ["get"] }));

const impact =
  "The other pods of the node end and start anew elsewhere, as far as there is room; what only they held, their logs too, is lost.";

/**
 * Closes the node of a suspect pod to new pods and has everybody else evicted who may be moved, so that the suspect runs
 * on alone. Only the cordon can be taken back, so a person always decides (docs/decisions/0022).
 */
export const drainNodeExcept = playbook({
  name: "drain-node-except",
  title: "Empty the node around a pod",
  kind: "containment",
  target: "pod",
  parameters: z.strictObject({}),
  permissions: {
    kubernetes: [
      { apiGroup: "", resource: "pods", verbs: ["get", "list"] },
      { apiGroup: "", resource: "pods/eviction", verbs: ["create"] },
      { apiGroup: "", resource: "nodes", verbs: ["get", "list", "patch"] },
      { apiGroup: "", resource: "namespaces", verbs: ["get"] },
      { apiGroup: "policy", resource: "poddisruptionbudgets", verbs: ["list"] },
      ...owners,
    ],
    arm: [],
  },
  impact,
  highImpact: true,
  reversible: true,
  needsApproval: () => "drain-node-except ends pods of others for good, so a person decides",
  // Of the neighbours, whom the suspect may have been at: what is known of it is kept before they go.
  destroysEvidence: true,

  async plan({ target, remediationId }, { read }) {
    const { cluster, namespace, name } = target;
    const reader = read.kubernetes(cluster);
    const pod = await reader.pod(namespace, name);
    const obstacle = suspectObstacle(pod);
    if (pod === null || pod.node === null || obstacle !== null) {
      return { outcome: "skip", reason: `Pod ${namespace}/${name} ${obstacle ?? "has gone"}.` };
    }
    const household: Household = { cluster, node: pod.node, suspect: pod };
    const node = await reader.node(pod.node);
    const closed = nodeObstacle(node, pod.node, remediationId);
    if (node === null || closed !== null) return { outcome: "skip", reason: closed ?? "The node has gone." };
    const [onNode, nodes] = await Promise.all([reader.podsOnNode(node.name), reader.nodes()]);
    const many = tooMany(couldMove(onNode.pods, household), onNode.whole, node.name);
    if (many !== null) return { outcome: "skip", reason: many };
    const others = takers(nodes, node.name);
    const residents = await residentsOf(household, onNode, read);
    const moved = [...new Set(residents.movers.map(({ owner }) => owner))].toSorted();
    if (others.length === 0 && moved.length > 0) {
      return {
        outcome: "skip",
        reason: `${NO_ROOM} Pods evicted from node ${node.name} would wait for ever.`,
      };
    }
    const isForeign = node.unschedulable && node.labels[INCIDENT_LABEL] === undefined;
    return {
      outcome: "change",
      draft: {
        identity: pod.uid,
        steps: [
          cordonStep({ cluster, name: node.name, remediationId, isForeign }),
          ...evictionStep(household, moved),
        ],
        impact,
        limits: drainLimits(residents, others, node),
        data: { node: node.name, uid: node.uid, isForeign, owners: moved },
      },
    };
  },

  async apply(plan, ports) {
    const { read, write } = ports;
    const household = householdOf(plan);
    const { cluster, node: name } = household;
    const reader = read.kubernetes(cluster);
    const cordon = cordonOf(plan);
    if ((await suspectOf(plan, read)) === null) {
      throw new Conflict(
        "The pod for which the node is emptied has gone since the plan was made.",
        "Nobody is left to be kept; a new pod of that name needs a plan of its own.",
      );
    }
    requireWilling(await cordonedNode(cordon, read));
    await putCordon(cordon, ports);
    // Nobody is evicted while the node is open to new pods: reading back tells.
    if (lostCordon(await cordonedNode(cordon, read), cordon) !== null) return;
    const { movers, budgets } = await residentsOf(household, await reader.podsOnNode(name), read);
    const planned = movers.filter((one) => !one.pod.deleting && isApproved(one, plan)).toSorted(byAge);
    if (planned.length > 0 && takers(await reader.nodes(), name).length === 0) {
      throw new Retryable(NO_ROOM, "Have another node take pods: till then nobody is evicted.", {
        retryAfterMs: WAIT_MS,
      });
    }
    const held: string[] = [];
    for (const { pod } of planned) {
      // Minutes may have passed since the list: the pod, whoever protects it, and the cordon are read right before.
      const [again, still] = await Promise.all([
        reader.pod(pod.namespace, pod.name),
        cordonedNode(cordon, read),
      ]);
      if (lostCordon(still, cordon) !== null) return;
      requireWilling(still);
      if (again === null || again.uid !== pod.uid || again.deleting) continue;
      if ("why" in (await judgeAnew(again, household, budgets, read))) continue;
      const answer = await write.kubernetes(cluster).askEviction(again.namespace, again.name, again);
      if (answer === "held") held.push(podName(again));
    }
    if (held.length > 0) {
      throw new Retryable(
        `Disruption budgets let these pods of node ${name} not go now: ${namesOf(held)}.`,
        "Have more pods of their workloads ready, or loosen the budgets; after some tries they are left there.",
        { retryAfterMs: WAIT_MS },
      );
    }
  },

  async verify(plan, { read }) {
    const household = householdOf(plan);
    const cordon = cordonOf(plan);
    const [suspect, node] = await Promise.all([suspectOf(plan, read), cordonedNode(cordon, read)]);
    if (suspect === null) {
      return { verdict: "absent", reason: "The pod for which the node was emptied has gone." };
    }
    const lost = lostCordon(node, cordon);
    if (lost !== null) return { verdict: "absent", reason: lost };
    const { cluster, node: name } = household;
    const onNode = await read.kubernetes(cluster).podsOnNode(name);
    const { movers, budgets, whole } = await residentsOf(household, onNode, read);
    const left = movers.filter(({ pod }) => !pod.deleting).map((one) => leftWords(one, plan, budgets));
    const ending = movers.filter(({ pod }) => pod.deleting).map(({ pod }) => podName(pod));
    if (ending.length > 0) {
      const slow = `${namesOf(ending)}: evicted and still ending, by a time of their own or since the node does not answer.`;
      return { verdict: "not-yet", reason: [slow, ...left].join(" "), retryAfterMs: POLL_MS };
    }
    const unseen = whole
      ? []
      : ["The node holds more pods than are listed at once: some were not looked at."];
    const remains = [...left, ...unseen];
    return remains.length === 0
      ? { verdict: "holds", proof: "proved" }
      : { verdict: "partial", remains: remains.slice(0, MOST_MOVED) };
  },

  revert: (plan, ports) => liftCordon(cordonOf(plan), ports),
});

function evictionStep({ cluster, node }: Household, moved: readonly string[]): PlanStep[] {
  if (moved.length === 0) return [];
  return [
    {
      sentence: `evict from node ${node} the pods of ${namesOf(moved)}`,
      touches: [touchedField(cluster, `nodes/${node}`, "pods")],
      before: moved,
      after: [],
    },
  ];
}

/** The oldest first: whoever comes in the place of another does not keep those who were there from going. */
function byAge(one: Mover, other: Mover): number {
  return one.pod.createdAt < other.pod.createdAt ? -1 : 1;
}

/** Did the plan name the owner of a pod, so that somebody approved that it is moved? */
function isApproved({ owner }: Mover, plan: Plan): boolean {
  return dataSchema.parse(plan.data).owners.includes(owner);
}

/** Who is still there that could be moved, and why, a sentence. */
function leftWords(mover: Mover, plan: Plan, budgets: readonly DisruptionBudget[]): string {
  const closed = budgetsOf(mover.pod, budgets).find(({ allowed }) => allowed === 0);
  const why = !isApproved(mover, plan)
    ? `nobody approved to move pods of ${mover.owner}`
    : closed === undefined
      ? "it was not evicted, or came since"
      : `PodDisruptionBudget ${closed.name} lets nobody go now`;
  return `Pod ${podName(mover.pod)} is left on the node: ${why}.`;
}

function requireWilling(node: Node | null): void {
  if (node !== null && isOptedOut(node)) {
    throw new Refused(`Node ${node.name} opted out.`, "Nobody is evicted from it.");
  }
}

function householdOf(plan: Plan): Household {
  const { cluster, namespace, name } = plannedTarget(plan, "pod");
  const { node } = dataSchema.parse(plan.data);
  return { cluster, node, suspect: { namespace, name, uid: plan.identity } };
}

function cordonOf(plan: Plan): NodeCordon {
  const { cluster } = plannedTarget(plan, "pod");
  const { node, uid, isForeign } = dataSchema.parse(plan.data);
  return { cluster, name: node, uid, remediationId: plan.remediationId, isForeign };
}

/** The very pod of the plan; null where it has gone, also where another has its name. */
async function suspectOf(plan: Plan, read: ReadPorts["read"]): Promise<Pod | null> {
  const { cluster, namespace, name } = plannedTarget(plan, "pod");
  const pod = await read.kubernetes(cluster).pod(namespace, name);
  return pod?.uid === plan.identity ? pod : null;
}

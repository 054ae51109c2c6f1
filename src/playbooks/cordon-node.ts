import { z } from "zod";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { Node } from "../model/kubernetes-objects.ts";
import type { Plan } from "../model/plan.ts";
import { playbook } from "../model/playbook.ts";
import {
  cordonedNode,
  cordonObstacle,
  cordonStep,
  liftCordon,
  lostCordon,
  type NodeCordon,
  putCordon,
} from "./node-cordon.ts";
import { plannedTarget } from "./planned-target.ts";

const impact =
  "No new pod starts on the node: what needs its room may have to wait, pods that run there go on.";

/**
 * Keeps new pods off a node and leaves what runs there for the investigation. One conditional change sets the cordon
 * and our label together, so that taking it back lifts no cordon of anybody else. High impact: every workload of the
 * cluster loses the room of a node, and on the last node with room nothing starts at all.
 */
export const cordonNode = playbook({
  name: "cordon-node",
  title: "Cordon a node",
  kind: "containment",
  target: "node",
  parameters: z.strictObject({}),
  permissions: { kubernetes: [{ apiGroup: "", resource: "nodes", verbs: ["get", "patch"] }], arm: [] },
  impact,
  highImpact: true,
  reversible: true,
  destroysEvidence: false,

  async plan({ target, remediationId }, { read }) {
    const { cluster, name } = target;
    const node = await read.kubernetes(cluster).node(name);
    const obstacle = cordonObstacle(node, name, remediationId);
    if (node === null || obstacle !== null) {
      return { outcome: "skip", reason: obstacle ?? `Node ${name} has gone.` };
    }
    const label = node.labels[INCIDENT_LABEL];
    if (node.unschedulable && label !== remediationId) {
      const whose = label === undefined ? "" : `, and bears the label of remediation ${label}`;
      return { outcome: "no-op", reason: `Node ${name} is cordoned already${whose}.`, identity: node.uid };
    }
    return {
      outcome: "change",
      draft: {
        identity: node.uid,
        steps: [cordonStep({ cluster, name, remediationId, isForeign: false })],
        impact,
        limits: limitsOf(node),
        data: null,
      },
    };
  },

  apply: (plan, ports) => putCordon(cordonOf(plan), ports),

  async verify(plan, { read }) {
    const cordon = cordonOf(plan);
    const lost = lostCordon(await cordonedNode(cordon, read), cordon);
    return lost === null ? { verdict: "holds", proof: "declared" } : { verdict: "absent", reason: lost };
  },

  revert: (plan, ports) => liftCordon(cordonOf(plan), ports),
});

function cordonOf(plan: Plan): NodeCordon {
  const { cluster, name } = plannedTarget(plan, "node");
  return { cluster, name, uid: plan.identity, remediationId: plan.remediationId, isForeign: false };
}

function limitsOf({ ready }: Node): string[] {
  return [
    "Pods that run on the node go on, with all that they can reach.",
    "Pods of DaemonSets, and those that tolerate a cordon or name the node themselves, still start there.",
    "Whoever upgrades, repairs or scales the node pool may uncordon the node or take it away.",
    ...(ready ? [] : ["The node is not ready: what it runs may not be what the cluster shows."]),
  ];
}

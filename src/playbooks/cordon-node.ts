import { z } from "zod";
import { isControlPlane } from "../model/control-plane.ts";
import { Conflict } from "../model/errors.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { Node } from "../model/kubernetes-objects.ts";
import type { Plan } from "../model/plan.ts";
import { playbook, type ReadPorts } from "../model/playbook.ts";
import { byWhom } from "./foreign-change.ts";
import { plannedTarget } from "./planned-target.ts";
import { touchedField } from "./touched-field.ts";

const LABEL = ["metadata", "labels", INCIDENT_LABEL];
const CORDON = ["spec", "unschedulable"];

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
    if (node === null) {
      return { outcome: "skip", reason: `Node ${name} has gone.` };
    }
    if (isControlPlane(node.labels)) {
      return { outcome: "skip", reason: `Node ${name} runs the control plane.` };
    }
    const label = node.labels[INCIDENT_LABEL];
    const isOurs = label === remediationId;
    if (node.unschedulable && !isOurs) {
      const whose = label === undefined ? "" : `, and bears the label of remediation ${label}`;
      return { outcome: "no-op", reason: `Node ${name} is cordoned already${whose}.`, identity: node.uid };
    }
    if (label !== undefined && !isOurs) {
      const reason = `Node ${name} still bears the label of remediation ${label}, which is not overwritten.`;
      return { outcome: "skip", reason };
    }
    return {
      outcome: "change",
      draft: {
        identity: node.uid,
        steps: [
          {
            sentence: `cordon node ${name}, and label it as cordoned by this remediation`,
            touches: [CORDON, LABEL].map((path) => touchedField(cluster, `nodes/${name}`, path.join("."))),
            before: { unschedulable: false, label: null },
            after: { unschedulable: true, label: remediationId },
          },
        ],
        impact,
        limits: limitsOf(node),
        data: null,
      },
    };
  },

  async apply(plan, { read, write }) {
    const { cluster, name } = plannedTarget(plan, "node");
    const node = await nodeOf(plan, read);
    if (node === null) {
      throw new Conflict(
        `Node ${name} has gone since the plan was made.`,
        "Nothing is left to be cordoned; a new node of that name needs a plan of its own.",
      );
    }
    const label = node.labels[INCIDENT_LABEL];
    const isOurs = label === plan.remediationId;
    if (isOurs && node.unschedulable) {
      return;
    }
    if (isOurs || label !== undefined || node.unschedulable) {
      throw foreignChange(node);
    }
    await write.kubernetes(cluster).cordonNode(name, node, {
      unschedulable: true,
      labels: { [INCIDENT_LABEL]: plan.remediationId },
    });
  },

  async verify(plan, { read }) {
    const { name } = plannedTarget(plan, "node");
    const node = await nodeOf(plan, read);
    if (node === null) {
      return { verdict: "absent", reason: `Node ${name} has gone.` };
    }
    if (!node.unschedulable) {
      return { verdict: "absent", reason: `Node ${name} is not cordoned: our change is not there.` };
    }
    return node.labels[INCIDENT_LABEL] === plan.remediationId
      ? { verdict: "holds", proof: "declared" }
      : { verdict: "absent", reason: `Node ${name} is cordoned, but our label is not there.` };
  },

  async revert(plan, { read, write }) {
    const { cluster, name } = plannedTarget(plan, "node");
    const node = await nodeOf(plan, read);
    if (node === null) {
      return { outcome: "gone", reason: `Node ${name} has gone.` };
    }
    const label = node.labels[INCIDENT_LABEL];
    if (label === plan.remediationId) {
      // Where somebody has let pods on again, only our label is left to be taken off.
      await write.kubernetes(cluster).cordonNode(name, node, {
        unschedulable: false,
        labels: { [INCIDENT_LABEL]: null },
      });
      return { outcome: "restored" };
    }
    if (label !== undefined || node.unschedulable) {
      throw foreignChange(node);
    }
    return { outcome: "restored" };
  },
});

/** The very node of the plan; null where it has gone, also where another has its name. */
async function nodeOf(plan: Plan, read: ReadPorts["read"]): Promise<Node | null> {
  const { cluster, name } = plannedTarget(plan, "node");
  const node = await read.kubernetes(cluster).node(name);
  return node?.uid === plan.identity ? node : null;
}

function foreignChange(node: Node): Conflict {
  const { name, unschedulable, labels } = node;
  const label = labels[INCIDENT_LABEL];
  const marked = label === undefined ? "without our label" : `with the label ${INCIDENT_LABEL}=${label}`;
  const stays = `${unschedulable ? "cordoned" : "open to new pods"}, ${marked}`;
  return new Conflict(
    `Node ${name} is ${stays}: somebody else has changed it.`,
    "Look who changed it; it was left alone, and is yours to cordon or uncordon.",
    { remains: [`Node ${name} stays ${stays}${byWhom(node, CORDON, LABEL)}.`] },
  );
}

function limitsOf({ ready }: Node): string[] {
  return [
    "Pods that run on the node go on, with all that they can reach.",
    "Pods of DaemonSets, and those that tolerate a cordon or name the node themselves, still start there.",
    "Whoever upgrades, repairs or scales the node pool may uncordon the node or take it away.",
    ...(ready ? [] : ["The node is not ready: what it runs may not be what the cluster shows."]),
  ];
}

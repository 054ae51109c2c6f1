import { isControlPlane } from "../model/control-plane.ts";
import { Conflict } from "../model/errors.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { Node } from "../model/kubernetes-objects.ts";
import type { PlanStep } from "../model/plan.ts";
import type { ReadPorts, RevertOutcome, WritePorts } from "../model/playbook.ts";
import { byWhom } from "./foreign-change.ts";
import { touchedField } from "./touched-field.ts";

const LABEL = ["metadata", "labels", INCIDENT_LABEL];
const CORDON = ["spec", "unschedulable"];

/** A node that a remediation cordons and marks, by the uid that it was planned with. */
export interface NodeCordon {
  readonly cluster: string;
  readonly name: string;
  readonly uid: string;
  readonly remediationId: string;
  /** Somebody else had cordoned it: then it is only marked, and their cordon is never lifted. */
  readonly isForeign: boolean;
}

/** Why a node is not for us to cordon, for a person; null: it is. */
export function cordonObstacle(node: Node | null, name: string, remediationId: string): string | null {
  if (node === null) return `Node ${name} has gone.`;
  if (isControlPlane(node.labels)) return `Node ${name} runs the control plane.`;
  const label = node.labels[INCIDENT_LABEL];
  return label === undefined || label === remediationId || node.unschedulable
    ? null
    : `Node ${name} still bears the label of remediation ${label}, which is not overwritten.`;
}

/** The step of a plan: the cordon with our label, in one change; of a node with a cordon of somebody's, the label. */
export function cordonStep({ cluster, name, remediationId, isForeign }: Omit<NodeCordon, "uid">): PlanStep {
  return {
    sentence: isForeign
      ? `label node ${name}, which somebody else has cordoned, with this remediation`
      : `cordon node ${name}, and label it as cordoned by this remediation`,
    touches: [CORDON, LABEL].map((path) => touchedField(cluster, `nodes/${name}`, path.join("."))),
    before: { unschedulable: isForeign, label: null },
    after: { unschedulable: true, label: remediationId },
  };
}

/** Cordons and marks the node, unless that is done. Raises `Conflict` where it has gone or somebody has changed it. */
export async function putCordon(cordon: NodeCordon, { read, write }: WritePorts): Promise<void> {
  const { cluster, name, remediationId, isForeign } = cordon;
  const node = await cordonedNode(cordon, read);
  if (node === null) {
    throw new Conflict(
      `Node ${name} has gone since the plan was made.`,
      "Nothing is left to be cordoned; a new node of that name needs a plan of its own.",
    );
  }
  const label = node.labels[INCIDENT_LABEL];
  if (label === remediationId && node.unschedulable) return;
  if (label !== undefined || node.unschedulable !== isForeign) throw foreignChange(node);
  await write.kubernetes(cluster).cordonNode(name, node, {
    unschedulable: true,
    labels: { [INCIDENT_LABEL]: remediationId },
  });
}

/** Why cordon and label are not there, a sentence; null: they are. */
export function lostCordon(node: Node | null, { name, remediationId }: NodeCordon): string | null {
  if (node === null) return `Node ${name} has gone.`;
  if (!node.unschedulable) return `Node ${name} is not cordoned: our change is not there.`;
  return node.labels[INCIDENT_LABEL] === remediationId
    ? null
    : `Node ${name} is cordoned, but our label is not there.`;
}

/** Takes our label off, and the cordon with it if it is ours. Raises `Conflict` where somebody has changed either. */
export async function liftCordon(cordon: NodeCordon, { read, write }: WritePorts): Promise<RevertOutcome> {
  const { cluster, name, remediationId, isForeign } = cordon;
  const node = await cordonedNode(cordon, read);
  if (node === null) return { outcome: "gone", reason: `Node ${name} has gone.` };
  const label = node.labels[INCIDENT_LABEL];
  if (label === remediationId) {
    // Where somebody has let pods on again, only our label is left to be taken off.
    await write.kubernetes(cluster).cordonNode(name, node, {
      unschedulable: isForeign && node.unschedulable,
      labels: { [INCIDENT_LABEL]: null },
    });
    return { outcome: "restored" };
  }
  // Without our label a cordon is somebody's: it stays, and where it stood before us nothing is left to be done.
  if (label !== undefined || (node.unschedulable && !isForeign)) throw foreignChange(node);
  return { outcome: "restored" };
}

/** The very node of the plan; null where it has gone, also where another has its name. */
export async function cordonedNode(
  { cluster, name, uid }: NodeCordon,
  read: ReadPorts["read"],
): Promise<Node | null> {
  const node = await read.kubernetes(cluster).node(name);
  return node?.uid === uid ? node : null;
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

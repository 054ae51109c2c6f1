import { z } from "zod";
import type { AdmissionList } from "../model/admission-list.ts";
import { Conflict } from "../model/errors.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import type { Plan } from "../model/plan.ts";
import { playbook } from "../model/playbook.ts";
import {
  type Held,
  heldKeys,
  heldKeysSchema,
  hold,
  holdOf,
  holdPermissions,
  holdSteps,
  release,
  whyNotHeld,
} from "./held-entries.ts";
import { plannedTarget } from "./planned-target.ts";
import { workloadReads } from "./workload-rights.ts";

/** What the plan remembers: the keys that it adds to the list. */
const dataSchema = z.object({ keys: heldKeysSchema });

const impact =
  "No new pod of the workload starts: rollouts, scale-ups and replacements of it fail, running pods go on.";
const LIMITS = [
  "What runs already goes on: scale-to-zero ends it.",
  "A pod that somebody makes by hand, without the workload as its owner, is not held.",
  "One made anew under its name is held as well.",
  "Once it is lifted, the workload's controller tries again by itself: at once, or up to a quarter of an hour later where it was refused for long.",
];

/**
 * Keeps new pods of one workload out, whoever asks for them: entries in the list that the operator's admission policy
 * reads. It outlasts autoscalers and GitOps, which bring numbers back but no pods.
 */
export const holdWorkload = playbook({
  name: "hold-workload",
  title: "Keep new pods of a workload out",
  kind: "containment",
  target: "workload",
  parameters: z.strictObject({}),
  permissions: { kubernetes: [...workloadReads, ...holdPermissions], arm: [] },
  impact,
  highImpact: true,
  reversible: true,
  destroysEvidence: false,

  async plan({ target, remediationId }, { read }) {
    const { cluster, namespace, name, workloadKind } = target;
    const object = `${workloadKind} ${namespace}/${name}`;
    const reader = read.kubernetes(cluster);
    const workload = await reader.workloadState(workloadKind, namespace, name);
    if (workload === null) {
      return { outcome: "skip", reason: `${object} has gone.` };
    }
    const found = await holdOf(workload, reader, remediationId);
    if ("obstacle" in found) {
      return { outcome: "skip", reason: `${object} ${found.obstacle}.` };
    }
    const { free, taken } = found;
    if (free.length === 0) {
      return { outcome: "no-op", reason: `${object} is held already.`, identity: workload.uid };
    }
    return {
      outcome: "change",
      draft: {
        identity: workload.uid,
        steps: holdSteps(cluster, free, remediationId),
        impact,
        limits: [
          ...LIMITS,
          ...taken.map((key) => `${key} is in the list already, and stays when this is taken back.`),
        ],
        data: { keys: free },
      },
    };
  },

  async apply(plan, ports) {
    const { cluster, namespace, name, workloadKind } = plannedTarget(plan, "workload");
    const workload = await ports.read.kubernetes(cluster).workloadState(workloadKind, namespace, name);
    if (workload?.uid !== plan.identity) {
      throw new Conflict(
        `${workloadKind} ${namespace}/${name} has gone since the plan was made.`,
        "Nothing is left to be held; a new one of that name needs a plan of its own.",
      );
    }
    await hold(heldBy(plan), ports);
  },

  async verify(plan, { read }) {
    const held = heldBy(plan);
    const reader = read.kubernetes(held.cluster);
    const list = await reader.holdList();
    const reason = whyNotHeld(list, held);
    if (reason !== null) return { verdict: "absent", reason };
    const remains = await notHeld(plan, list, reader);
    return remains.length > 0 ? { verdict: "partial", remains } : { verdict: "holds", proof: "declared" };
  },

  async revert(plan, ports) {
    const held = heldBy(plan);
    const { namespace, name, workloadKind } = plannedTarget(plan, "workload");
    // Whatever has become of the workload: what we wrote is taken out.
    if ((await release(held, ports)) === "gone") {
      return {
        outcome: "gone",
        reason:
          "The admission policy, its binding or its list has gone: nothing is held. Entries left in the list hold again once all three are back.",
      };
    }
    const workload = await ports.read.kubernetes(held.cluster).workloadState(workloadKind, namespace, name);
    return workload?.uid === plan.identity
      ? { outcome: "restored" }
      : { outcome: "gone", reason: `${workloadKind} ${namespace}/${name} has gone.` };
  },
});

/** What came between the workload and its pods while the plan was made, and is not refused for its owner's sake. */
async function notHeld(plan: Plan, list: AdmissionList | null, reader: KubernetesReader): Promise<string[]> {
  const { namespace, name, workloadKind } = plannedTarget(plan, "workload");
  const workload = await reader.workloadState(workloadKind, namespace, name);
  const found = workload?.uid === plan.identity ? await heldKeys(workload, reader) : { keys: [] };
  if ("obstacle" in found) return [`${workloadKind} ${namespace}/${name} ${found.obstacle}.`];
  return found.keys
    .filter((key) => list?.entries[key] === undefined)
    .map((key) => `${key} came up meanwhile, and is not in the list: its pods are not refused.`);
}

function heldBy(plan: Plan): Held {
  const { cluster } = plannedTarget(plan, "workload");
  const { keys } = dataSchema.parse(plan.data);
  return { cluster, keys, remediationId: plan.remediationId };
}

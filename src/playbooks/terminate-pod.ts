import { z } from "zod";
import { Conflict } from "../model/errors.ts";
import type { Owner, Pod } from "../model/kubernetes-objects.ts";
import type { Plan } from "../model/plan.ts";
import { playbook, type ReadPorts } from "../model/playbook.ts";
import { plannedTarget } from "./planned-target.ts";
import { touchedField } from "./touched-field.ts";

const POLL_MS = 5_000;

const parameters = z.strictObject({
  /** An eviction asks the disruption budgets; a deletion asks nobody. */
  by: z.enum(["eviction", "delete"]).default("eviction"),
});
/** What the plan remembers: how it is ended. */
const dataSchema = z.object({ by: z.enum(["eviction", "delete"]) });

const impact = "The pod ends for good, with all that only it held; who owns it may start another.";

/**
 * Ends a pod for good, within its own time to end. It cannot be taken back, so a person decides, and not the one who
 * asked for it. No high impact besides: as with isolate-pod one pod suffers, and whatever owns it replaces it.
 * A remediation and no containment: what is done is done, and there is nothing that could be held in force.
 */
export const terminatePod = playbook({
  name: "terminate-pod",
  title: "End a pod",
  kind: "remediation",
  target: "pod",
  parameters,
  permissions: {
    kubernetes: [
      { apiGroup: "", resource: "pods", verbs: ["get", "delete"] },
      { apiGroup: "", resource: "pods/eviction", verbs: ["create"] },
    ],
    arm: [],
  },
  impact,
  highImpact: false,
  reversible: false,
  destroysEvidence: true,

  async plan({ target, parameters: { by } }, { read }) {
    const { cluster, namespace, name } = target;
    const object = `Pod ${namespace}/${name}`;
    const pod = await read.kubernetes(cluster).pod(namespace, name);
    if (pod === null) {
      return { outcome: "skip", reason: `${object} has gone.` };
    }
    const obstacle = obstacleTo(pod);
    if (obstacle !== null) {
      return { outcome: "skip", reason: `${object} ${obstacle}.` };
    }
    if (pod.deleting) {
      return { outcome: "no-op", reason: `${object} is being deleted already.`, identity: pod.uid };
    }
    return {
      outcome: "change",
      draft: {
        identity: pod.uid,
        steps: [
          {
            sentence: `${by === "eviction" ? "evict" : "delete"} pod ${namespace}/${name}`,
            touches: [touchedField(cluster, `pods/${namespace}/${name}`, "metadata.deletionTimestamp")],
            before: null,
            after: "deleted",
          },
        ],
        // Part of what is approved: whoever says yes to a bare pod has not said yes to a replaced one.
        impact: `The pod ends for good, with all that only it held. ${successorOf(pod.controller)}`,
        limits: limitsOf(by, pod.controller),
        data: { by },
      },
    };
  },

  async apply(plan, { read, write }) {
    const { cluster, namespace, name } = plannedTarget(plan, "pod");
    const pod = await podOf(plan, read);
    // Gone, or on its way: that is what was wanted, and a second deletion could only cut its time to end short.
    if (pod === null || pod.deleting) {
      return;
    }
    const writer = write.kubernetes(cluster);
    await (dataSchema.parse(plan.data).by === "eviction"
      ? writer.evictPod(namespace, name, pod)
      : writer.deletePod(namespace, name, pod));
  },

  async verify(plan, { read }) {
    const pod = await podOf(plan, read);
    if (pod === null) {
      return { verdict: "holds", proof: "proved" };
    }
    const object = `Pod ${pod.namespace}/${pod.name}`;
    return pod.deleting
      ? {
          verdict: "not-yet",
          reason: `${object} is ending and still there: its own time to end, a finalizer, or a node that does not answer.`,
          retryAfterMs: POLL_MS,
        }
      : { verdict: "absent", reason: `${object} is still there, and nobody ends it: its end is not there.` };
  },

  async revert(plan, { read }) {
    const { namespace, name } = plannedTarget(plan, "pod");
    const object = `Pod ${namespace}/${name}`;
    const pod = await podOf(plan, read);
    if (pod === null) {
      return { outcome: "gone", reason: `${object} has gone, and cannot be brought back.` };
    }
    if (pod.deleting) {
      throw new Conflict(`${object} is ending, which nobody can stop.`, "Nothing can be taken back.", {
        remains: [`${object} ends.`],
      });
    }
    return { outcome: "restored" };
  },
});

/** The very pod of the plan; null where it has gone, also where another has its name. */
async function podOf(plan: Plan, read: ReadPorts["read"]): Promise<Pod | null> {
  const { cluster, namespace, name } = plannedTarget(plan, "pod");
  const pod = await read.kubernetes(cluster).pod(namespace, name);
  return pod?.uid === plan.identity ? pod : null;
}

function obstacleTo({ mirror, controller, phase }: Pod): string | null {
  if (mirror || controller?.kind === "Node") {
    return "is a static pod of its node, which the API can only show: it is ended by its file on the node";
  }
  if (phase === "Succeeded" || phase === "Failed") {
    return "has ended by itself: nothing of it runs, and what it left is evidence";
  }
  return null;
}

function successorOf(controller: Owner | null): string {
  if (controller === null) {
    return "Nothing owns it, so nothing starts another.";
  }
  const owner = `${controller.kind} ${controller.name}`;
  switch (controller.kind) {
    case "StatefulSet":
      return `Its owner, ${owner}, starts another of the same name, on the same volumes.`;
    case "DaemonSet":
      return `Its owner, ${owner}, starts another on the same node.`;
    case "Job":
      return `Its owner, ${owner}, may start another, as far as the job allows failures.`;
    default:
      return `Its owner, ${owner}, starts another in its place.`;
  }
}

function limitsOf(by: "eviction" | "delete", controller: Owner | null): string[] {
  return [
    ...(controller === null
      ? []
      : [
          "What starts in its place has the same image, rights and weaknesses: see block-image and scale-to-zero.",
        ]),
    by === "eviction"
      ? "A PodDisruptionBudget may forbid it: then it is tried some times, and fails."
      : "No PodDisruptionBudget is asked: the service may have too few pods for a while.",
    "It ends within its own time to end; a finalizer or a node that does not answer may keep it.",
  ];
}

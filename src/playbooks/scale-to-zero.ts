import { z } from "zod";
import { Conflict } from "../model/errors.ts";
import { SCALABLE_KINDS, type ScalableKind, type Scale, type Workload } from "../model/kubernetes-objects.ts";
import type { Plan } from "../model/plan.ts";
import { playbook } from "../model/playbook.ts";
import { byWhom } from "./foreign-change.ts";
import { plannedTarget } from "./planned-target.ts";
import { touchedField } from "./touched-field.ts";

const POLL_MS = 5_000;

/** What the plan remembers: the number of pods that was wanted before. */
const dataSchema = z.object({ replicas: z.int().positive() });

const impact = "All pods of the workload end, and what it serves is down until this is taken back.";

/**
 * Stops a workload by asking for no pods at all: the one number that a HorizontalPodAutoscaler respects (it undoes
 * a one within half a minute). The pods and what they hold in memory are lost.
 */
export const scaleToZero = playbook({
  name: "scale-to-zero",
  title: "Scale a workload to zero",
  kind: "containment",
  target: "workload",
  parameters: z.strictObject({}),
  permissions: {
    kubernetes: ["deployments", "statefulsets", "replicasets"].flatMap((resource) => [
      { apiGroup: "apps", resource, verbs: ["get"] },
      { apiGroup: "apps", resource: `${resource}/scale`, verbs: ["get", "patch"] },
    ]),
    arm: [],
  },
  impact,
  highImpact: true,
  reversible: true,
  destroysEvidence: true,

  async plan({ target }, { read }) {
    const { cluster, namespace, name, workloadKind } = target;
    if (!isScalable(workloadKind)) {
      return {
        outcome: "skip",
        reason: `A ${workloadKind} has no number of pods that could be set to zero.`,
      };
    }
    const object = `${workloadKind} ${namespace}/${name}`;
    const workload = await read.kubernetes(cluster).workload(workloadKind, namespace, name);
    if (workload === null || workload.replicas === null) {
      return { outcome: "skip", reason: `${object} has gone.` };
    }
    const obstacle = obstacleTo(workload);
    if (obstacle !== null) {
      return { outcome: "skip", reason: `${object} ${obstacle}.` };
    }
    if (workload.replicas === 0) {
      return { outcome: "no-op", reason: `${object} is at zero already.`, identity: workload.uid };
    }
    return {
      outcome: "change",
      draft: {
        identity: workload.uid,
        steps: [
          {
            sentence: `scale ${object} from ${workload.replicas} to 0`,
            touches: [
              touchedField(cluster, `${workloadKind.toLowerCase()}s/${namespace}/${name}`, "spec.replicas"),
            ],
            before: workload.replicas,
            after: 0,
          },
        ],
        impact,
        limits: limitsOf(workload),
        data: { replicas: workload.replicas },
      },
    };
  },

  async apply(plan, { read, write }) {
    const { kind, object, cluster, namespace, name } = scaledObject(plan);
    const before = dataSchema.parse(plan.data).replicas;
    const scale = await read.kubernetes(cluster).scale(kind, namespace, name);
    if (scale === null || scale.uid !== plan.identity) {
      throw new Conflict(
        `${object} has gone since the plan was made.`,
        "Nothing is left to be scaled; a new one of that name needs a plan of its own.",
      );
    }
    if (scale.replicas === 0) {
      return;
    }
    if (scale.replicas !== before) {
      throw foreignScale(object, scale, before);
    }
    await write.kubernetes(cluster).setScale(kind, namespace, name, scale, 0);
  },

  async verify(plan, { read }) {
    const { kind, object, cluster, namespace, name } = scaledObject(plan);
    const scale = await read.kubernetes(cluster).scale(kind, namespace, name);
    if (scale === null || scale.uid !== plan.identity) {
      return { verdict: "absent", reason: `${object} has gone.` };
    }
    if (scale.replicas !== 0) {
      return { verdict: "absent", reason: `${object} wants ${scale.replicas} pods.` };
    }
    if (scale.present > 0) {
      return {
        verdict: "not-yet",
        reason: `${object} still has ${scale.present} pods.`,
        retryAfterMs: POLL_MS,
      };
    }
    return { verdict: "holds", proof: "proved" };
  },

  async revert(plan, { read, write }) {
    const { kind, object, cluster, namespace, name } = scaledObject(plan);
    const before = dataSchema.parse(plan.data).replicas;
    const scale = await read.kubernetes(cluster).scale(kind, namespace, name);
    if (scale === null || scale.uid !== plan.identity) {
      return { outcome: "gone", reason: `${object} has gone.` };
    }
    if (scale.replicas !== before && scale.replicas !== 0) {
      // The scale itself does not say who set it, the workload does.
      const workload = await read.kubernetes(cluster).workload(kind, namespace, name);
      throw foreignScale(object, scale, before, byWhom(workload, ["spec", "replicas"]));
    }
    if (scale.replicas === 0) {
      await write.kubernetes(cluster).setScale(kind, namespace, name, scale, before);
    }
    return { outcome: "restored" };
  },
});

function isScalable(kind: string): kind is ScalableKind {
  return SCALABLE_KINDS.some((scalable) => scalable === kind);
}

function obstacleTo(workload: Workload): string | null {
  const owner = workload.controller;
  if (workload.deleting) {
    return "is being deleted";
  }
  if (owner?.apiVersion.startsWith("apps/") && isScalable(owner.kind)) {
    return `belongs to ${owner.kind} ${owner.name}, which would scale it up again: scale its owner`;
  }
  if (workload.claimsWhenScaled === "Delete") {
    return "deletes its volume claims when it is scaled down, and they cannot be brought back";
  }
  return null;
}

function limitsOf({ controller }: Workload): string[] {
  const undone = "Whoever sets the number of pods from outside (KEDA, Flux, Argo CD) may scale it up again.";
  return controller === null
    ? [undone]
    : [undone, `Its owner, ${controller.kind} ${controller.name}, may scale it up again.`];
}

function scaledObject(plan: Plan) {
  const { workloadKind: kind, cluster, namespace, name } = plannedTarget(plan, "workload");
  if (!isScalable(kind)) {
    throw new TypeError(`A plan of ${plan.playbook} has a ${kind} as its target.`);
  }
  return { kind, object: `${kind} ${namespace}/${name}`, cluster, namespace, name };
}

function foreignScale(object: string, { replicas }: Scale, before: number, whom = ""): Conflict {
  return new Conflict(
    `${object} wants ${replicas} pods, neither the ${before} of the plan nor 0: somebody else has scaled it.`,
    "Look who scaled it; its number of pods was left alone.",
    { remains: [`${object} stays at ${replicas} pods${whom}.`] },
  );
}

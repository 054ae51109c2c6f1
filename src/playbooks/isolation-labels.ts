import { z } from "zod";
import { Conflict } from "../model/errors.ts";
import { EGRESS_LABEL } from "../model/incident-mark.ts";
import type { Pod } from "../model/kubernetes-objects.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import type { Plan, PlanStep } from "../model/plan.ts";
import { restrictionName } from "./egress-restriction.ts";
import { byWhom } from "./foreign-change.ts";
import { touchedField } from "./touched-field.ts";

/**
 * What the plan of an isolation remembers: the labels that it takes off, the ReplicaSet that lets the pod go by that, who
 * enforces policies there, and whose own kind of policy denies, at which rank. Plans of earlier versions do not say the
 * last three, or say of the last one only that it is Cilium's.
 */
export const isolationData = z
  .object({
    removed: z.record(z.string(), z.string()),
    letGoBy: z.object({ name: z.string(), uid: z.string() }).nullable(),
    engine: z.string().nullable().default(null),
    agent: z.string().nullable().default(null),
    deny: z
      .union([z.boolean(), z.object({ by: z.enum(["cilium", "ovn", "calico"]), rank: z.number() })])
      .default(false)
      .transform((deny) => {
        if (typeof deny !== "boolean") return deny;
        return deny ? ({ by: "cilium", rank: 0 } as const) : null;
      }),
  })
  .nullable()
  .transform((data) => data ?? { removed: {}, letGoBy: null, engine: null, agent: null, deny: null });

/** These labels of the pod with their values. */
export function valuesOf(pod: Pod, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [key, pod.labels[key] ?? ""]));
}

/** The step that takes effect: our label on, others off, in one patch. */
export function labelStep(
  cluster: string,
  pod: Pod,
  [mark, remediationId]: readonly [key: string, remediationId: string],
  removed: readonly string[],
): PlanStep {
  const object = `pods/${pod.namespace}/${pod.name}`;
  const off =
    removed.length === 0
      ? ""
      : `, and take off ${removed.join(", ")}, by which other policies let traffic through`;
  return {
    sentence: `label pod ${pod.namespace}/${pod.name} so that the policy selects it${off}`,
    touches: [
      touchedField(cluster, object, `metadata.labels.${mark}`),
      // A restriction gives its mark up to an isolation: by that the two are not in each other's way.
      ...removed
        .filter((key) => key !== EGRESS_LABEL)
        .map((key) => touchedField(cluster, object, `metadata.labels.${key}`)),
    ],
    before: removed.length === 0 ? null : valuesOf(pod, removed),
    after: remediationId,
  };
}

/**
 * What the one patch of the way back sets: our label `mark` off, and those on again that we took off. Raises `Conflict`
 * where somebody else set one of them, or where the pod would be deleted by it.
 */
export async function labelsBack(
  pod: Pod,
  plan: Plan,
  mark: string,
  reader: KubernetesReader,
): Promise<Record<string, string | null>> {
  const { removed: takenOff, letGoBy } = isolationData.parse(plan.data);
  const removed = await withoutEnded(takenOff, pod.namespace, reader);
  const missing = Object.entries(removed).filter(([key]) => pod.labels[key] === undefined);
  const present = Object.keys(removed).filter((key) => pod.labels[key] !== undefined);
  requireLabels(pod, Object.fromEntries(present.map((key) => [key, removed[key] ?? ""])), "as we left it");
  if (missing.length > 0 && letGoBy !== null) await mustBeWanted(pod, letGoBy, reader);
  const ours = pod.labels[mark] === undefined ? {} : { [mark]: null };
  return { ...Object.fromEntries(missing), ...ours };
}

/** The mark of a restriction comes back only as long as that restriction stands: its policy is the last of it to go. */
async function withoutEnded(
  removed: Readonly<Record<string, string>>,
  namespace: string,
  reader: KubernetesReader,
): Promise<Readonly<Record<string, string>>> {
  const { [EGRESS_LABEL]: restriction, ...others } = removed;
  if (restriction === undefined) return removed;
  return (await reader.networkPolicy(namespace, restrictionName(restriction))) === null ? others : removed;
}

/**
 * A ReplicaSet that a rollout has emptied meanwhile would take the pod back and delete it at once (measured): what is to
 * be investigated would be gone.
 */
async function mustBeWanted(
  pod: Pod,
  { name, uid }: { readonly name: string; readonly uid: string },
  reader: KubernetesReader,
): Promise<void> {
  const replicaSet = await reader.workload("ReplicaSet", pod.namespace, name);
  if (replicaSet === null || replicaSet.uid !== uid || replicaSet.replicas !== 0) return;
  const object = `Pod ${pod.namespace}/${pod.name}`;
  throw new Conflict(
    `A rollout has replaced ReplicaSet ${name}: with its labels back, ${object} would be deleted at once.`,
    "Delete the pod when it has been looked at, or scale that ReplicaSet up first; then take it back again.",
    { remains: [`${object} stays isolated, without an owner.`] },
  );
}

/** Raises `Conflict` where one of these labels has another value by now. */
export function requireLabels(pod: Pod, wanted: Readonly<Record<string, string>>, as: string): void {
  const [other] = Object.entries(wanted).find(([key, value]) => pod.labels[key] !== value) ?? [];
  if (other === undefined) return;
  const object = `Pod ${pod.namespace}/${pod.name}`;
  const whom = byWhom(pod, ["metadata", "labels", other]);
  throw new Conflict(
    `The label ${other} of ${object} is not ${as}.`,
    "Look who changed it; it was left alone.",
    {
      remains: [`${object} has the label ${other}=${pod.labels[other] ?? "(none)"}${whom}.`],
    },
  );
}

/** Raises `Conflict` where the label `mark` of the pod is by now that of another remediation. */
export function requireOwnLabel(pod: Pod, remediationId: string, mark: string): void {
  const label = pod.labels[mark];
  if (label !== undefined && label !== remediationId) {
    const object = `Pod ${pod.namespace}/${pod.name}`;
    throw new Conflict(
      `${object} now carries the label of remediation ${label}.`,
      `Look at remediation ${label}: it holds the pod now.`,
      {
        remains: [`${object} keeps the label ${mark}=${label}${byWhom(pod, ["metadata", "labels", mark])}.`],
      },
    );
  }
}

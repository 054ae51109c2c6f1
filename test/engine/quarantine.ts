import { z } from "zod";
import { Conflict } from "../../src/model/errors.ts";
import type { Plan } from "../../src/model/plan.ts";
import { type AnyPlaybook, playbook } from "../../src/model/playbook.ts";

/** A playbook that lives in the tests: one label on one pod, with the effect as a conditional change. */
export function labelling(name: string, label: string): AnyPlaybook {
  return playbook({
    name,
    title: "Label a pod",
    kind: "containment",
    target: "pod",
    parameters: z.strictObject({}),
    permissions: { kubernetes: [{ apiGroup: "", resource: "pods", verbs: ["get", "patch"] }], arm: [] },
    impact: "nothing",
    highImpact: false,
    reversible: true,
    destroysEvidence: false,

    async plan({ target, remediationId }, { read }) {
      const pod = await read.kubernetes(target.cluster).pod(target.namespace, target.name);
      if (pod === null) return { outcome: "skip", reason: "the pod has gone" };
      const before = pod.labels[label] ?? null;
      if (before !== null) return { outcome: "no-op", reason: "it is labelled already", identity: pod.uid };
      return {
        outcome: "change",
        draft: {
          identity: pod.uid,
          steps: [
            {
              sentence: `label ${target.name}`,
              touches: [`pod/${target.namespace}/${target.name}#labels.${label}`],
              before,
              after: remediationId,
            },
          ],
          impact: "nothing",
          limits: [],
          data: null,
        },
      };
    },

    async apply(plan, { read, write }) {
      const { cluster, namespace, name } = podOf(plan);
      const pod = await read.kubernetes(cluster).pod(namespace, name);
      if (pod === null || pod.uid !== plan.identity) throw new Conflict("another pod", "Nothing to do.");
      if (pod.labels[label] === plan.remediationId) return;
      if (pod.labels[label] !== undefined) throw new Conflict("labelled by another", "Look who did it.");
      await write.kubernetes(cluster).labelPod(namespace, name, pod, { [label]: plan.remediationId });
    },

    async verify(plan, { read }) {
      const { cluster, namespace, name } = podOf(plan);
      const pod = await read.kubernetes(cluster).pod(namespace, name);
      return pod?.labels[label] === plan.remediationId && pod.uid === plan.identity
        ? { verdict: "holds", proof: "proved" }
        : { verdict: "absent", reason: "the label is not there" };
    },

    async revert(plan, { read, write }) {
      const { cluster, namespace, name } = podOf(plan);
      const pod = await read.kubernetes(cluster).pod(namespace, name);
      if (pod === null || pod.uid !== plan.identity) return { outcome: "gone", reason: "the pod has gone" };
      const value = pod.labels[label];
      if (value === undefined) return { outcome: "restored" };
      if (value !== plan.remediationId) {
        throw new Conflict("the label was changed", "Look who did it.", { remains: [`${label}=${value}`] });
      }
      await write.kubernetes(cluster).labelPod(namespace, name, pod, { [label]: null });
      return { outcome: "restored" };
    },
  });
}

/** The playbook of most tests. */
export const quarantine = labelling("quarantine", "quarantine");

/** The pod that a plan names. */
export function podOf(plan: Plan): { cluster: string; namespace: string; name: string } {
  if (plan.target.kind !== "pod") throw new TypeError("a pod is wanted");
  return plan.target;
}

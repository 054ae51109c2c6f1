import { z } from "zod";
import { Conflict } from "../model/errors.ts";
import type { Plan } from "../model/plan.ts";
import { playbook, type ReadPorts } from "../model/playbook.ts";
import type { RoleBinding, RoleSubject } from "../model/role-binding.ts";
import type { Target } from "../model/target.ts";
import { bindingObstacle } from "./binding-obstacle.ts";
import { plannedTarget } from "./planned-target.ts";
import { touchedField } from "./touched-field.ts";

const POLL_MS = 5_000;

const parameters = z.strictObject({
  /** Deletes a binding that gives its role to several as well: all of them lose it. */
  allSubjects: z.boolean().default(false),
});
/** What the plan remembers: what the binding gave, to tell whether somebody gives it again. */
const dataSchema = z.object({ gave: z.array(z.string()) });

const impact =
  "Whoever the binding names loses the rights that it gives, at once and everywhere that it holds.";

/**
 * Takes rights away by deleting the binding that gives them. It does not take a single subject out, nor mark the
 * binding, nor make it anew: the API server lets nobody change or create a binding who lacks the rights that it gives
 * (measured, for fewer subjects and for an annotation too), and with `bind` we could give anybody everything. So the
 * manifest is in the plan, an administrator puts it back, and a person decides before. High impact: what runs under
 * these names may stop working. A remediation, since nothing is held in force.
 */
export const removeRoleBinding = playbook({
  name: "remove-role-binding",
  title: "Remove a role binding",
  kind: "remediation",
  target: "role-binding",
  parameters,
  permissions: {
    kubernetes: ["rolebindings", "clusterrolebindings"].map((resource) => ({
      apiGroup: "rbac.authorization.k8s.io",
      resource,
      verbs: ["get", "delete"],
    })),
    arm: [],
  },
  impact,
  highImpact: true,
  reversible: false,
  destroysEvidence: false,

  async plan({ target, parameters: { allSubjects } }, { read }) {
    const { cluster, namespace, name } = target;
    const object = bindingWords(target);
    const binding = await read.kubernetes(cluster).roleBinding(namespace, name);
    if (binding === null) {
      return { outcome: "skip", reason: `${object} has gone.` };
    }
    const obstacle = bindingObstacle(binding, allSubjects);
    if (obstacle !== null) {
      return { outcome: "skip", reason: `${object} ${obstacle}.` };
    }
    if (binding.deleting) {
      return { outcome: "no-op", reason: `${object} is being deleted already.`, identity: binding.uid };
    }
    if (binding.subjects.length === 0) {
      return { outcome: "no-op", reason: `${object} gives nobody anything.`, identity: binding.uid };
    }
    const role = `${binding.role.kind} ${binding.role.name}`;
    const who = binding.subjects.map(subjectWords);
    return {
      outcome: "change",
      draft: {
        identity: binding.uid,
        steps: [
          {
            sentence: `delete ${object}, which gives ${role} to ${who.join(", ")}`,
            touches: [touchedField(cluster, pathOf(target), "metadata.deletionTimestamp")],
            before: binding.manifest,
            after: "deleted",
          },
        ],
        impact: `Lost to ${who.join(", ")}: what ${role} gives, as far as nothing else gives it too.`,
        limits: limitsOf(binding),
        data: { gave: gaveOf(binding) },
      },
    };
  },

  async apply(plan, { read, write }) {
    const { cluster, namespace, name } = plannedTarget(plan, "role-binding");
    const binding = await bindingOf(plan, read);
    // Gone, or on its way: that is what was wanted.
    if (binding?.uid !== plan.identity || binding.deleting) return;
    await write.kubernetes(cluster).deleteRoleBinding(namespace, name, binding);
  },

  async verify(plan, { read }) {
    const object = bindingWords(plannedTarget(plan, "role-binding"));
    const binding = await bindingOf(plan, read);
    if (binding === null) {
      return { verdict: "holds", proof: "proved" };
    }
    if (binding.uid !== plan.identity) {
      const again = givesAgain(binding, dataSchema.parse(plan.data).gave);
      return again.length === 0
        ? { verdict: "holds", proof: "proved" }
        : {
            verdict: "partial",
            remains: again.map((gift) => `Somebody has made ${object} anew, and it gives again: ${gift}.`),
          };
    }
    return binding.deleting
      ? {
          verdict: "not-yet",
          reason: `${object} is being deleted, and a finalizer keeps it; it still gives its rights.`,
          retryAfterMs: POLL_MS,
        }
      : { verdict: "absent", reason: `${object} is still there: its end is not there.` };
  },

  async revert(plan, { read }) {
    const target = plannedTarget(plan, "role-binding");
    const object = bindingWords(target);
    const binding = await bindingOf(plan, read);
    if (binding?.uid === plan.identity) {
      if (!binding.deleting) return { outcome: "restored" };
      throw new Conflict(`${object} is being deleted, which nobody can stop.`, "Nothing can be taken back.", {
        remains: [`${object} goes once its finalizers let it.`],
      });
    }
    return {
      outcome: "gone",
      reason: `${object} has gone, and the API server lets nobody make it anew who lacks its rights: an administrator takes the manifest from \`before\` of the plan's step and runs \`kubectl create -f FILE\`.`,
    };
  },
});

/** What bears the name of the plan's binding now, whether it is that one or another. */
function bindingOf(plan: Plan, read: ReadPorts["read"]): Promise<RoleBinding | null> {
  const { cluster, namespace, name } = plannedTarget(plan, "role-binding");
  return read.kubernetes(cluster).roleBinding(namespace, name);
}

type BindingTarget = Extract<Target, { kind: "role-binding" }>;

function bindingWords({ namespace, name }: BindingTarget): string {
  return namespace === null ? `ClusterRoleBinding ${name}` : `RoleBinding ${namespace}/${name}`;
}

function pathOf({ namespace, name }: BindingTarget): string {
  return namespace === null ? `clusterrolebindings/${name}` : `rolebindings/${namespace}/${name}`;
}

function subjectWords({ kind, namespace, name }: RoleSubject): string {
  return `${kind} ${namespace === null ? "" : `${namespace}/`}${name}`;
}

/** One line for each subject: what the binding gives to whom. */
function gaveOf({ role, subjects }: RoleBinding): string[] {
  return subjects.map((subject) => `${role.kind} ${role.name} to ${subjectWords(subject)}`);
}

/** What a binding of the same name gives that the deleted one gave. */
function givesAgain(binding: RoleBinding, gave: readonly string[]): string[] {
  return gaveOf(binding).filter((gift) => gave.includes(gift));
}

function limitsOf({ controller }: RoleBinding): string[] {
  return [
    "Rights that another binding gives to the same names stay, and so does what was done with these until now.",
    controller === null
      ? "Whoever keeps the cluster in a state from outside (Flux, Argo CD, an operator) may make the binding anew."
      : `Its owner, ${controller.kind} ${controller.name}, may make the binding anew.`,
    "We cannot put it back: this step holds its manifest, which an administrator applies.",
  ];
}

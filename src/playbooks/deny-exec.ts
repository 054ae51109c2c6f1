import { z } from "zod";
import { type AdmissionList, LIST_GROUP, LIST_RESOURCE, MOST_ENTRIES } from "../model/admission-list.ts";
import { Conflict, Refused } from "../model/errors.ts";
import { blockListValue, OWN_NAMESPACE, SESSION_LIST, SESSION_POLICY } from "../model/incident-mark.ts";
import type { Plan } from "../model/plan.ts";
import { playbook, type ReadPorts } from "../model/playbook.ts";
import { byWhom } from "./foreign-change.ts";
import { plannedTarget } from "./planned-target.ts";
import { touchedField } from "./touched-field.ts";

/** What the plan remembers: the key that it adds to the list. */
const dataSchema = z.object({ key: z.string() });

const admission = {
  apiGroup: "admissionregistration.k8s.io",
  verbs: ["get"],
  resourceNames: [SESSION_POLICY],
};

const impact = "Nobody opens a shell or a tunnel into the pod any more; sessions that are open go on.";

/**
 * Denies new sessions (exec, attach, port-forward) into one pod: an entry in the list that the operator's admission policy
 * reads, one key of it, so that one remediation never touches another's. No API lists or ends what is open.
 */
export const denyExec = playbook({
  name: "deny-exec",
  title: "Deny sessions into a pod",
  kind: "containment",
  target: "pod",
  parameters: z.strictObject({}),
  permissions: {
    kubernetes: [
      { apiGroup: "", resource: "pods", verbs: ["get"] },
      { ...admission, resource: "validatingadmissionpolicies" },
      { ...admission, resource: "validatingadmissionpolicybindings" },
      {
        apiGroup: LIST_GROUP,
        resource: LIST_RESOURCE,
        verbs: ["get", "patch"],
        resourceNames: [SESSION_LIST],
        namespace: OWN_NAMESPACE,
      },
    ],
    arm: [],
  },
  impact,
  highImpact: false,
  reversible: true,
  destroysEvidence: false,

  async plan({ target, remediationId }, { read }) {
    const { cluster, namespace, name } = target;
    const reader = read.kubernetes(cluster);
    const pod = await reader.pod(namespace, name);
    if (pod === null) {
      return { outcome: "skip", reason: `Pod ${namespace}/${name} has gone.` };
    }
    const key = `${namespace}.${name}`;
    const list = requireList(await reader.sessionList());
    const value = blockListValue(remediationId);
    const entry = list.entries[key];
    if (entry !== undefined && entry !== value) {
      const reason = `Sessions into pod ${namespace}/${name} are denied already.`;
      return { outcome: "no-op", reason, identity: pod.uid };
    }
    if (entry === undefined && Object.keys(list.entries).length >= MOST_ENTRIES) {
      return { outcome: "skip", reason: `The list of sessions is full with ${MOST_ENTRIES} entries.` };
    }
    return {
      outcome: "change",
      draft: {
        identity: pod.uid,
        steps: [
          {
            sentence: `deny new sessions into pod ${namespace}/${name}`,
            touches: [
              touchedField(
                cluster,
                `${LIST_RESOURCE}/${OWN_NAMESPACE}/${SESSION_LIST}`,
                `spec.entries.${key}`,
              ),
            ],
            before: null,
            after: value,
          },
        ],
        impact,
        limits: [
          "Sessions that are open go on: only the end of the pod ends them (terminate-pod), or of the node's connection.",
          "Who may add a debugging container to the pod, or reach its node or its ports through the network, still gets in.",
          "It goes by name: a pod that takes the name, as those of StatefulSets do, is closed too.",
          "Each API server learns of it by itself, within about a second.",
        ],
        data: { key },
      },
    };
  },

  async apply(plan, { read, write }) {
    const { cluster, namespace, name } = plannedTarget(plan, "pod");
    if (!(await isThere(plan, read))) {
      throw new Conflict(
        `Pod ${namespace}/${name} has gone since the plan was made.`,
        "Nothing is left to be closed; a new one of that name needs a plan of its own.",
      );
    }
    const list = requireList(await read.kubernetes(cluster).sessionList());
    if (entryOf(list, plan) === "absent") {
      const { key } = dataSchema.parse(plan.data);
      const entries = { [key]: blockListValue(plan.remediationId) };
      await write.kubernetes(cluster).changeSessionList(list, entries);
    }
  },

  async verify(plan, { read }) {
    const { cluster, namespace, name } = plannedTarget(plan, "pod");
    const list = await read.kubernetes(cluster).sessionList();
    if (list === null) {
      return {
        verdict: "absent",
        reason: "The list of sessions, its admission policy or its binding has gone.",
      };
    }
    const { key } = dataSchema.parse(plan.data);
    if (list.entries[key] !== blockListValue(plan.remediationId)) {
      return {
        verdict: "absent",
        reason: `The list of sessions does not hold ${key}: our entry is not there.`,
      };
    }
    return (await isThere(plan, read))
      ? { verdict: "holds", proof: "declared" }
      : { verdict: "absent", reason: `Pod ${namespace}/${name} has gone.` };
  },

  async revert(plan, { read, write }) {
    const { cluster, namespace, name } = plannedTarget(plan, "pod");
    const list = await read.kubernetes(cluster).sessionList();
    if (list === null) {
      return {
        outcome: "gone",
        reason:
          "The admission policy, its binding or its list has gone: nothing is denied. An entry left in the list denies again once all three are back.",
      };
    }
    if (entryOf(list, plan) === "ours") {
      const { key } = dataSchema.parse(plan.data);
      // Also where the pod has gone: another of its name is not to be closed for ever.
      await write.kubernetes(cluster).changeSessionList(list, { [key]: null });
      return { outcome: "restored" };
    }
    return (await isThere(plan, read))
      ? { outcome: "restored" }
      : { outcome: "gone", reason: `Pod ${namespace}/${name} has gone.` };
  },
});

/** Is the very pod of the plan there? Another of its name is not. */
async function isThere(plan: Plan, read: ReadPorts["read"]): Promise<boolean> {
  const { cluster, namespace, name } = plannedTarget(plan, "pod");
  return (await read.kubernetes(cluster).pod(namespace, name))?.uid === plan.identity;
}

/** Whose the plan's entry is; raises `Conflict` where somebody else has put another value there. */
function entryOf(list: AdmissionList, plan: Plan): "absent" | "ours" {
  const { key } = dataSchema.parse(plan.data);
  const entry = list.entries[key];
  if (entry === undefined) return "absent";
  if (entry === blockListValue(plan.remediationId)) return "ours";
  throw new Conflict(
    `Somebody else has changed ${key} in the list of sessions.`,
    `Look at AdmissionList ${OWN_NAMESPACE}/${SESSION_LIST}: this entry was left alone.`,
    {
      remains: [
        `The list of sessions keeps ${key} as somebody else wrote it${byWhom(list, ["spec", "entries", key])}.`,
      ],
    },
  );
}

function requireList(list: AdmissionList | null): AdmissionList {
  if (list === null) {
    throw new Refused(
      `The cluster denies no sessions: admission policy ${SESSION_POLICY}, its binding and AdmissionList ${OWN_NAMESPACE}/${SESSION_LIST} are needed.`,
      "Apply the operator's manifests once: kubectl apply -f infra/kubernetes",
    );
  }
  return list;
}

import { z } from "zod";
import { LIST_GROUP, LIST_RESOURCE, MOST_ENTRIES } from "../model/admission-list.ts";
import { Conflict, Refused } from "../model/errors.ts";
import { OWN_NAMESPACE } from "../model/incident-mark.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import type { Plan } from "../model/plan.ts";
import { playbook } from "../model/playbook.ts";
import {
  POD_RULE_LISTS,
  POD_RULES,
  POD_RULES_POLICY,
  type PodRuleAction,
  type PodRuleLists,
  podRuleKey,
  podRuleValue,
} from "../model/pod-rules.ts";
import { byWhom } from "./foreign-change.ts";
import { plannedTarget } from "./planned-target.ts";
import { podRuleLimits } from "./pod-rule-limits.ts";
import { probePodRules } from "./probe-pod-rules.ts";
import { touchedField } from "./touched-field.ts";
import { trustedPrefix } from "./trusted-prefix.ts";

/** All that needs no list of registries. */
const USUAL_RULES = ["privileged", "privilege-escalation", "writable-root", "host-namespaces"] as const;

const ruleSchema = z.enum(POD_RULES);
const actionSchema = z.enum(["warn", "deny"]);

/** What the plan remembers: the list, and each entry with the rule and the namespace that it stands for. */
const dataSchema = z.object({
  action: actionSchema,
  value: z.string().min(1),
  entries: z.array(z.object({ rule: ruleSchema, namespace: z.string().nullable() })).min(1),
});

const registry = z.string().refine((text) => trustedPrefix(text) !== null, {
  error: "is no registry, nor a repository in one, such as myregistry.azurecr.io/team",
});
const namespace = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, { error: "is no name of a namespace" });
const parameters = z
  .strictObject({
    /** What a pod is held to. */
    rules: z
      .array(ruleSchema)
      .min(1)
      .default([...USUAL_RULES]),
    /** `warn` lets in and warns its author; with `deny` a person decides. */
    action: actionSchema.default("warn"),
    /** Only in these; none: in all but the platform's. */
    namespaces: z.array(namespace).max(10).default([]),
    /** For `untrusted-registries`: registries, or repositories in them, of which all below is trusted. */
    trustedRegistries: z.array(registry).max(20).default([]),
  })
  .refine(
    ({ rules, trustedRegistries }) => !rules.includes("untrusted-registries") || trustedRegistries.length > 0,
    {
      error: "`untrusted-registries` needs `trustedRegistries`",
    },
  );

const admission = { apiGroup: "admissionregistration.k8s.io", verbs: ["get"] };
const names = [POD_RULE_LISTS.deny, POD_RULE_LISTS.warn];
const impact =
  "Pods that break the rules start with a warning to their author, or not at all where it denies: rollouts, scale-ups and restarts that need them fail then, running pods go on.";

/**
 * Holds new pods to the recommendations of Defender for Cloud for containers, by entries in the lists that the operator's
 * admission policy reads: for clusters where Azure Policy is absent or in the way.
 */
export const enforcePodRules = playbook({
  name: "enforce-pod-rules",
  title: "Hold new pods to rules",
  kind: "remediation",
  target: "cluster",
  parameters,
  permissions: {
    kubernetes: [
      { ...admission, resource: "validatingadmissionpolicies", resourceNames: [POD_RULES_POLICY] },
      { ...admission, resource: "validatingadmissionpolicybindings", resourceNames: names },
      {
        apiGroup: LIST_GROUP,
        resource: LIST_RESOURCE,
        verbs: ["get", "patch"],
        resourceNames: names,
        namespace: OWN_NAMESPACE,
      },
      { apiGroup: "", resource: "pods", verbs: ["list"] },
      { apiGroup: "", resource: "namespaces", verbs: ["get"] },
      { apiGroup: "apps", resource: "deployments", verbs: ["get"] },
      { apiGroup: "", resource: "podtemplates", verbs: ["create"], namespace: OWN_NAMESPACE },
    ],
    arm: [],
  },
  impact,
  highImpact: true,
  reversible: true,
  destroysEvidence: false,
  needsApproval: ({ action }) =>
    action === "deny" ? "it denies what breaks its rules and does not only warn, so a person decides" : null,

  async plan({ target: { cluster }, parameters: given, remediationId }, { read }) {
    const reader = read.kubernetes(cluster);
    const { action, rules } = given;
    const list = (await requireLists(reader))[action];
    const trusted = given.trustedRegistries.flatMap((text) => trustedPrefix(text) ?? []);
    const somewhere = given.namespaces.length === 0 ? [null] : [...new Set(given.namespaces)];
    const value = podRuleValue(remediationId, trusted);
    const wanted = [...new Set(rules)].flatMap((rule) =>
      somewhere.map((name) => ({ rule, namespace: name })),
    );
    const isFree = (key: string): boolean => list.entries[key] === undefined || list.entries[key] === value;
    const entries = wanted.filter((one) => isFree(podRuleKey(one.rule, one.namespace)));
    const taken = wanted.filter((one) => !entries.includes(one));
    if (entries.length === 0) {
      return { outcome: "no-op", reason: "All of these rules are in force already.", identity: list.uid };
    }
    if (Object.keys(list.entries).length + entries.length > MOST_ENTRIES) {
      return { outcome: "skip", reason: `The list of rules is full with ${MOST_ENTRIES} entries.` };
    }
    const limits = await podRuleLimits(reader, { entries, action, trusted });
    return {
      outcome: "change",
      draft: {
        identity: list.uid,
        steps: entries.map((one) => ({
          sentence: `${action === "deny" ? "deny" : "warn of"} ${one.rule} in ${one.namespace ?? "all namespaces but the platform's"}`,
          touches: [
            touchedField(
              cluster,
              `${LIST_RESOURCE}/${OWN_NAMESPACE}/${POD_RULE_LISTS[action]}`,
              `spec.entries.${podRuleKey(one.rule, one.namespace)}`,
            ),
          ],
          before: null,
          after: value,
        })),
        impact,
        limits: [
          ...limits,
          ...taken.map(
            (one) =>
              `${podRuleKey(one.rule, one.namespace)} is in the list already, as somebody else wants it, and stays when this is taken back.`,
          ),
        ],
        data: { action, value, entries },
      },
    };
  },

  async apply(plan, { read, write }) {
    const { cluster } = plannedTarget(plan, "cluster");
    const { action, value } = dataSchema.parse(plan.data);
    const list = (await requireLists(read.kubernetes(cluster)))[action];
    const missing = requireOwn(list, plan).filter((key) => list.entries[key] === undefined);
    if (missing.length === 0) return;
    const entries = Object.fromEntries(missing.map((key) => [key, value]));
    await write.kubernetes(cluster).changePodRules(action, list, entries);
  },

  async verify(plan, { read }) {
    const { cluster } = plannedTarget(plan, "cluster");
    const { action, value, entries } = dataSchema.parse(plan.data);
    const reader = read.kubernetes(cluster);
    const lists = await reader.podRules();
    if (lists === null || lists === "unserved") {
      return {
        verdict: "absent",
        reason: "The policy of the pod rules, a binding or a list of it has gone.",
      };
    }
    const lost = keysOf(plan).filter((key) => lists[action].entries[key] !== value);
    return lost.length > 0
      ? { verdict: "absent", reason: `The list of rules does not hold ${lost.join(", ")} as we wrote it.` }
      : probePodRules(reader, action, entries);
  },

  async revert(plan, { read, write }) {
    const { cluster } = plannedTarget(plan, "cluster");
    const { action } = dataSchema.parse(plan.data);
    const lists = await read.kubernetes(cluster).podRules();
    if (lists === null || lists === "unserved") {
      return {
        outcome: "gone",
        reason:
          "The policy of the pod rules, a binding or a list of it has gone: no rule is in force. Entries left in a list are again once all are back.",
      };
    }
    const list = lists[action];
    const present = requireOwn(list, plan).filter((key) => list.entries[key] !== undefined);
    if (present.length > 0) {
      const entries = Object.fromEntries(present.map((key) => [key, null]));
      await write.kubernetes(cluster).changePodRules(action, list, entries);
    }
    return { outcome: "restored" };
  },
});

function keysOf(plan: Plan): readonly string[] {
  return dataSchema.parse(plan.data).entries.map((one) => podRuleKey(one.rule, one.namespace));
}

/** The plan's keys; raises `Conflict` where somebody else has put another value under one of them. */
function requireOwn(list: PodRuleLists[PodRuleAction], plan: Plan): readonly string[] {
  const { value, action } = dataSchema.parse(plan.data);
  const keys = keysOf(plan);
  const foreign = keys.filter((key) => list.entries[key] !== undefined && list.entries[key] !== value);
  if (foreign.length === 0) return keys;
  throw new Conflict(
    `Somebody else has changed ${foreign.join(", ")} in the list of rules.`,
    `Look at AdmissionList ${OWN_NAMESPACE}/${POD_RULE_LISTS[action]}: these entries were left alone.`,
    {
      remains: foreign.map(
        (key) =>
          `The list of rules keeps ${key} as somebody else wrote it${byWhom(list, ["spec", "entries", key])}.`,
      ),
    },
  );
}

async function requireLists(reader: KubernetesReader): Promise<PodRuleLists> {
  const lists = await reader.podRules();
  if (lists === "unserved") {
    throw new Refused(
      "The cluster is too old for it: ValidatingAdmissionPolicy v1 is not served.",
      "It needs Kubernetes 1.30, which is Azure Red Hat OpenShift 4.17, or later; before that, use Azure Policy.",
    );
  }
  if (lists === null) {
    throw new Refused(
      `The cluster has no pod rules: admission policy ${POD_RULES_POLICY}, its bindings and AdmissionLists ${OWN_NAMESPACE}/${names.join(" and ")} are needed.`,
      "Apply the operator's manifests once: kubectl apply -f infra/kubernetes",
    );
  }
  return lists;
}

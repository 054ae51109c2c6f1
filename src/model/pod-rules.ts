import type { AdmissionList } from "./admission-list.ts";

/** What a pod may be refused for; the names are those of the entries, and of the words of the policy. */
export const POD_RULES = [
  "privileged",
  "privilege-escalation",
  "writable-root",
  "host-namespaces",
  "untrusted-registries",
] as const;

/** One of them. */
export type PodRule = (typeof POD_RULES)[number];

/** Whether what breaks a rule is let in with a warning, or denied. */
export type PodRuleAction = "warn" | "deny";

/** Name of the admission policy that reads the rules. */
export const POD_RULES_POLICY = "reflex-pod-rules";

/** Names of the list of each action, and of the binding that reads it. */
export const POD_RULE_LISTS: Readonly<Record<PodRuleAction, string>> = {
  warn: "reflex-pod-rules-warn",
  deny: "reflex-pod-rules-deny",
};

/** Label of a pod template in our own namespace: judge it as if it were in this one; empty: in one without rules of its own. */
export const AS_NAMESPACE = "defender-reflex.dev/as-namespace";

/** Images of this repository count as trusted: nobody can push there (RFC 2606). */
export const TRUSTED_PROBE = "defender-reflex.invalid/trusted/probe";

/** The rules of a cluster, one list for each action. */
export type PodRuleLists = Readonly<Record<PodRuleAction, AdmissionList>>;

/** The key of a rule in one namespace; null: in all but the platform's. */
export function podRuleKey(rule: PodRule, namespace: string | null): string {
  return `${rule}/${namespace ?? "*"}`;
}

/** The value of an entry: the remediation that owns it, and the registries that are trusted where that is the rule. */
export function podRuleValue(remediationId: string, trusted: readonly string[]): string {
  return [remediationId, ...trusted].join(" ");
}

/** The remediation that owns an entry of that value; null where it is empty. */
export function ownerOfPodRule(value: string): string | null {
  const [owner = ""] = value.split(" ");
  return owner === "" ? null : owner;
}

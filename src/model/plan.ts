import { canonicalJson, hashOf } from "./canonical-json.ts";
import type { Target } from "./target.ts";

/** Any value that survives JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One change of one object: what it touches, before and after, and a sentence for people. */
export interface PlanStep {
  /** What is done, in the imperative: `create policy reflex-…`. */
  readonly sentence: string;
  /** The fields it touches, each as `object#field`; two remediations never hold one field. */
  readonly touches: readonly string[];
  readonly before: Json;
  readonly after: Json;
}

/** What a playbook proposes: everything that `apply`, `verify` and `revert` need, and nothing volatile. */
export interface PlanDraft {
  /** Identity of the object (uid, resource id); empty where the target has none. */
  readonly identity: string;
  readonly steps: readonly PlanStep[];
  /** What a user of the target will notice, in one sentence. */
  readonly impact: string;
  /** What the change will not cover, one sentence each. */
  readonly limits: readonly string[];
  /** What the playbook itself has to remember. */
  readonly data: Json;
}

/** A stored plan: a draft for one target of one remediation, with its hash. */
export interface Plan extends PlanDraft {
  readonly remediationId: string;
  readonly playbook: string;
  readonly target: Target;
  readonly hash: string;
}

/**
 * Makes a draft a plan. The hash covers target, identity, steps, impact and data: noise keeps it, drift changes it. Names
 * that were made of the remediation's id count as if all had one id, so that observing and enforcing plan the same.
 */
export function sealPlan(
  draft: PlanDraft,
  of: { remediationId: string; playbook: string; target: Target },
): Plan {
  const { identity, steps, impact, limits, data } = draft;
  const { remediationId, playbook, target } = of;
  const hash = planHashOf({ remediationId, playbook, target, identity, steps, impact, data });
  return { remediationId, playbook, target, identity, steps, impact, limits, data, hash };
}

/** The hash that a plan must have, computed from its content. */
export function planHashOf(plan: Omit<Plan, "hash" | "limits">): string {
  const { playbook, target, identity, steps, impact, data, remediationId } = plan;
  const content = canonicalJson({ playbook, target, identity, steps, impact, data });
  return hashOf(content.replaceAll(remediationId, "<remediation>"));
}

import type { Mode } from "./mode.ts";
import type { RuleAsItWas } from "./remediation.ts";

/** What a matching rule wants of one playbook: the rule as it is now, and on which clusters where the signal names none. */
export interface Decision {
  readonly playbook: string;
  readonly rule: RuleAsItWas;
  /** The rule's mode under the ceiling. */
  readonly mode: Mode;
  /** ARM ids of the clusters for signals without a cluster of their own; null: the signal's own. */
  readonly clusters: readonly string[] | null;
}

/** What may be touched at all. Deny wins; an empty allow list allows everything that is not denied. */
export interface Scope {
  readonly allow: readonly ScopeEntry[];
  readonly deny: readonly ScopeEntry[];
}

/** One entry of a scope: all parts that are given must match (ARM ids by whole segment, namespaces by glob). */
export interface ScopeEntry {
  readonly subscription?: string | undefined;
  readonly resourceGroup?: string | undefined;
  readonly resource?: string | undefined;
  readonly cluster?: string | undefined;
  readonly namespace?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** How to reach one cluster. `id` is its ARM id as in the alerts. */
export interface ClusterConnection {
  readonly id: string;
  readonly name: string;
  readonly kubeconfig: string;
  readonly context: string | null;
}

/** Where messages go. Addresses are names of settings, never the addresses themselves. */
export type Channel =
  | { readonly name: string; readonly kind: "teams"; readonly urlSetting: string }
  | {
      readonly name: string;
      readonly kind: "mail";
      readonly serverSetting: string;
      readonly from: string;
      readonly to: readonly string[];
    };

import type { Mode } from "./mode.ts";
import type { RuleAsItWas } from "./remediation.ts";

/** What a matching rule wants of one playbook: the rule as it is now, and on which clusters where the signal names none. */
export interface Decision {
  readonly playbook: string;
  readonly rule: RuleAsItWas;
  /** The highest mode that the rule has at any time, under the ceiling; `modeAt` gives that of a moment. */
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
  /** Name of a management group, at any height above the subscription. */
  readonly managementGroup?: string | undefined;
  readonly subscription?: string | undefined;
  readonly resourceGroup?: string | undefined;
  readonly resource?: string | undefined;
  readonly cluster?: string | undefined;
  readonly namespace?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Tags of the Azure resource (for a target in a cluster: of the cluster). */
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** Days of the week as the file names them. */
export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** One of the days. */
export type Weekday = (typeof WEEKDAYS)[number];

/** A time of the week in which a rule has another mode. */
export interface TimeWindow {
  /** Days on which it begins. */
  readonly days: readonly Weekday[];
  /** `HH:MM`; where `to` is not after `from` it ends on the next day. */
  readonly from: string;
  readonly to: string;
  /** IANA name, such as Europe/Berlin. */
  readonly timezone: string;
  readonly mode: Mode;
}

/** What somebody answers for leaving alone until a day. All parts that are given must match. */
export interface Exception {
  readonly name: string;
  readonly owner: string;
  readonly reason: string;
  /** ISO 8601; there is none without an end. */
  readonly until: string;
  readonly rule: string | null;
  readonly playbook: string | null;
  /** Pattern of the AlertType or assessment key. */
  readonly key: string | null;
  readonly where: ScopeEntry | null;
}

/** How much may be done without a person in an hour, and of how large a share; over it a person decides. */
export interface Budgets {
  /** Targets in an hour. */
  readonly perPlaybook: number;
  readonly perRule: number;
  readonly perCluster: number;
  readonly perNamespace: number;
  readonly perSubscription: number;
  /** Share of the pods of one workload, or of one namespace, held at a time: 0 to 1. One target always goes. */
  readonly shareOfWorkload: number;
  readonly shareOfNamespace: number;
  /** Messages to one channel in an hour; the rest waits and comes together. */
  readonly messagesPerChannel: number;
}

/** When a rule is tripped to observe: so many failures or reverts by people within the time. */
export interface Breaker {
  readonly after: number;
  readonly withinMs: number;
}

/** How to reach one cluster. Settings are named, never their values. */
export type ClusterConnect =
  | { readonly kind: "kubeconfig"; readonly kubeconfig: string; readonly context: string | null }
  /** AKS with Entra: the address from Azure, a token of the app's identity. */
  | { readonly kind: "aks-entra" }
  /** AKS without a route to it: kubectl in a pod of the cluster, by Azure's run command. Slow. */
  | { readonly kind: "run-command" }
  /** A service account's token; no `caSetting`: the system's authorities. */
  | {
      readonly kind: "token";
      readonly server: string;
      readonly caSetting: string | null;
      readonly tokenSetting: string;
    }
  /** The same, read from a key vault: addresses of secrets; neither authority: the system's. */
  | {
      readonly kind: "vault-token";
      readonly server: string;
      readonly caSetting: string | null;
      readonly caSecret: string | null;
      readonly tokenSecret: string;
    }
  /** No way in: a container that the cluster's Flux configuration of that name fetches from. It stands alone. */
  | { readonly kind: "flux"; readonly container: string; readonly configuration: string };

/** One cluster of the file. `id` is its ARM id as in the alerts, `aliases` are further ids of the same cluster. */
export interface ClusterConnection {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly name: string;
  /** The ways to it, in order; at least one. */
  readonly connect: readonly ClusterConnect[];
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

import type { AccessEntry } from "../model/caller.ts";
import type { Mode } from "../model/mode.ts";
import type { RuleAsItWas, Rung } from "../model/remediation.ts";
import type { Breaker, Budgets, Channel, ClusterConnection, Exception, Scope } from "../model/rule.ts";
import type { Condition } from "./condition.ts";

/** One playbook of a rule. */
export interface RulePlaybook {
  readonly name: string;
  /** Null: until somebody takes it back, or it cannot be taken back. */
  readonly ttlMs: number | null;
  /** ARM ids; null: the signal's own cluster. */
  readonly clusters: readonly string[] | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What follows, rung by rung, where this is not enough; absent: nothing. */
  readonly rungs?: readonly Rung[];
}

/** One rule of the file, ready to be asked. Durations in milliseconds. */
export interface Rule extends Pick<RuleAsItWas, "scope" | "windows" | "whenOld" | "perHour" | "approvalMs"> {
  readonly name: string;
  readonly mode: Mode;
  readonly condition: Extract<Condition, { op: "all" | "any" }>;
  readonly playbooks: readonly RulePlaybook[];
  readonly cooldownMs: number;
  readonly maxAgeMs: number;
  readonly notify: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly releaseWhenResolved: boolean;
}

/** A checked configuration file. Scope entries name clusters by ARM id; durations in milliseconds. */
export interface Configuration {
  readonly ceiling: Mode;
  readonly scope: Scope;
  /** Patterns from the file, besides those that are always protected. */
  readonly protectedNamespaces: readonly string[];
  readonly clusters: readonly ClusterConnection[];
  readonly channels: readonly Channel[];
  /** Silence of the hub is told after so long. */
  readonly silenceMs: number;
  /** How long records that have ended are kept. */
  readonly retentionMs: number;
  /** How long the history of such a record is kept; null: for ever. */
  readonly auditRetentionMs: number | null;
  readonly rules: readonly Rule[];
  readonly exceptions: readonly Exception[];
  readonly budgets: Budgets;
  readonly breaker: Breaker;
  readonly access: readonly AccessEntry[];
  /** Every part of the file in a normalised form, for telling what a change of it changed. */
  readonly content: Readonly<Record<string, unknown>>;
  /** Of the normalised content: comments, order of keys and spelling of durations do not change it. */
  readonly hash: string;
}

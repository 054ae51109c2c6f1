import type { DefenderReference } from "./defender-port.ts";
import type { KeptEvidence } from "./evidence-port.ts";
import type { Mode } from "./mode.ts";
import type { Proof } from "./playbook.ts";
import type { Scope, TimeWindow } from "./rule.ts";
import type { Severity, SignalKind } from "./signal.ts";
import type { Target } from "./target.ts";
import type { Approval, Word } from "./word.ts";

/** States in which something is still to come: such a record has exactly one drive row. */
export const OPEN_STATES = [
  "pending",
  "awaiting-approval",
  "applying",
  "verifying",
  "in-force",
  "reverting",
] as const;

/** States that are final. */
export const END_STATES = [
  "done",
  "reverted",
  "observed",
  "no-op",
  "skipped",
  "refused",
  "rejected",
  "expired",
  "superseded",
  "failed",
] as const;

/** A state in which something is still to come. */
export type OpenState = (typeof OPEN_STATES)[number];
/** A final state. */
export type EndState = (typeof END_STATES)[number];
/** The state of a remediation. */
export type State = OpenState | EndState;

/** Is something still to come in this state? */
export function isOpen(state: State): state is OpenState {
  return (OPEN_STATES as readonly string[]).includes(state);
}

/** A further rung of a rule: what is begun once the rung before was not enough. */
export interface Rung {
  readonly playbook: string;
  /** Null: until somebody takes it back, or it cannot be taken back. */
  readonly ttlMs: number | null;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** The rule as it was when it decided, so that a later change of the file changes no open record. Durations in milliseconds. */
export interface RuleAsItWas {
  readonly name: string;
  readonly mode: Mode;
  /** How long a containment stays in force after the last alert; null: until somebody takes it back. */
  readonly ttlMs: number | null;
  readonly cooldownMs: number;
  readonly maxAgeMs: number;
  readonly notify: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Whether a signal that Defender resolved ends a containment before its deadline. */
  readonly releaseWhenResolved: boolean;
  /** Its own scope, beside that of the file; both must allow. */
  readonly scope: Scope;
  /** Times of the week with another mode; the first that holds counts. */
  readonly windows: readonly TimeWindow[];
  /** What becomes of a signal that is too old on arrival. */
  readonly whenOld: "record" | "notify" | "approve";
  /** Targets in an hour without a person; null: the file's. */
  readonly perHour: number | null;
  /** How long a person is waited for. */
  readonly approvalMs: number;
  /** Hash of the configuration that decided. */
  readonly configuration: string;
  /** What follows, rung by rung, where this playbook is not enough; absent: nothing. */
  readonly rungs?: readonly Rung[];
}

/** What is kept of the signal in the record itself; the body is in the first plan row. */
export interface SignalSummary {
  /** Alert id, assessment id with its change date, or the idempotency key of a manual run. */
  readonly identity: string;
  readonly id: string;
  readonly kind: SignalKind | "manual";
  readonly key: string | null;
  readonly title: string | null;
  readonly severity: Severity | null;
  readonly subscriptionId: string | null;
  /** The latest of end of activity and generation, ISO 8601; the signal's age counts from it. */
  readonly at: string | null;
  /** First activity, ISO 8601: what did not exist then is not what the alert is about. */
  readonly startedAt: string | null;
  readonly resourceIds: readonly string[];
  /** Defender's sample, or a copy from the weekly snapshot: never acted upon without a person. */
  readonly unreal: "sample" | "snapshot" | null;
  /** Where Defender keeps the record, for reading it back; null where the export does not tell. */
  readonly reference: DefenderReference | null;
  /** What the signal names besides its resource (namespace, pod, image, …): Defender has to name the same. */
  readonly named: Readonly<Record<string, string>>;
}

/** A playbook that keeps evidence, and on what. */
export interface EvidenceWanted {
  readonly playbook: string;
  readonly target: Target;
}

/** The record of one answer to one target: what, why, how far, and what is next. Times are ISO 8601. */
export interface Remediation {
  readonly id: string;
  readonly playbook: string;
  readonly target: Target;
  readonly state: State;
  readonly proof: Proof | null;
  /** One sentence: why it is in this state. */
  readonly reason: string;
  /** What a partial containment or a superseded revert leaves, one sentence each. */
  readonly remains: readonly string[];
  /** The evidence that it stored; only together with `done`, and a proof of `proved` or `partial`. */
  readonly kept?: KeptEvidence;
  readonly mode: Mode;
  readonly rule: RuleAsItWas;
  readonly signal: SignalSummary;
  /** The target is as the signal named it and has still to be resolved into the kind that the playbook wants. */
  readonly unresolved: boolean;
  /** It changes nothing and has a target row of its own beside the target's. */
  readonly aside: boolean;
  /** Evidence of the same signal that must be stored before this destroys it. */
  readonly evidence: readonly EvidenceWanted[];
  /** The operator's rule named this cluster, so it need not be in the signal's own subscription. */
  readonly clusterByRule: boolean;
  /** Who asked for a manual run, and why. */
  readonly requestedBy: Word | null;
  /** Who asked to take it back; null when its deadline did. */
  readonly revertedBy: Word | null;
  /** A person's word on the present plan; null before it, and again once the plan has changed. */
  readonly approval: Approval | null;
  /** When a person was asked for the present question, ISO 8601; null: nobody has been asked yet. */
  readonly askedAt: string | null;
  /** Somebody was reminded that it waits. */
  readonly reminded: boolean;
  /** A person set this later deadline, ISO 8601. */
  readonly extendedTo: string | null;
  /** Of the build that claimed it. */
  readonly build: string;
  readonly planNumber: number | null;
  readonly planHash: string | null;
  readonly identity: string | null;
  /** Has a write been begun? From then on no end without reading back. */
  readonly touched: boolean;
  readonly attempts: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly inForceSince: string | null;
  readonly deadline: string | null;
  readonly warned: boolean;
  /** Row key of its one drive row; null when it has ended. */
  readonly dueRow: string | null;
  readonly dueAt: string | null;
  /** How the record ends once what was written is taken back. */
  readonly revertsTo: "reverted" | "failed" | "superseded" | null;
  /** Counts its due rows, so that "moved" never names one row twice. */
  readonly dueSequence: number;
  /** Number and hash of its last audit row. */
  readonly auditSequence: number;
  readonly auditHash: string;
  /** The remediation whose next rung this is; absent: none. */
  readonly climbedFrom?: string;
  /** The remediation that is the next rung of this one; absent: it was not climbed. A rung is climbed once. */
  readonly climbedTo?: string;
  /** When a driver took it over from one that vanished, no end is written before one more read-back after this time. */
  readonly readBackAfter: string | null;
}

/** One row of the hash-chained history of a remediation. */
export interface AuditRow {
  readonly sequence: number;
  readonly at: string;
  readonly who: string;
  readonly what: string;
  readonly why: string;
  readonly before: State | null;
  readonly after: State;
  /** Facts that belong to the change: plan hash, proof, what remains. */
  readonly details: Readonly<Record<string, unknown>>;
  readonly previous: string;
  readonly hash: string;
}

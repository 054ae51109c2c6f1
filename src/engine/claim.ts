import type { Message, MessageKind } from "../model/message.ts";
import { lowestMode, type Mode } from "../model/mode.ts";
import { reminderAfter } from "../model/question.ts";
import {
  isOpen,
  type Remediation,
  type RuleAsItWas,
  type SignalSummary,
  type State,
} from "../model/remediation.ts";
import type { Signal } from "../model/signal.ts";
import type { Target } from "../model/target.ts";
import {
  insertAudit,
  insertDrive,
  insertMessage,
  insertPlan,
  planSeal,
  recordSeal,
  sealAudit,
  writeRecord,
} from "../store/record-rows.ts";
import { newRemediationId, targetHash } from "../store/row-keys.ts";
import type { Operation } from "../store/table.ts";
import type { TargetEntry } from "../store/target-row.ts";
import { claimFacts } from "./claim-facts.ts";
import { type Engine, later } from "./engine.ts";
import { laneOf } from "./lane-of.ts";
import { episodesOfDay, episodesWith } from "./next-episode.ts";
import { paceOf } from "./pace.ts";
import { type Prepared, touchesOf } from "./prepare.ts";
import { signalRow } from "./signal-row.ts";

/** One thing to be begun: what a rule wants of one playbook on one target, and the signals that want it. */
export interface Work {
  readonly playbook: string;
  readonly target: Target;
  readonly unresolved: boolean;
  /** The verdict where there is nothing to plan: no target could be found, or it may not be reached. */
  readonly decided: { readonly state: "skipped" | "refused" | "failed"; readonly reason: string } | null;
  readonly rule: RuleAsItWas;
  readonly mode: Mode;
  /** See the record: evidence has a row beside the target's, and what destroys it waits for it. */
  readonly aside: boolean;
  readonly evidence: Remediation["evidence"];
  readonly clusterByRule: boolean;
  /** All signals of the batch that want this; the first began it. Never empty. */
  readonly signals: readonly [WorkSignal, ...WorkSignal[]];
  readonly requestedBy: Remediation["requestedBy"];
  /** The remediation whose next rung this is. */
  readonly climbedFrom?: string;
}

/** A signal with its body; a manual run has neither. */
export interface WorkSignal {
  readonly summary: SignalSummary;
  readonly signal: Signal | null;
  readonly body: unknown;
}

/** A claim, ready to be written: the record and its rows but for the target row. */
export interface Claim {
  readonly record: Remediation;
  readonly entry: TargetEntry;
  readonly operations: readonly Operation[];
  readonly messages: readonly { readonly key: string; readonly message: Message }[];
}

/** What a claim has to know besides the work: why and until when it is `pending`, and the episodes before. */
export interface ClaimContext {
  readonly pendingReason: string;
  readonly pendingDue: Date;
  readonly episodes: readonly string[];
}

/** How many signal rows one transaction takes besides the other rows of a claim. */
export const SIGNALS_PER_CLAIM = 80;

/** A new id for a piece of work. */
export function claimId(engine: Engine, work: Work): string {
  return newRemediationId(targetHash(work.target, work.aside), engine.clock.now(), engine.randomness);
}

/**
 * The rows of a new record: signal rows, record, plan, audit, due, messages (transaction 1). `prepared` null means
 * `pending`: claimed without a plan, due at `pendingDue`.
 */
export function composeClaim(
  engine: Engine,
  work: Work,
  id: string,
  prepared: Prepared | null,
  context: ClaimContext,
): Claim {
  const now = engine.clock.now();
  const at = now.toISOString();
  const [first] = work.signals;
  const state: State = prepared?.state ?? "pending";
  const reason = prepared?.reason ?? context.pendingReason;
  const mode = prepared?.mode ?? lowestMode(work.mode, engine.configuration.ceiling);
  const dueAt = isOpen(state) ? dueAfterClaim(engine, state, work, context.pendingDue) : null;
  const due =
    dueAt === null ? null : insertDrive(dueAt, id, 1, laneOf({ target: work.target, signal: first.summary }));
  const notification = engine.playbooks.get(work.playbook)?.kind === "notification";
  const kinds = prepared?.quiet === true ? [] : messagesAfterClaim(state, notification);
  const sends = work.rule.notify.flatMap((channel) => kinds.map((kind) => ({ channel, kind })));
  const claimed: Remediation = {
    id,
    playbook: work.playbook,
    target: work.target,
    state,
    proof: prepared?.proof ?? null,
    reason,
    remains: [],
    mode,
    rule: work.rule,
    signal: first.summary,
    unresolved: work.unresolved,
    aside: work.aside,
    evidence: work.evidence,
    clusterByRule: work.clusterByRule,
    requestedBy: work.requestedBy,
    revertedBy: null,
    approval: null,
    askedAt: state === "awaiting-approval" ? at : null,
    reminded: false,
    extendedTo: null,
    build: engine.build,
    planNumber: 0,
    planHash: prepared?.plan?.hash ?? null,
    identity: prepared?.identity ?? null,
    touched: false,
    attempts: 0,
    createdAt: at,
    updatedAt: at,
    inForceSince: null,
    deadline: null,
    warned: false,
    dueRow: due?.key ?? null,
    dueAt: dueAt?.toISOString() ?? null,
    revertsTo: null,
    dueSequence: 1 + sends.length,
    auditSequence: 1,
    auditHash: "",
    readBackAfter: null,
    ...(work.climbedFrom === undefined ? {} : { climbedFrom: work.climbedFrom }),
  };
  const plan = { plan: prepared?.plan ?? null, signal: first.signal, body: first.body };
  const audit = sealAudit({
    sequence: 1,
    at,
    who: work.requestedBy?.who ?? "engine",
    what: "claimed",
    why: reason,
    before: null,
    after: state,
    details: {
      ...claimFacts(claimed),
      planHash: claimed.planHash,
      plan: { number: 0, seal: planSeal(plan) },
      record: recordSeal(claimed),
    },
    previous: "",
  });
  const record: Remediation = { ...claimed, auditHash: audit.hash };
  const messages = sends.map(({ channel, kind }, index) => {
    const message = {
      kind,
      channel,
      remediationId: id,
      sequence: 2 + index,
      at,
      remediation: record,
      text: null,
    };
    return { message, operation: insertMessage(now, message) };
  });
  return {
    record,
    entry: entryOf(record, prepared, context.episodes, now),
    messages: messages.map(({ message, operation }) => ({ key: operation.key, message })),
    operations: [
      writeRecord(record, "insert"),
      insertPlan(id, 0, plan),
      insertAudit(id, audit),
      ...(due === null ? [] : [due]),
      ...messages.map(({ operation }) => operation),
      ...signalRows(work, id),
    ],
  };
}

function entryOf(
  record: Remediation,
  prepared: Prepared | null,
  before: readonly string[],
  now: Date,
): TargetEntry {
  const at = now.toISOString();
  const cooldown = record.state === "done" ? later(now, record.rule.cooldownMs).toISOString() : null;
  return {
    id: record.id,
    state: record.state,
    mode: record.mode,
    identity: record.identity,
    planHash: record.planHash,
    lastSignalAt: at,
    cooldownUntil: cooldown,
    episodes: record.state === "applying" ? episodesWith(before, now) : episodesOfDay(before, now),
    touches: isOpen(record.state) ? touchesOf(prepared?.plan ?? null) : [],
    newerIdentity: null,
    lastSignal: null,
    lifted: false,
    closedAt: null,
    abandoned: false,
  };
}

function dueAfterClaim(engine: Engine, state: State, { rule, target }: Work, pendingDue: Date): Date {
  if (state === "pending") return pendingDue;
  const now = engine.clock.now();
  return state === "awaiting-approval"
    ? reminderAfter(rule, now)
    : later(now, paceOf(engine, target).leaseMs);
}

function messagesAfterClaim(state: State, notification: boolean): readonly MessageKind[] {
  switch (state) {
    case "done":
      return notification ? ["notice"] : [];
    case "awaiting-approval":
    case "observed":
    case "refused":
    case "failed":
      return [state];
    default:
      return [];
  }
}

/** Insert-only rows that say: these signals have been decided for this playbook, by this record. */
export function signalRows({ playbook, target, aside, signals }: Work, id: string): Operation[] {
  const hash = targetHash(target, aside);
  return signals.map(({ summary }) => signalRow(hash, playbook, id, summary.identity, summary.at));
}

import type { Message, MessageKind } from "../model/message.ts";
import { askedNow, reminderAfter } from "../model/question.ts";
import { type EndState, isOpen, type Remediation, type State } from "../model/remediation.ts";
import {
  decodeRecord,
  insertAudit,
  insertDrive,
  insertMessage,
  insertPlan,
  type StoredPlan,
  writeRecord,
} from "../store/record-rows.ts";
import { auditRowKey, recordRowKey, shardOf, targetRowKey } from "../store/row-keys.ts";
import { type Operation, RowConflict, StoreUnreachable } from "../store/table.ts";
import { encodeTargetRow, type TargetEntry, type TargetRow } from "../store/target-row.ts";
import type { Begun } from "./begin.ts";
import { changeAudit } from "./change-audit.ts";
import { type Engine, later } from "./engine.ts";
import { etagOf, type HeldTarget, LeaseLost, readTarget } from "./held-target.ts";
import { laneOf } from "./lane-of.ts";
import { nextEpisode } from "./next-episode.ts";
import { paceOf } from "./pace.ts";
import type { Prepared } from "./prepare.ts";

/** What a step decided: the new state and why, what else changes in the record, and what is due next. */
export interface Change {
  readonly state: State;
  /** One sentence for people; becomes the record's reason and the audit row's why. */
  readonly reason: string;
  readonly who: string;
  /** The kind of change, as the history names it: `claimed`, `applied`, `deferred`, … */
  readonly what: string;
  readonly patch?: Partial<Remediation>;
  /** When to look again; null if and only if the state is an end. */
  readonly due: Date | null;
  /** Keep the lease and take the next step at once. */
  readonly goOn: boolean;
  readonly plan?: StoredPlan;
  /** The verdict behind this change, for the step that follows at once. */
  readonly prepared?: Prepared;
  /** What was begun on another target, to be driven once this is written. */
  readonly spawned?: Begun;
  /** This was not enough, or cannot be done here: the rule's next rung follows, if it has one. */
  readonly climbs?: true;
  readonly messages?: readonly MessageKind[];
  /** What else the audit row keeps, such as the approval that is used. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** What the target row shows of this playbook beyond state and identity. */
  readonly entry?: Partial<TargetEntry>;
  /** Asked when somebody joined meanwhile: is this still the right change? If not, the step is taken again. */
  readonly stillRight?: (entry: TargetEntry) => boolean;
}

/** A committed change: the record as stored, the target as held, and the messages that are now due. */
export interface Committed {
  /** False: somebody joined meanwhile and the change is right no more; nothing was written. */
  readonly written: boolean;
  readonly record: Remediation;
  readonly held: HeldTarget;
  readonly messages: readonly { readonly key: string; readonly message: Message }[];
}

interface Built {
  readonly operations: readonly Operation[];
  readonly record: Remediation;
  readonly row: TargetRow;
  readonly messages: Committed["messages"];
}

const TRIES = 6;

/**
 * Writes one change of state in one transaction: record, audit row, due row, messages, target row (transaction 2).
 * Raises `LeaseLost` when somebody else drives, `StoreUnreachable` when the store does not answer.
 */
export async function commit(
  engine: Engine,
  held: HeldTarget,
  before: Remediation,
  change: Change,
): Promise<Committed> {
  const now = engine.clock.now();
  const key = targetRowKey(held.hash);
  const heeded = entryOf(held, before);
  let current = held;
  let from = before;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (change.stillRight?.(entryOf(current, before)) === false) {
      return { written: false, record: from, messages: [], held: current };
    }
    const built = build(engine, current, from, change, heeded, now);
    try {
      const etags = await engine.table.transact(shardOf(held.hash), built.operations);
      const { record, row, messages } = built;
      return { written: true, record, messages, held: { ...current, row, etag: etagOf(etags, key) } };
    } catch (error) {
      if (!(error instanceof RowConflict || error instanceof StoreUnreachable)) throw error;
      const seen = await lookAgain(engine, current, built.record, change.goOn);
      current = seen.held;
      if (seen.mine) {
        return { written: true, record: seen.record, messages: built.messages, held: current };
      }
      from = { ...before, dueRow: seen.record.dueRow, dueSequence: seen.record.dueSequence };
    }
  }
  throw new StoreUnreachable(`the store refused ${TRIES} times to take a change of ${before.id}`);
}

/** What the target row shows of a record; another episode in its place means that somebody else went on. */
function entryOf(held: HeldTarget, { playbook, id }: Remediation): TargetEntry {
  const entry = held.row.entries[playbook];
  if (entry === undefined || entry.id !== id) throw new LeaseLost();
  return entry;
}

/** Ends the record's turn: what the target row shows afterwards of this playbook. */
function entryAfter(record: Remediation, fresh: TargetEntry, change: Change, now: Date): TargetEntry {
  const cooldown = isCoolingState(record) ? later(now, record.rule.cooldownMs).toISOString() : null;
  return {
    ...fresh,
    state: record.state,
    mode: record.mode,
    identity: record.identity ?? fresh.identity,
    planHash: record.planHash,
    cooldownUntil: isOpen(record.state) ? null : cooldown,
    touches: isOpen(record.state) ? fresh.touches : [],
    abandoned: false,
    ...change.entry,
  };
}

/**
 * Cooldown follows `done`, and a revert or rejection by a person, also one that another's change stopped half-way; an
 * end by deadline has none.
 */
function isCoolingState(record: Remediation): boolean {
  const byPerson: readonly EndState[] = ["reverted", "rejected", "superseded"];
  return (
    record.state === "done" || (record.revertedBy !== null && byPerson.some((end) => end === record.state))
  );
}

function build(
  engine: Engine,
  held: HeldTarget,
  before: Remediation,
  change: Change,
  heeded: TargetEntry,
  now: Date,
): Built {
  const fresh = entryOf(held, before);
  const patch = {
    ...change.patch,
    ...(asksAnew(before, change) ? askedNow(now) : {}),
    ...readBackAfter(before, change, fresh, later(now, paceOf(engine, before.target).leaseMs)),
  };
  const dueAt = dueAfter(before, change, leavesNote(before, change, heeded, fresh), now);
  const due = dueAt === null ? null : insertDrive(dueAt, before.id, before.dueSequence + 1, laneOf(before));
  const kinds = before.rule.notify.flatMap((channel) =>
    (change.messages ?? []).map((kind) => ({ channel, kind })),
  );
  const changed: Remediation = {
    ...before,
    ...patch,
    state: change.state,
    reason: change.reason,
    updatedAt: now.toISOString(),
    dueRow: due?.key ?? null,
    dueAt: dueAt?.toISOString() ?? null,
    dueSequence: before.dueSequence + 1 + kinds.length,
  };
  const audit = changeAudit(before, change, changed);
  const record: Remediation = { ...changed, auditSequence: audit.sequence, auditHash: audit.hash };
  const messages = kinds.map(({ channel, kind }, index) => {
    const sequence = before.dueSequence + 2 + index;
    const message = {
      kind,
      channel,
      remediationId: record.id,
      sequence,
      at: record.updatedAt,
      remediation: record,
      text: null,
    };
    return { message, operation: insertMessage(now, message) };
  });
  const entry = entryAfter(record, fresh, change, now);
  const successor = nextEpisode(record, entry, now, engine.randomness, held.hash);
  const row: TargetRow = {
    target: held.row.target,
    lease: change.goOn ? held.row.lease : null,
    entries: { ...held.row.entries, [before.playbook]: successor?.entry ?? entry },
  };
  return {
    record,
    row,
    messages: messages.map(({ message, operation }) => ({ key: operation.key, message })),
    operations: [
      { do: "replace", key: targetRowKey(held.hash), cells: encodeTargetRow(row), etag: held.etag },
      writeRecord(record, "replace"),
      insertAudit(record.id, audit),
      ...(before.dueRow === null ? [] : [{ do: "delete", key: before.dueRow, etag: "*" } as const]),
      ...(due === null ? [] : [due]),
      ...messages.map(({ operation }) => operation),
      ...(change.plan === undefined ? [] : [insertPlan(record.id, record.planNumber ?? 0, change.plan)]),
      ...(successor?.operations ?? []),
    ],
  };
}

/** A record that comes to wait for a person asks a new question, whoever answered one before. */
function asksAnew(before: Remediation, change: Change): boolean {
  return change.state === "awaiting-approval" && before.state !== "awaiting-approval";
}

/** When it is looked at next: a new question at its reminder, and at once what bears a note that nobody heeded. */
function dueAfter(before: Remediation, change: Change, hasNote: boolean, now: Date): Date | null {
  if (change.due === null) return null;
  if (hasNote) return now;
  return asksAnew(before, change) && !change.goOn ? reminderAfter(before.rule, now) : change.due;
}

/** After a takeover of what may have written: not before a lease has passed may an end be written. */
function readBackAfter(
  before: Remediation,
  change: Change,
  { abandoned }: TargetEntry,
  leaseLater: Date,
): Partial<Remediation> {
  const wrote: readonly State[] = ["applying", "verifying", "in-force", "reverting"];
  return abandoned && isOpen(change.state) && wrote.includes(before.state)
    ? { readBackAfter: leaseLater.toISOString() }
    : {};
}

/**
 * A record that comes to rest while the target row bears a note that this step did not look at: it is due at once,
 * else the note would wait for the deadline.
 */
function leavesNote(before: Remediation, change: Change, heeded: TargetEntry, fresh: TargetEntry): boolean {
  const after = { ...fresh, ...change.entry };
  const identity = change.patch?.identity ?? before.identity;
  const newer = after.newerIdentity !== null && after.newerIdentity !== identity;
  const asks =
    change.state === "in-force"
      ? newer
      : change.state === "awaiting-approval" && (newer || after.lifted || isClosed(before, after));
  const isNews =
    change.state !== before.state ||
    fresh.newerIdentity !== heeded.newerIdentity ||
    fresh.lifted !== heeded.lifted ||
    fresh.closedAt !== heeded.closedAt;
  return asks && isNews;
}

/**
 * Has Defender said of what began this record, or of something later, that it is over? What a person began has outlived
 * everything that was said before.
 */
export function isClosed(
  { signal, requestedBy, createdAt }: Pick<Remediation, "signal" | "requestedBy" | "createdAt">,
  { closedAt }: Pick<TargetEntry, "closedAt">,
): boolean {
  if (closedAt === null || (requestedBy !== null && closedAt <= createdAt)) return false;
  return signal.at === null || signal.at <= closedAt;
}

/**
 * The answer was lost, or our own success answered the client's repetition. My audit row is there: it was me. My
 * token is still in the target row: take the new ETag and repeat. Else somebody else drives.
 */
async function lookAgain(
  engine: Engine,
  held: HeldTarget,
  written: Remediation,
  goOn: boolean,
): Promise<{ readonly mine: boolean; readonly held: HeldTarget; readonly record: Remediation }> {
  const shard = shardOf(written.id);
  const audit = await engine.table.get(shard, auditRowKey(written.id, written.auditSequence));
  const target = await readTarget(engine.table, held.hash);
  const stored = await engine.table.get(shard, recordRowKey(written.id));
  if (target === null || stored === null) throw new LeaseLost();
  const mine = audit !== null;
  if (mine && audit.cells["hash"] !== written.auditHash) throw new LeaseLost();
  // Written by me is not enough to go on: it may have taken so long that somebody else drives now.
  const isHeld = target.row.lease?.token === held.token;
  if (!isHeld && (goOn || !mine)) throw new LeaseLost();
  // A joiner may have made the record due now: its drive row is another one.
  return { mine, held: { ...held, ...target }, record: decodeRecord(stored) };
}

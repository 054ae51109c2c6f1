import { isOpen, type Remediation } from "../model/remediation.ts";
import { decodeRecord, insertDrive, writeRecord } from "../store/record-rows.ts";
import {
  recordRowKey,
  shardOf,
  signalHash,
  signalRowKey,
  targetHash,
  targetRowKey,
} from "../store/row-keys.ts";
import { type Operation, RowConflict, StoreUnreachable } from "../store/table.ts";
import {
  encodeTargetRow,
  type TargetEntry,
  type TargetRow,
  UNSEEN,
  underLease,
} from "../store/target-row.ts";
import type { Begun } from "./begin.ts";
import { claimId, signalRows, type Work, type WorkSignal } from "./claim.ts";
import type { Engine } from "./engine.ts";
import { EPISODES_UNATTENDED } from "./guard.ts";
import { isLeased, newLease } from "./held-target.ts";
import { laneOf } from "./lane-of.ts";
import { paceOf } from "./pace.ts";
import { heldByAnother, type Prepared } from "./prepare.ts";
import { claimThatFits, heldBy, type SeenTarget, writeClaim } from "./write-claim.ts";

interface Seen extends SeenTarget {
  readonly hash: string;
}

/**
 * The target row is there already: the signals have been decided before, join what is open, begin the next episode
 * of what has ended, or enter this playbook. Null when the row moved meanwhile: look again.
 */
export async function enter(
  engine: Engine,
  work: Work,
  prepared: Prepared | null,
  seen: SeenTarget,
): Promise<Begun | null> {
  const hash = targetHash(work.target, work.aside);
  const fresh = await undecided(engine, hash, work);
  const entry = seen.row.entries[work.playbook];
  const [first, ...rest] = fresh;
  if (first === undefined) return settled("known", entry?.id ?? "", false);
  const left: Work = { ...work, signals: [first, ...rest] };
  const at: Seen = { hash, ...seen };
  if (entry === undefined) return claimHere(engine, left, at, undefined);
  if (isOpen(entry.state)) return join(engine, left, at, entry, prepared);
  return beginsAnew(engine, left, at, entry, prepared)
    ? claimHere(engine, left, at, entry)
    : join(engine, left, at, entry, prepared);
}

function settled(outcome: Begun["outcome"], id: string, wake: boolean): Begun {
  return { outcome, id, drive: null, wake, messages: [] };
}

/** The signals of a piece of work that this playbook has not decided on this target: point reads. */
async function undecided(engine: Engine, hash: string, work: Work): Promise<readonly WorkSignal[]> {
  const rows = await Promise.all(
    work.signals.map(({ summary }) =>
      engine.table.get(shardOf(hash), signalRowKey(hash, work.playbook, signalHash(summary.identity))),
    ),
  );
  return work.signals.filter((_signal, index) => rows[index] === null);
}

/** Would an ended remediation end differently now, and is its cooldown over? A person's run always begins anew. */
function beginsAnew(
  engine: Engine,
  work: Work,
  { row }: Seen,
  entry: TargetEntry,
  prepared: Prepared | null,
): boolean {
  if (work.requestedBy !== null) return true;
  const { at } = work.signals[0].summary;
  if (entry.closedAt !== null && at !== null && at < entry.closedAt) return false;
  const cooling = entry.cooldownUntil !== null && engine.clock.now() < new Date(entry.cooldownUntil);
  if (cooling) return false;
  if (prepared === null) return true;
  // It was prepared without a look at what other playbooks hold here.
  const isHeld = prepared.plan !== null && heldByAnother(prepared.plan, work.playbook, row) !== null;
  const state = isHeld ? "skipped" : prepared.state;
  return state !== entry.state || prepared.identity !== entry.identity || prepared.mode !== entry.mode;
}

/**
 * Claims on an existing row: `pending`, planned again under the lease, since the one before may have been writing
 * while we read. The lease is taken in the same transaction where it is free.
 */
async function claimHere(
  engine: Engine,
  work: Work,
  { hash, row, etag }: Seen,
  before: TargetEntry | undefined,
): Promise<Begun | null> {
  const now = engine.clock.now();
  const id = claimId(engine, work);
  // A slow cluster is waited for by nobody but its own sweep.
  const taken = isLeased(row, now) || paceOf(engine, work.target).isSlow;
  const lease = taken ? row.lease : newLease(engine, work.target);
  const claim = claimThatFits(engine, work, id, null, {
    pendingReason: taken
      ? "another remediation of this target is under way"
      : "it is planned under the lease",
    pendingDue: taken || lease === null ? now : new Date(lease.until),
    episodes: before?.episodes ?? [],
  });
  const entry = { ...claim.entry, closedAt: before?.closedAt ?? null };
  const around = taken || lease === null ? row : underLease(row, lease);
  const next: TargetRow = { ...around, entries: { ...around.entries, [work.playbook]: entry } };
  const outcome = await writeClaim(engine, hash, claim, { do: "replace", etag }, next);
  if (!("written" in outcome)) return null;
  const held = taken ? null : heldBy(lease, hash, outcome.written);
  if (held === null) return settled("recorded", id, false);
  const drive = { record: claim.record, held, prepared: null };
  return { outcome: "recorded", id, drive, wake: false, messages: claim.messages };
}

/** Takes the signals into what is there: signal rows and "last signal" in one transaction. */
async function join(
  engine: Engine,
  work: Work,
  { hash, row, etag }: Seen,
  entry: TargetEntry,
  prepared: Prepared | null,
): Promise<Begun | null> {
  const now = engine.clock.now();
  const newer = newerObject(work, entry, prepared);
  const lifts = isLifted(work, entry, prepared);
  // What is pending looks for itself, in its own time.
  const tells = lifts || (newer !== null && !(newer === UNSEEN && entry.state === "pending"));
  const moved = tells ? await dueNow(engine, hash, entry.id) : [];
  const entryNext: TargetEntry = {
    ...entry,
    lastSignalAt: isOpen(entry.state) && isActing(work) ? now.toISOString() : entry.lastSignalAt,
    newerIdentity: newer ?? entry.newerIdentity,
    lastSignal: isOpen(entry.state) ? work.signals[0].summary : entry.lastSignal,
    lifted: entry.lifted || lifts,
  };
  const next: TargetRow = { ...row, entries: { ...row.entries, [work.playbook]: entryNext } };
  const operations: Operation[] = [
    { do: "replace", key: targetRowKey(hash), cells: encodeTargetRow(next), etag },
    ...signalRows(work, entry.id),
    ...moved,
  ];
  try {
    await engine.table.transact(shardOf(hash), operations);
  } catch (error) {
    if (!(error instanceof RowConflict || error instanceof StoreUnreachable)) throw error;
    // If it was us after all, the signal rows are there and the next look says so.
    return null;
  }
  const abandoned = row.lease !== null && !isLeased(row, now);
  return settled(
    "joined",
    entry.id,
    isOpen(entry.state) && (abandoned || moved.length > 0) && !isLeased(row, now),
  );
}

/**
 * We saw another object than the open remediation's plan names (a pod that was recreated under its name), or one that
 * its driver may not have seen yet, or one that is just being let go: an end that follows begins the next episode.
 * `UNSEEN`: we could not look, so its driver shall.
 */
function newerObject(work: Work, entry: TargetEntry, prepared: Prepared | null): string | null {
  const unseen = work.unresolved || entry.newerIdentity !== null ? null : UNSEEN;
  const seen = prepared === null ? unseen : prepared.identity;
  if (!isOpen(entry.state) || seen === null || seen === entry.newerIdentity) return null;
  return seen === entry.identity && entry.state !== "reverting" ? null : seen;
}

/** Whoever only looks does not keep a containment from its deadline. */
function isActing({ mode }: Work): boolean {
  return mode === "approve" || mode === "enforce";
}

/** Does this decision enforce what waits for a person, or for a plan that would only ask one? */
function isLifted(work: Work, entry: TargetEntry, prepared: Prepared | null): boolean {
  // What waits because it is the third time in a day goes on waiting.
  if (entry.lifted || entry.episodes.length >= EPISODES_UNATTENDED) return false;
  return entry.state === "awaiting-approval"
    ? prepared?.state === "applying"
    : entry.state === "pending" && work.mode === "enforce" && entry.mode !== "enforce";
}

/** Makes an open record due now, so that whoever drives it next sees what the join noted. */
export async function dueNow(engine: Engine, hash: string, id: string): Promise<Operation[]> {
  const stored = await engine.table.get(shardOf(hash), recordRowKey(id));
  if (stored === null) return [];
  const record: Remediation = decodeRecord(stored);
  if (!isOpen(record.state) || record.dueRow === null) return [];
  const now = engine.clock.now();
  const due = insertDrive(now, id, record.dueSequence + 1, laneOf(record));
  const next = { ...record, dueRow: due.key, dueAt: now.toISOString(), dueSequence: record.dueSequence + 1 };
  return [{ do: "delete", key: record.dueRow, etag: "*" }, due, writeRecord(next, "replace")];
}

import type { Randomness } from "../model/clock.ts";
import { highestMode } from "../model/mode-at.ts";
import { isOpen, type Remediation } from "../model/remediation.ts";
import { insertAudit, insertDrive, recordSeal, sealAudit, writeRecord } from "../store/record-rows.ts";
import { newRemediationId } from "../store/row-keys.ts";
import type { Operation } from "../store/table.ts";
import { type TargetEntry, UNSEEN } from "../store/target-row.ts";
import { claimFacts } from "./claim-facts.ts";
import { laneOf } from "./lane-of.ts";
import { signalRow } from "./signal-row.ts";

/** Episodes of one playbook on one target within this time count towards "third in a day". */
export const EPISODE_WINDOW_MS = 24 * 3_600_000;

/** The episodes of the last day. Only those count that acted: who looked or asked pulled at nothing. */
export function episodesOfDay(before: readonly string[], now: Date): readonly string[] {
  const since = now.getTime() - EPISODE_WINDOW_MS;
  return before.filter((at) => new Date(at).getTime() > since);
}

/** The episodes of the last day, with the one that acts now. */
export function episodesWith(before: readonly string[], now: Date): readonly string[] {
  return [...episodesOfDay(before, now), now.toISOString()];
}

/**
 * Who ends a record while the target row shows a newer object under its name begins the next episode in the same
 * transaction: the signals that joined were about that object. So it is where a deadline let go what still alerted.
 * Null when there is nothing to begin.
 */
export function nextEpisode(
  ended: Remediation,
  entry: TargetEntry,
  now: Date,
  randomness: Randomness,
  hash: string,
): { readonly entry: TargetEntry; readonly operations: readonly Operation[] } | null {
  const newer = entry.newerIdentity;
  const letGo = ended.state === "reverted" && ended.revertedBy === null;
  // A person's no to what nobody had looked at yet is a no to whatever bears the name.
  const isUnlooked = ended.state === "rejected" && ended.identity === null;
  const isOther = newer !== UNSEEN && newer !== ended.identity && !isUnlooked;
  if (isOpen(ended.state) || newer === null || !(isOther || letGo)) return null;
  const id = newRemediationId(hash, now, randomness);
  const reason = isOther
    ? "an alert came for a newer object under this name while the one before was open"
    : "an alert came while this was being taken back";
  const due = insertDrive(now, id, 1, laneOf(ended));
  // What follows has its own ladder before it.
  const { climbedTo: _to, ...kept } = ended;
  const begun: Remediation = {
    ...kept,
    id,
    state: "pending",
    proof: null,
    reason,
    remains: [],
    // What began before the newer object was there would be held against it.
    signal: entry.lastSignal ?? ended.signal,
    mode: highestMode(ended.rule),
    requestedBy: null,
    revertedBy: null,
    approval: null,
    askedAt: null,
    reminded: false,
    extendedTo: null,
    planNumber: null,
    planHash: null,
    identity: null,
    touched: false,
    attempts: 0,
    createdAt: now.toISOString(),
    updatedAt: now.toISOString(),
    inForceSince: null,
    deadline: null,
    warned: false,
    dueRow: due.key,
    dueAt: now.toISOString(),
    revertsTo: null,
    dueSequence: 1,
    auditSequence: 1,
    auditHash: "",
    readBackAfter: null,
  };
  const audit = sealAudit({
    sequence: 1,
    at: begun.createdAt,
    who: "engine",
    what: "claimed",
    why: reason,
    before: null,
    after: "pending",
    details: { ...claimFacts(begun), follows: ended.id, record: recordSeal(begun) },
    previous: "",
  });
  const record: Remediation = { ...begun, auditHash: audit.hash };
  return {
    entry: {
      ...entry,
      id,
      state: "pending",
      mode: record.mode,
      identity: isOther ? newer : null,
      planHash: null,
      newerIdentity: null,
      lastSignal: null,
      lifted: false,
      cooldownUntil: null,
      touches: [],
      abandoned: false,
      episodes: episodesOfDay(entry.episodes, now),
    },
    operations: [
      writeRecord(record, "insert"),
      insertAudit(id, audit),
      due,
      // No signal of its own: this row lets it be found by its target once another episode follows.
      signalRow(hash, record.playbook, id, `episode:${id}`, record.signal.at),
    ],
  };
}

import { isOpen } from "../model/remediation.ts";
import type { Signal } from "../model/signal.ts";
import { decideLater } from "../rules/index.ts";
import { shardOf, signalHash, signalRowKey, targetHash, targetRowKey } from "../store/row-keys.ts";
import { RowConflict } from "../store/table.ts";
import { encodeTargetRow, type TargetRow } from "../store/target-row.ts";
import type { Work } from "./claim.ts";
import { collectWork, wantedOf } from "./collect-work.ts";
import type { Change } from "./commit.ts";
import { drive } from "./drive.ts";
import { type Engine, later, WORK_MS } from "./engine.ts";
import { dueNow } from "./enter.ts";
import { readTarget } from "./held-target.ts";
import { paceOf } from "./pace.ts";
import { readRecord } from "./read-record.ts";
import { end } from "./steps/outcomes.ts";

const TRIES = 4;

/**
 * A `Delete`, `Healthy`, `Resolved` or `Dismissed`, for a key that some rule names: what still waits for approval ends
 * `superseded`, containments stay until their deadline unless their rule says otherwise, and what is older than this
 * begins nothing any more. Order is by the event's own time. True when it found something to close or to note.
 */
export async function closeBy(engine: Engine, signal: Signal): Promise<boolean> {
  const decisions = decideLater(signal, engine.configuration);
  if (decisions.length === 0) return false;
  const works = await collectWork(engine, wantedOf({ signal, body: null }, decisions));
  let found = false;
  for (const work of works) {
    found = (await closeOne(engine, work, signal)) || found;
  }
  return found;
}

async function closeOne(engine: Engine, work: Work, signal: Signal): Promise<boolean> {
  const hash = targetHash(work.target, work.aside);
  const at = work.signals[0].summary.at ?? engine.clock.now().toISOString();
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const seen = await readTarget(engine.table, hash);
    const entry = seen?.row.entries[work.playbook];
    if (seen === null || entry === undefined) return false;
    if (!(await isOwn(engine, hash, work, entry.id, signal))) return false;
    if (entry.closedAt === null || entry.closedAt < at) {
      if (!(await note(engine, hash, seen, work.playbook, at))) continue;
    }
    // Also where it is noted already: who noted it may have vanished before this.
    if (isOpen(entry.state)) await endWaiting(engine, entry.id, signal);
    return true;
  }
  return false;
}

/** The entry may be another signal's: only what this one began or joined is closed by it. */
async function isOwn(engine: Engine, hash: string, work: Work, id: string, signal: Signal): Promise<boolean> {
  const key = signalRowKey(hash, work.playbook, signalHash(work.signals[0].summary.identity));
  if ((await engine.table.get(shardOf(hash), key)) !== null) return true;
  // A recommendation's identity has the date of its state in it, so its rows are found by the record alone.
  if (signal.kind === "alert") return false;
  const record = await readRecord(engine, id);
  return record?.signal.id.toLowerCase() === signal.id.toLowerCase();
}

/** Notes when it was over; what waits is due at once, so that it ends also where we vanish or somebody else drives. */
async function note(
  engine: Engine,
  hash: string,
  { row, etag }: { readonly row: TargetRow; readonly etag: string },
  playbook: string,
  at: string,
): Promise<boolean> {
  const entry = row.entries[playbook];
  if (entry === undefined) return false;
  const waits = entry.state === "pending" || entry.state === "awaiting-approval";
  const cells = encodeTargetRow({
    ...row,
    entries: { ...row.entries, [playbook]: { ...entry, closedAt: at } },
  });
  try {
    await engine.table.transact(shardOf(hash), [
      { do: "replace", key: targetRowKey(hash), cells, etag },
      ...(waits ? await dueNow(engine, hash, entry.id) : []),
    ]);
    return true;
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
    return false;
  }
}

async function endWaiting(engine: Engine, id: string, signal: Signal): Promise<void> {
  const reason = `Defender says that it is ${signal.notActionable ?? "over"}`;
  const until = later(engine.clock.now(), WORK_MS);
  await drive(engine, id, until, {
    push: (record): Change | null => {
      const since = record.signal.at;
      if (since !== null && (signal.times.generatedAt ?? signal.times.statusChangedAt ?? since) < since)
        return null;
      if (record.state === "awaiting-approval" || (record.state === "pending" && !record.touched)) {
        return end("superseded", reason);
      }
      if (record.state !== "in-force" || !record.rule.releaseWhenResolved) return null;
      const due = later(engine.clock.now(), paceOf(engine, record.target).leaseMs);
      const patch = { revertsTo: "reverted", revertedBy: null, attempts: 0 } as const;
      return { state: "reverting", reason, who: "engine", what: "released", patch, due, goOn: true };
    },
  });
}

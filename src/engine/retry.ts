import { Conflict, Refused } from "../model/errors.ts";
import { highestMode } from "../model/mode-at.ts";
import { isOpen, type Remediation, type State } from "../model/remediation.ts";
import type { Word } from "../model/word.ts";
import { decodePlan } from "../store/record-rows.ts";
import { planRowKey, shardOf, signalHash, signalRowKey, targetHash } from "../store/row-keys.ts";
import { begin } from "./begin.ts";
import type { Work } from "./claim.ts";
import { ATTEMPTS, type Engine } from "./engine.ts";
import { evidenceKept } from "./evidence.ts";
import { finishRun } from "./finish-run.ts";
import { spokenOf } from "./heed.ts";
import { readTarget } from "./held-target.ts";
import { readRecord } from "./read-record.ts";

const RETRY = "retry:";
const RETRIABLE: readonly State[] = [
  "skipped",
  "refused",
  "failed",
  "expired",
  "rejected",
  "superseded",
  "reverted",
  "observed",
  "no-op",
];

/**
 * Begins an ended remediation anew because a person asked, cooldown or not: the rule as it was, with the same guards and
 * ceiling. The same retry again is one. Raises `Refused` where there is nothing to begin anew, `Conflict` where it is still
 * open or another has followed, `StoreUnreachable`.
 */
export async function retry(engine: Engine, id: string, by: Word): Promise<Remediation> {
  const record = await spokenOf(engine, id);
  const before = await retryOf(engine, record);
  if (before !== null && isOpen(before.state)) return before;
  mustHaveEnded(engine, record);
  await mustBeLatest(engine, record);
  const begun = await begin(engine, await workOf(engine, record, by));
  const after = await finishRun(engine, begun);
  if (after === null)
    throw new Refused("the retry left no record", "Try again; if this repeats, look at the log.");
  if (begun.outcome === "joined") throw isInTheWay(after.id, after.state);
  return after;
}

/** The id of the remediation that a signal of this identity tries again; null: it is no retry. */
export function retriedId(identity: string): string | null {
  return identity.startsWith(RETRY) ? identity.slice(RETRY.length) : null;
}

/** A retry has a signal row of its own, so that a click twice is one, and none once another is the latest. */
function identityOf(id: string): string {
  return `${RETRY}${id}`;
}

async function retryOf(
  engine: Engine,
  { id, target, aside, playbook }: Remediation,
): Promise<Remediation | null> {
  const hash = targetHash(target, aside);
  const row = await engine.table.get(shardOf(hash), signalRowKey(hash, playbook, signalHash(identityOf(id))));
  return row === null ? null : readRecord(engine, String(row.cells["id"]));
}

function mustHaveEnded(engine: Engine, { id, state, playbook }: Remediation): void {
  if (isOpen(state)) throw isInTheWay(id, state);
  if (!RETRIABLE.includes(state)) {
    throw new Refused(
      `remediation ${id} is ${state}: there is nothing to try again`,
      "Nothing needs to be done.",
    );
  }
  if (!engine.playbooks.has(playbook)) {
    throw new Refused(
      `there is no playbook ${playbook} in this version`,
      "Deploy a version that has it, then try again.",
    );
  }
}

async function mustBeLatest(engine: Engine, { id, target, aside, playbook }: Remediation): Promise<void> {
  const seen = await readTarget(engine.table, targetHash(target, aside));
  const latest = seen?.row.entries[playbook];
  if (latest !== undefined && latest.id !== id) throw isInTheWay(latest.id, latest.state);
}

function isInTheWay(id: string, state: State): Conflict {
  return isOpen(state)
    ? new Conflict(
        `remediation ${id} of this target is ${state}`,
        `Look at it with \`reflex show ${id}\`: it has to end first.`,
      )
    : new Conflict(
        `a later remediation of this target, ${id}, has followed and is ${state}`,
        `Try that one again: \`reflex retry ${id}\`.`,
      );
}

async function workOf(engine: Engine, record: Remediation, by: Word): Promise<Work> {
  const row = await engine.table.get(shardOf(record.id), planRowKey(record.id, 0));
  const stored = row === null ? null : decodePlan(row);
  const { playbook, target, rule, clusterByRule, aside, signal } = record;
  return {
    playbook,
    target,
    // It had ended before it was known what it is about.
    unresolved: engine.playbooks.get(playbook)?.target !== target.kind,
    decided: null,
    rule,
    mode: highestMode(rule),
    clusterByRule,
    aside,
    evidence: await evidenceLeft(engine, record),
    signals: [
      {
        summary: { ...signal, identity: identityOf(record.id) },
        signal: stored?.signal ?? null,
        body: stored?.body ?? null,
      },
    ],
    requestedBy: by,
  };
}

/** Evidence of the first time counts; what was not stored then is found missing again, and a person decides. */
async function evidenceLeft(engine: Engine, record: Remediation): Promise<Remediation["evidence"]> {
  const kept = await evidenceKept(engine, { ...record, attempts: ATTEMPTS });
  return kept === "kept" ? [] : record.evidence;
}

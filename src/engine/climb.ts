import { highestMode } from "../model/mode-at.ts";
import type { Signal } from "../model/signal.ts";
import { type Begun, begin } from "./begin.ts";
import type { Work } from "./claim.ts";
import { resolveWork } from "./collect-work.ts";
import type { Change } from "./commit.ts";
import type { Turn } from "./drive.ts";
import { changesNothing } from "./evidence.ts";
import { storedWith } from "./steps/turn-plan.ts";

/**
 * The change, with the next rung begun where it asks for one and the rule has one that was not climbed. The rung is begun
 * before the change is written: its signal row makes that repeatable, so that a crash in between loses no rung and begins
 * none twice. Raises `StoreUnreachable` only.
 */
export async function withNextRung(turn: Turn, change: Change): Promise<Change> {
  const { record } = turn;
  const [rung] = record.rule.rungs ?? [];
  if (change.climbs !== true || rung === undefined || record.climbedTo !== undefined) return change;
  const signal = (await storedWith(turn, 0))?.signal ?? null;
  // A person's run has no ladder.
  if (signal === null) return change;
  const begun = await beginRung(turn, signal);
  return {
    ...change,
    reason: `${change.reason}; the next rung, ${rung.playbook}, goes on as ${begun.id}`,
    patch: { ...change.patch, climbedTo: begun.id },
    details: { ...change.details, climbedTo: begun.id, rung: rung.playbook },
    // A rung on the same target waits for the lease, which this change lets go.
    spawned: { ...begun, wake: true },
  };
}

async function beginRung({ engine, record }: Turn, signal: Signal): Promise<Begun> {
  const [rung, ...rungs] = record.rule.rungs ?? [];
  if (rung === undefined) throw new TypeError(`${record.id} has no further rung`);
  const { playbook, ttlMs, parameters } = rung;
  const { rungs: _before, ...rule } = record.rule;
  const cluster = record.clusterByRule && "cluster" in record.target ? record.target.cluster : null;
  const work: Work = {
    playbook,
    ...(await resolveWork(engine, { signal, playbook, cluster, until: null })),
    rule: { ...rule, ttlMs, parameters, ...(rungs.length === 0 ? {} : { rungs }) },
    mode: highestMode(record.rule),
    aside: changesNothing(engine, playbook),
    evidence: record.evidence,
    clusterByRule: record.clusterByRule,
    signals: [{ summary: record.signal, signal, body: null }],
    requestedBy: null,
    climbedFrom: record.id,
  };
  return begin(engine, work);
}

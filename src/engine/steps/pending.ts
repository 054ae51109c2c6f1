import { Retryable } from "../../model/errors.ts";
import { highestMode } from "../../model/mode-at.ts";
import type { Remediation } from "../../model/remediation.ts";
import { targetKey } from "../../model/target.ts";
import { begin } from "../begin.ts";
import type { Work } from "../claim.ts";
import { type Change, isClosed } from "../commit.ts";
import type { Step, Turn } from "../drive.ts";
import { paceOf } from "../pace.ts";
import { type Resolution, resolve } from "../resolve.ts";
import { end } from "./outcomes.ts";
import { notNow, planAnew } from "./plan-anew.ts";
import { playbookOf, storedWith } from "./turn-plan.ts";

/** Claimed without a plan: resolves what was claimed as named, then plans under the lease. */
export const pending: Step = async (turn) => {
  const { record, held } = turn;
  const entry = held.row.entries[record.playbook];
  if (entry !== undefined && isClosed(record, entry))
    return end("superseded", "Defender says that it is over");
  return record.unresolved ? resolveAnew(turn) : planAnew(turn);
};

/** The record at the real target is begun first (its signal row makes that repeatable), then this one ends, naming it. */
async function resolveAnew(turn: Turn): Promise<Change> {
  const { engine, record } = turn;
  const signal = (await storedWith(turn, 0))?.signal ?? null;
  if (signal === null) return planAnew(turn);
  let resolution: Resolution;
  try {
    const { target: wanted } = playbookOf(turn);
    const cluster = record.clusterByRule && "cluster" in record.target ? record.target.cluster : null;
    const { read } = engine.ports;
    const { clusters } = engine.configuration;
    const { planMs } = paceOf(engine, record.target);
    resolution = await resolve(signal, wanted, cluster, read.kubernetes.bind(read), clusters, planMs);
  } catch (raised) {
    return notNow(turn, raised);
  }
  if (resolution.outcome === "none") {
    return { ...end("skipped", resolution.reason, { unresolved: false }), climbs: true };
  }
  if (resolution.outcome === "later") return notNow(turn, resolvesLater(resolution.reason));
  if (targetKey(resolution.target) === targetKey(record.target)) {
    return planAnew({ ...turn, record: { ...record, unresolved: false } });
  }
  const lifted = turn.held.row.entries[record.playbook]?.lifted === true;
  const mode = lifted ? "enforce" : highestMode(record.rule);
  const begun = await begin(engine, { ...workAt(record, resolution.target, signal), mode });
  return {
    ...end("superseded", `it goes on at its real target as ${begun.id}`, { unresolved: false }),
    messages: [],
    spawned: begun,
  };
}

function workAt(
  record: Remediation,
  target: Remediation["target"],
  signal: Work["signals"][0]["signal"],
): Work {
  const { playbook, rule, clusterByRule, requestedBy, aside, evidence } = record;
  const signals: Work["signals"] = [{ summary: record.signal, signal, body: null }];
  return {
    playbook,
    target,
    unresolved: false,
    decided: null,
    rule,
    mode: highestMode(rule),
    clusterByRule,
    aside,
    evidence,
    signals,
    requestedBy,
  };
}

function resolvesLater(reason: string): Retryable {
  return new Retryable(reason, "It is tried again by itself.", { retryAfterMs: 10_000 });
}

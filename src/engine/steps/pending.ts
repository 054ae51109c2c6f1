import { Retryable } from "../../model/errors.ts";
import { isOpen, type Remediation } from "../../model/remediation.ts";
import { targetKey } from "../../model/target.ts";
import { begin } from "../begin.ts";
import type { Work } from "../claim.ts";
import { type Change, isClosed } from "../commit.ts";
import type { Step, Turn } from "../drive.ts";
import { APPROVAL_MS, ATTEMPTS, LEASE_MS, later } from "../engine.ts";
import { episodesWith } from "../next-episode.ts";
import { type Prepared, prepare, touchesOf } from "../prepare.ts";
import { type Resolution, resolve } from "../resolve.ts";
import { asOutcome, defer, end, sentence } from "./outcomes.ts";
import { judgedBy, playbookOf, storedWith } from "./turn-plan.ts";

/** Claimed without a plan: resolves what was claimed as named, then plans under the lease. */
export const pending: Step = async (turn) => {
  const { record, held } = turn;
  const entry = held.row.entries[record.playbook];
  if (entry !== undefined && isClosed(record, entry))
    return end("superseded", "Defender says that it is over");
  return record.unresolved ? resolveAnew(turn) : planAnew(turn);
};

/** Plans and guards again on the object as it is now, and writes the verdict with the new plan. */
export async function planAnew(turn: Turn): Promise<Change> {
  const { engine, held } = turn;
  const entry = held.row.entries[turn.record.playbook];
  const asked = judgedBy(turn.record, entry);
  const record: Remediation = entry?.lifted === true ? { ...asked, mode: "enforce" } : asked;
  let prepared: Prepared;
  try {
    prepared = await prepare(engine, record, held.row);
  } catch (raised) {
    return notNow(turn, raised);
  }
  const stored = await storedWith(turn);
  const now = engine.clock.now();
  const number = (record.planNumber ?? -1) + 1;
  const told: readonly Prepared["state"][] = ["awaiting-approval", "observed", "refused", "failed"];
  const message = told.find((state) => state === prepared.state);
  const notice = prepared.state === "done" ? (["notice"] as const) : [];
  // The same question is not asked twice.
  const isAsked = record.state === prepared.state && record.planHash === (prepared.plan?.hash ?? null);
  return {
    state: prepared.state,
    reason: prepared.reason,
    who: "engine",
    what: "planned",
    patch: {
      mode: prepared.mode,
      proof: prepared.proof,
      planHash: prepared.plan?.hash ?? null,
      identity: prepared.identity,
      attempts: 0,
      unresolved: record.unresolved,
      ...(prepared.plan === null ? {} : { planNumber: number }),
    },
    due: isOpen(prepared.state) ? later(now, prepared.state === "applying" ? LEASE_MS : APPROVAL_MS) : null,
    goOn: prepared.state === "applying",
    prepared,
    // Who joined while we planned may have seen another object, or want more than this was planned for.
    stillRight: (fresh) =>
      fresh.newerIdentity === (entry?.newerIdentity ?? null) && fresh.lifted === (entry?.lifted ?? false),
    entry: {
      lifted: false,
      newerIdentity: null,
      touches: isOpen(prepared.state) ? touchesOf(prepared.plan) : [],
      ...(prepared.state === "applying" ? { episodes: episodesWith(entry?.episodes ?? [], now) } : {}),
    },
    ...(prepared.plan === null
      ? {}
      : { plan: { plan: prepared.plan, signal: stored?.signal ?? null, body: null } }),
    messages: message === undefined || isAsked ? notice : [messageFor(message)],
  };
}

function messageFor(state: Prepared["state"]): "awaiting-approval" | "observed" | "refused" | "failed" {
  return state === "awaiting-approval" || state === "observed" || state === "refused" ? state : "failed";
}

/** The record at the real target is begun first (its signal row makes that repeatable), then this one ends, naming it. */
async function resolveAnew(turn: Turn): Promise<Change> {
  const { engine, record } = turn;
  const signal = (await storedWith(turn, 0))?.signal ?? null;
  if (signal === null) return planAnew(turn);
  let resolution: Resolution;
  try {
    const { target: wanted } = playbookOf(turn);
    const cluster = record.clusterByRule && "cluster" in record.target ? record.target.cluster : null;
    resolution = await resolve(signal, wanted, cluster, engine.ports.read.kubernetes.bind(engine.ports.read));
  } catch (raised) {
    return notNow(turn, raised);
  }
  if (resolution.outcome === "none") return end("skipped", resolution.reason, { unresolved: false });
  if (resolution.outcome === "later") return notNow(turn, resolvesLater(resolution.reason));
  if (targetKey(resolution.target) === targetKey(record.target)) {
    return planAnew({ ...turn, record: { ...record, unresolved: false } });
  }
  const lifted = turn.held.row.entries[record.playbook]?.lifted === true;
  const mode = lifted ? "enforce" : record.rule.mode;
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
    mode: rule.mode,
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

function notNow(turn: Turn, raised: unknown): Change {
  const error = asOutcome(raised);
  if (error instanceof Retryable && turn.record.attempts + 1 < ATTEMPTS) return defer(turn, error);
  return end(error.kind === "refused" ? "refused" : "failed", sentence(error));
}

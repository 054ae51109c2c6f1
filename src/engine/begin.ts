import { Retryable } from "../model/errors.ts";
import type { Remediation } from "../model/remediation.ts";
import { targetHash, targetRowKey } from "../store/row-keys.ts";
import { StoreUnreachable } from "../store/table.ts";
import type { TargetRow } from "../store/target-row.ts";
import { claimId, type Work } from "./claim.ts";
import { LATE } from "./claim-late.ts";
import type { Committed } from "./commit.ts";
import type { Engine } from "./engine.ts";
import { enter } from "./enter.ts";
import { type HeldTarget, newLease } from "./held-target.ts";
import { paceOf, SLOW_WAY } from "./pace.ts";
import { type Prepared, prepare } from "./prepare.ts";
import { claimThatFits, heldBy, type SeenTarget, writeClaim } from "./write-claim.ts";

/** What became of a piece of work. */
export interface Begun {
  /** `recorded`: a record was begun. `joined`: an existing one took the signals. `known`: they had been decided before. */
  readonly outcome: "recorded" | "joined" | "known";
  /** The record that took the signals. */
  readonly id: string;
  /** The lease is ours and something is to be done now. */
  readonly drive: {
    readonly record: Remediation;
    readonly held: HeldTarget;
    readonly prepared: Prepared | null;
  } | null;
  /** Somebody else vanished in the middle, or there is something new for them to do. */
  readonly wake: boolean;
  readonly messages: Committed["messages"];
}

const TRIES = 5;
const CLIMBS = "it cannot be done here, and another rung of the rule follows";

/** As `beginNow`; in a slow cluster it is only claimed, and left to the sweep of its own. */
export async function begin(engine: Engine, work: Work, hurried = false): Promise<Begun> {
  if (!paceOf(engine, work.target).isSlow) return beginNow(engine, work, hurried ? LATE : null);
  return { ...(await beginNow(engine, work, SLOW_WAY)), wake: false };
}

/**
 * Plans (reads only), guards, and claims one piece of work: transaction 1 where the target is new, else whatever
 * the target row asks for (`enter`). `unplanned`: why it is claimed without a plan, for the sweep. Raises `StoreUnreachable` only.
 */
async function beginNow(engine: Engine, asked: Work, unplanned: string | null): Promise<Begun> {
  const work = withDoubt(asked);
  const id = claimId(engine, work);
  const seen =
    unplanned !== null && work.decided === null
      ? { prepared: null, reason: unplanned }
      : await tryPrepare(engine, work, id);
  // A rung is begun by who drives: a verdict that asks for one must not be the end before.
  const climbs = seen.prepared?.unable === true && (work.rule.rungs ?? []).length > 0;
  const { prepared, reason } = climbs ? { prepared: null, reason: CLIMBS } : seen;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const inserted = await insert(engine, work, id, prepared, reason);
    if ("begun" in inserted) return { ...inserted.begun, wake: climbs };
    const entered = inserted.found && (await enter(engine, work, prepared, inserted.found));
    if (entered !== null) return entered;
  }
  throw new StoreUnreachable(
    `the store refused ${TRIES} times to take a claim on ${targetRowKey(targetHash(work.target, work.aside))}`,
  );
}

/** What has no target may have one on another rung: so it is claimed as not resolved, and driven. */
function withDoubt(work: Work): Work {
  const isOver = work.decided !== null && work.decided.state !== "failed";
  return isOver && (work.rule.rungs ?? []).length > 0 ? { ...work, decided: null, unresolved: true } : work;
}

async function tryPrepare(
  engine: Engine,
  work: Work,
  id: string,
): Promise<{ readonly prepared: Prepared | null; readonly reason: string }> {
  if (work.decided !== null) {
    const { state, reason } = work.decided;
    const prepared = { state, mode: work.mode, reason, identity: null, plan: null, proof: null };
    return { prepared, reason };
  }
  if (work.unresolved) return { prepared: null, reason: "the target could not be resolved yet" };
  try {
    const createdAt = engine.clock.now().toISOString();
    return { prepared: await prepare(engine, { ...intendedOf(work), id, createdAt }, null), reason: "" };
  } catch (error) {
    if (!(error instanceof Retryable)) throw error;
    return { prepared: null, reason: `it could not be planned yet: ${error.message}` };
  }
}

/** What `prepare` has to know of a piece of work. */
export function intendedOf(work: Work): Omit<Parameters<typeof prepare>[1], "id" | "createdAt"> {
  const [first] = work.signals;
  return {
    playbook: work.playbook,
    target: work.target,
    mode: work.mode,
    rule: work.rule,
    signal: first.summary,
    clusterByRule: work.clusterByRule,
    evidence: work.evidence,
    attempts: 0,
    approval: null,
    requestedBy: work.requestedBy,
    unresolved: work.unresolved,
  };
}

/** The claim on a target that nobody has touched yet, or the row that is there already. */
async function insert(
  engine: Engine,
  work: Work,
  id: string,
  prepared: Prepared | null,
  pendingReason: string,
): Promise<{ readonly begun: Begun } | { readonly found: SeenTarget | null }> {
  const now = engine.clock.now();
  const hash = targetHash(work.target, work.aside);
  const context = { pendingReason, pendingDue: now, episodes: [] };
  const claim = claimThatFits(engine, work, id, prepared, context);
  // An applying claim is driven on at once, under a lease; everything else is at rest.
  const lease = claim.record.state === "applying" ? newLease(engine, work.target) : null;
  const row: TargetRow = { target: work.target, lease, entries: { [work.playbook]: claim.entry } };
  const outcome = await writeClaim(engine, hash, claim, { do: "insert" }, row);
  if (!("written" in outcome)) return outcome;
  const held = heldBy(lease, hash, outcome.written);
  const drive = held === null ? null : { record: claim.record, held, prepared };
  return { begun: { outcome: "recorded", id, drive, wake: false, messages: claim.messages } };
}

import { Conflict, Permanent, Refused, Retryable } from "../model/errors.ts";
import { lowestMode, type Mode } from "../model/mode.ts";
import { type Plan, sealPlan } from "../model/plan.ts";
import type { AnyPlaybook, PlanOutcome, Proof } from "../model/playbook.ts";
import { isOpen, type Remediation, type State } from "../model/remediation.ts";
import type { TargetRow } from "../store/target-row.ts";
import { type Engine, PLAN_MS } from "./engine.ts";
import { type EvidenceState, evidenceKept } from "./evidence.ts";
import { guard } from "./guard.ts";
import { episodesOfDay } from "./next-episode.ts";
import { readFacts } from "./target-facts.ts";
import { within } from "./within.ts";

/** How long to leave evidence that is being stored before asking again. */
const EVIDENCE_MS = 5_000;

/** What planning and guard came to: the state that the claim writes, and the plan behind it. */
export interface Prepared {
  readonly state: Extract<
    State,
    "applying" | "awaiting-approval" | "observed" | "no-op" | "skipped" | "refused" | "failed" | "done"
  >;
  readonly mode: Mode;
  readonly reason: string;
  readonly identity: string | null;
  readonly plan: Plan | null;
  readonly proof: Proof | null;
}

/** What has to be known of a remediation to plan it. */
export type Intended = Pick<
  Remediation,
  | "id"
  | "playbook"
  | "target"
  | "mode"
  | "rule"
  | "signal"
  | "clusterByRule"
  | "unresolved"
  | "evidence"
  | "attempts"
>;

/**
 * Plan (reads only) and guard of one intended remediation. `row` is the target row if there is one: it tells what
 * others hold and how many episodes there were. Raises `Retryable` when it cannot be told for now; all else is a verdict.
 */
export async function prepare(engine: Engine, intended: Intended, row: TargetRow | null): Promise<Prepared> {
  const playbook = engine.playbooks.get(intended.playbook);
  if (playbook === undefined) {
    return verdict("failed", intended, `there is no playbook ${intended.playbook} in this version`);
  }
  if (playbook.kind === "notification") return notified(engine, intended);
  try {
    return await within(PLAN_MS, "planning", planned(engine, intended, playbook, row));
  } catch (error) {
    if (error instanceof Refused) return verdict("refused", intended, `${error.message}. ${error.advice}`);
    if (error instanceof Permanent || error instanceof Conflict) {
      return verdict("failed", intended, `${error.message}. ${error.advice}`);
    }
    throw error;
  }
}

function verdict(
  state: Prepared["state"],
  of: Intended,
  reason: string,
  more: Partial<Prepared> = {},
): Prepared {
  return { state, mode: of.mode, reason, identity: null, plan: null, proof: null, ...more };
}

/** A notification has no outside effect: its message row is written with the claim, and that is all of it. */
function notified(engine: Engine, intended: Intended): Prepared {
  return lowestMode(intended.mode, engine.configuration.ceiling) === "off"
    ? verdict("skipped", intended, "the ceiling is off", { mode: "off" })
    : verdict("done", intended, "told to the channels of the rule", { proof: "declared" });
}

async function planned(
  engine: Engine,
  intended: Intended,
  playbook: AnyPlaybook,
  row: TargetRow | null,
): Promise<Prepared> {
  const { target, id: remediationId } = intended;
  if (target.kind !== playbook.target) {
    const reason = intended.unresolved
      ? "the target has gone before it could be resolved"
      : `${playbook.name} acts on a ${playbook.target}`;
    return verdict("skipped", intended, reason);
  }
  const kubernetes = engine.ports.read.kubernetes.bind(engine.ports.read);
  const facts = await readFacts(target, kubernetes);
  if (facts === null) return verdict("skipped", intended, "the target has gone");
  const parameters = playbook.parameters.safeParse(intended.rule.parameters);
  if (!parameters.success) return verdict("failed", intended, `this version refuses the rule's parameters`);
  const judged = guard({
    record: intended,
    playbook,
    facts,
    ceiling: engine.configuration.ceiling,
    scope: engine.configuration.scope,
    protectedNamespaces: engine.configuration.protectedNamespaces,
    now: engine.clock.now(),
    episodes: 1 + episodesOfDay(row?.entries[playbook.name]?.episodes ?? [], engine.clock.now()).length,
  });
  if (judged.verdict === "refuse")
    return verdict("refused", intended, judged.reason, { identity: facts.uid });
  const outcome = await playbook.plan(
    { target, parameters: parameters.data, remediationId },
    { read: engine.ports.read },
  );
  const judgement = judge(intended, playbook, outcome, judged, facts.uid, row);
  return judgement.state === "applying" && playbook.destroysEvidence
    ? withoutDestroying(judgement, await evidenceKept(engine, intended))
    : judgement;
}

/** What would destroy evidence waits until it is stored, and asks a person where it was not. */
function withoutDestroying(prepared: Prepared, kept: EvidenceState): Prepared {
  switch (kept) {
    case "kept":
      return prepared;
    case "under way":
      throw new Retryable("the evidence of this signal is still being stored", "It goes on by itself.", {
        retryAfterMs: EVIDENCE_MS,
      });
    case "lost":
      return {
        ...prepared,
        state: "awaiting-approval",
        mode: "approve",
        reason: "it would destroy the evidence of this signal, which could not be stored",
      };
  }
}

function judge(
  intended: Intended,
  playbook: AnyPlaybook,
  outcome: PlanOutcome,
  judged: { readonly mode: Mode; readonly lowered: string | null },
  uid: string | null,
  row: TargetRow | null,
): Prepared {
  if (outcome.outcome === "skip") return verdict("skipped", intended, outcome.reason, { identity: uid });
  if (outcome.outcome === "no-op") {
    return verdict("no-op", intended, outcome.reason, { identity: outcome.identity });
  }
  const { draft } = outcome;
  // The guard has judged what it read: a plan about another object, made anew in between, is none.
  if (uid !== null && draft.identity !== uid) throw madeAnew();
  const { id: remediationId, target } = intended;
  const plan = sealPlan(draft, { remediationId, playbook: playbook.name, target });
  const more = { identity: draft.identity, plan, mode: judged.mode };
  const holder = heldByAnother(plan, playbook.name, row);
  if (holder !== null)
    return verdict("skipped", intended, `${holder} already holds what it would touch`, more);
  switch (judged.mode) {
    case "off":
      return verdict("skipped", intended, "the mode is off", more);
    case "observe":
      return verdict("observed", intended, `would have done: ${sentences(plan)}`, more);
    case "approve":
      return verdict("awaiting-approval", intended, judged.lowered ?? "the rule wants a person's word", more);
    case "enforce":
      return verdict("applying", intended, sentences(plan), more);
  }
}

function madeAnew(): Retryable {
  return new Retryable("the object was made anew while it was planned", "It is planned again by itself.", {
    retryAfterMs: 0,
  });
}

/** The plan's steps as one sentence. */
function sentences(plan: Plan): string {
  return plan.steps.map((step) => step.sentence).join("; ") || plan.impact;
}

/** One holder for one field: else two reverts would restore each other's leavings. */
export function heldByAnother(plan: Plan, playbook: string, row: TargetRow | null): string | null {
  const touched = new Set(plan.steps.flatMap((step) => step.touches));
  const holder = Object.entries(row?.entries ?? {}).find(
    ([name, entry]) =>
      name !== playbook && isOpen(entry.state) && entry.touches.some((field) => touched.has(field)),
  );
  return holder === undefined ? null : `remediation ${holder[1].id} (${holder[0]})`;
}

/** The fields that a plan touches. */
export function touchesOf(plan: Plan | null): readonly string[] {
  return plan === null ? [] : [...new Set(plan.steps.flatMap((step) => step.touches))];
}

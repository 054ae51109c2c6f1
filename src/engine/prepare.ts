import { Conflict, Permanent, Refused, Retryable, sentence } from "../model/errors.ts";
import { lowestMode, type Mode } from "../model/mode.ts";
import { modeAt } from "../model/mode-at.ts";
import { type Plan, sealPlan } from "../model/plan.ts";
import type { AnyPlaybook, PlanOutcome, Proof } from "../model/playbook.ts";
import { isOpen, type Remediation, type State } from "../model/remediation.ts";
import type { TargetRow } from "../store/target-row.ts";
import { askGuard, exceptionOf } from "./ask-guard.ts";
import type { Engine } from "./engine.ts";
import { type EvidenceState, evidenceKept } from "./evidence.ts";
import { exceptedBy, type GuardMode } from "./guard.ts";
import { guardedPorts } from "./guarded-ports.ts";
import { episodesOfDay } from "./next-episode.ts";
import { paceOf } from "./pace.ts";
import { factsFor } from "./target-facts.ts";
import { unattended } from "./unattended.ts";
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
  /** One message for many tells of it: this one sends none of its own. */
  readonly quiet?: true;
  /** The playbook itself says that it cannot be done here: the rule's next rung may. What the guard refuses is no such. */
  readonly unable?: true;
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
  | "createdAt"
  | "approval"
  | "requestedBy"
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
    const prepared = await within(
      paceOf(engine, intended.target).planMs,
      "planning",
      planned(engine, intended, playbook, row),
    );
    return prepared.state === "applying" ? await unattended(engine, intended, playbook, prepared) : prepared;
  } catch (error) {
    if (error instanceof Refused) return verdict("refused", intended, sentence(error), { unable: true });
    if (error instanceof Permanent || error instanceof Conflict) {
      return verdict("failed", intended, sentence(error));
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

/**
 * A notification has no outside effect: its message row is written with the claim, and that is all of it. So it is told
 * however old the signal is, or whether it is a sample: the rule asked for it.
 */
function notified(engine: Engine, intended: Intended): Prepared {
  const { ceiling } = engine.configuration;
  const ofRule = modeAt(intended.rule, engine.clock.now());
  if (lowestMode(intended.mode, ofRule, ceiling) === "off") {
    const what = ceiling === "off" ? "the ceiling" : "the rule";
    return verdict("skipped", intended, `${what} is off`, { mode: "off" });
  }
  // Where it applies cannot be told of a message.
  const exception = exceptionOf(engine, intended, () => false);
  return exception === null
    ? verdict("done", intended, "told to the channels of the rule", { proof: "declared" })
    : verdict("skipped", intended, exceptedBy(exception));
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
  const facts = await factsFor(engine, target, intended.rule);
  if (facts === null) return verdict("skipped", intended, "the target has gone");
  const parameters = playbook.parameters.safeParse(intended.rule.parameters);
  if (!parameters.success) return verdict("failed", intended, `this version refuses the rule's parameters`);
  const before = row?.entries[playbook.name]?.episodes ?? [];
  const episodes = 1 + episodesOfDay(before, engine.clock.now()).length;
  const judged = await askGuard(engine, { record: intended, playbook, facts, episodes, touched: false });
  if (judged.verdict !== "go") {
    const state = judged.verdict === "skip" ? "skipped" : "refused";
    return verdict(state, intended, judged.reason, { identity: facts.uid });
  }
  const outcome = await playbook.plan(
    { target, parameters: parameters.data, remediationId },
    guardedPorts(engine, intended),
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
  judged: GuardMode,
  uid: string | null,
  row: TargetRow | null,
): Prepared {
  if (outcome.outcome === "skip") {
    return verdict("skipped", intended, outcome.reason, { identity: uid, unable: true });
  }
  if (outcome.outcome === "no-op") {
    return verdict("no-op", intended, outcome.reason, { identity: outcome.identity });
  }
  const { draft } = outcome;
  // The guard has judged what it read: a plan about another object, made anew in between, is none.
  if (uid !== null && draft.identity !== uid) throw madeAnew();
  const { id: remediationId, target } = intended;
  const plan = sealPlan(draft, { remediationId, playbook: playbook.name, target });
  const quiet = judged.quiet === true ? ({ quiet: true } as const) : {};
  const more = { identity: draft.identity, plan, mode: judged.mode, ...quiet };
  const holder = heldByAnother(plan, playbook.name, row);
  if (holder !== null)
    return verdict("skipped", intended, `${holder} already holds what it would touch`, more);
  switch (judged.mode) {
    case "off":
      return verdict("skipped", intended, judged.lowered ?? "the mode is off", more);
    case "observe":
      return verdict("observed", intended, wouldHave(plan, judged.lowered), more);
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

/** What was only observed, and why it was not done. */
export function wouldHave(plan: Plan, lowered: string | null): string {
  const done = `would have done: ${sentences(plan)}`;
  return lowered === null ? done : `${lowered}; ${done}`;
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

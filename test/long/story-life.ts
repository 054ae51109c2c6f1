import type { State } from "../../src/model/remediation.ts";

/** Who takes a step in the life of a remediation. */
export type Actor = "engine" | "person";

/** A promise that a story broke. */
export type FaultKind =
  | "life"
  | "unrecorded"
  | "unapproved"
  | "paused"
  | "overwritten"
  | "again"
  | "budget"
  | "doubled"
  | "untracked"
  | "lost"
  | "drive rows"
  | "lock"
  | "fault";

/** One break, with a sentence for whoever looks for its cause. */
export interface Fault {
  readonly kind: FaultKind;
  readonly says: string;
}

/** What is known of one remediation at one moment: plain data. */
export interface Life {
  readonly state: State;
  /** Hash of its present plan. */
  readonly plan: string | null;
  /** Hash that a person approved and that nothing has used yet. */
  readonly word: string | null;
  /** By what it may write while it is applying. */
  readonly may: "unattended" | "approved" | null;
  /** Its change has landed in the world, and nothing took it away since. */
  readonly stands: boolean;
}

/** One step: a row of its history, a write that is begun, or one that has landed, as the world saw it. */
export type Step =
  | {
      readonly do: "row";
      readonly actor: Actor;
      readonly before: State | null;
      readonly after: State;
      readonly plan: string | null;
      /** Hashes that this person has presented for it so far. */
      readonly presented: readonly string[];
      /** An alert of a rule that enforces has come for its target. */
      readonly enforced: boolean;
    }
  | {
      readonly do: "begin";
      readonly way: "forward" | "back";
      readonly plan: string;
      /** Hash of the plan that stands in the store with its record; null: one of both is not there. */
      readonly stored: string | null;
    }
  | { readonly do: "land"; readonly way: "forward" | "back" };

type Ways = Readonly<Partial<Record<State, readonly State[]>>>;

const BIRTHS: readonly State[] = [
  "pending",
  "applying",
  "awaiting-approval",
  "observed",
  "no-op",
  "skipped",
  "refused",
  "failed",
];
const VERDICTS: readonly State[] = [...BIRTHS, "superseded"];

/** Which states the engine may let follow which by itself. */
const BY_ENGINE: Ways = {
  pending: VERDICTS,
  "awaiting-approval": [...VERDICTS.filter((state) => state !== "pending"), "expired"],
  applying: [
    "applying",
    "verifying",
    "in-force",
    "reverting",
    "awaiting-approval",
    "observed",
    "skipped",
    "refused",
    "failed",
    "superseded",
  ],
  verifying: ["verifying", "in-force", "reverting"],
  "in-force": ["in-force", "reverting"],
  reverting: ["reverting", "reverted", "failed", "superseded"],
};

/** And which only a person's word: to approve, to reject, to take back, to extend, and the end of what one took back. */
const BY_PERSON: Ways = {
  pending: ["rejected"],
  "awaiting-approval": ["awaiting-approval", "rejected"],
  applying: ["reverting", "rejected"],
  verifying: ["reverting"],
  "in-force": ["in-force", "reverting"],
  reverting: ["reverting", "reverted", "failed", "superseded"],
  failed: ["reverting"],
  superseded: ["reverting"],
};

/** Once its change stands, nothing that is being applied may be left but these ways. */
const WITH_CHANGE: readonly State[] = ["applying", "verifying", "in-force", "reverting"];

const UNBORN: Life = { state: "pending", plan: null, word: null, may: null, stands: false };

/**
 * The life of a remediation as the design has it, knowing nothing of how the engine is built: what follows from one
 * step, and what was wrong with it. Pure; after a fault it goes on with what happened.
 */
export function live(life: Life | null, step: Step): { readonly life: Life; readonly faults: Fault[] } {
  switch (step.do) {
    case "row":
      return life === null ? born(step) : moved(life, step);
    case "begin": {
      const faults = step.way === "forward" ? forward(life, step) : back(life);
      return { life: life ?? UNBORN, faults };
    }
    case "land":
      return { life: { ...(life ?? UNBORN), stands: step.way === "forward" }, faults: [] };
  }
}

type RowStep = Extract<Step, { do: "row" }>;

function born(step: RowStep): ReturnType<typeof live> {
  const isLegal = step.before === null && BIRTHS.includes(step.after);
  const faults = isLegal ? [] : [fault("life", `it was born ${step.after} out of ${step.before}`)];
  const entered = enter({ ...UNBORN, plan: step.plan }, step);
  return { life: { ...entered.life, state: step.after }, faults: [...faults, ...entered.faults] };
}

function moved(life: Life, step: RowStep): ReturnType<typeof live> {
  const faults: Fault[] = [];
  const { state } = life;
  const { before, after, actor } = step;
  const ways = (actor === "engine" ? BY_ENGINE : BY_PERSON)[state] ?? [];
  if (before !== state) faults.push(fault("life", `a row says it was ${before}, but it was ${state}`));
  if (!ways.includes(after)) faults.push(fault("life", `no ${actor} leads from ${state} to ${after}`));
  if (state === "applying" && life.stands && !WITH_CHANGE.includes(after)) {
    faults.push(fault("life", `its change stands, and it is ${after}`));
  }
  const next = { ...life, state: after, plan: step.plan };
  const isWord = actor === "person" && state === "awaiting-approval" && after === state;
  if (isWord) {
    const isPresented = step.plan !== null && step.presented.includes(step.plan);
    if (!isPresented) faults.push(fault("unapproved", "nobody presented the hash that counts as approved"));
    return { life: { ...next, word: step.plan }, faults };
  }
  // Another plan is another question, and what left its state asks anew.
  const word = state === "awaiting-approval" && step.plan === life.word ? life.word : null;
  if (after !== "applying") return { life: { ...next, word, may: null }, faults };
  if (state === "applying") return { life: { ...next, word: null }, faults };
  const entered = enter({ ...next, word: life.word }, step);
  return { life: entered.life, faults: [...faults, ...entered.faults] };
}

/** It begins to apply: with a word on this very plan, or by a rule that enforces. */
function enter(life: Life, { after, plan, enforced }: RowStep): ReturnType<typeof live> {
  if (after !== "applying") return { life, faults: [] };
  const used = { ...life, word: null };
  if (life.word !== null && life.word === plan) return { life: { ...used, may: "approved" }, faults: [] };
  // What enforces here is no leave to use a word on another plan.
  const isFree = enforced && life.word === null;
  const faults = isFree ? [] : [fault("unapproved", "it applies a plan that no person approved")];
  return { life: { ...used, may: "unattended" }, faults };
}

function forward(life: Life | null, { plan, stored }: Extract<Step, { do: "begin" }>): Fault[] {
  if (life === null || stored === null) return [fault("unrecorded", "it writes, and no record has its plan")];
  if (stored !== plan) return [fault("unrecorded", "it writes another plan than the one on record")];
  if (life.state !== "applying") return [fault("life", `it writes while it is ${life.state}`)];
  return life.plan === plan ? [] : [fault("unapproved", "it writes another plan than it was to apply")];
}

function back(life: Life | null): Fault[] {
  return life?.state === "reverting" ? [] : [fault("life", `it takes back while it is ${life?.state}`)];
}

function fault(kind: FaultKind, says: string): Fault {
  return { kind, says };
}

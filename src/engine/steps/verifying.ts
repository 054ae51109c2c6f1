import type { KeptEvidence } from "../../model/evidence-port.ts";
import type { Proof, Verification } from "../../model/playbook.ts";
import type { Change } from "../commit.ts";
import type { Step, Turn } from "../drive.ts";
import { ATTEMPTS, later } from "../engine.ts";
import { guardedPorts } from "../guarded-ports.ts";
import { afterFault, goBack, ONE_MORE_LOOK, readBackDue, standing } from "./outcomes.ts";
import { planOf, playbookOf } from "./turn-plan.ts";

/** Reads back what was wanted, as often as it says "not yet" and a limit allows. */
export const verifying: Step = async (turn) => {
  let verification: Verification;
  try {
    verification = await playbookOf(turn).verify(await planOf(turn), guardedPorts(turn.engine, turn.record));
  } catch (error) {
    return afterFault(turn, error, true);
  }
  return afterVerification(turn, verification, true);
};

/** What follows from what was read back: proof comes from here, never from a 200. */
export function afterVerification(turn: Turn, verification: Verification, touched: boolean): Change {
  switch (verification.verdict) {
    case "absent":
      return {
        ...goBack(turn, "failed", `the change was accepted but is not there: ${verification.reason}`),
        climbs: true,
      };
    case "not-yet":
      return notYet(turn, verification, touched);
    default:
      return holds(turn, verification, touched);
  }
}

function notYet(
  turn: Turn,
  verification: Extract<Verification, { verdict: "not-yet" }>,
  touched: boolean,
): Change {
  const { engine, record } = turn;
  const { reason, retryAfterMs } = verification;
  const attempts = record.state === "verifying" ? record.attempts + 1 : 0;
  if (attempts >= ATTEMPTS) return unproved(turn, reason, touched);
  return {
    state: "verifying",
    reason,
    who: "engine",
    what: record.state === "verifying" ? "not yet" : "applied",
    patch: { touched, attempts },
    due: later(engine.clock.now(), retryAfterMs * 2 ** Math.min(attempts, 6)),
    goOn: false,
  };
}

/** What can be taken back stands, and is read back daily; all else ends here, since nobody could end it later. */
function unproved(turn: Turn, reason: string, touched: boolean): Change {
  return turn.engine.playbooks.get(turn.record.playbook)?.reversible === false
    ? finished(turn, "unverified", [reason], touched)
    : standing(turn, { verdict: "unverified", remains: [reason] }, touched);
}

function holds(
  turn: Turn,
  verification: Extract<Verification, { verdict: "holds" | "partial" }>,
  touched: boolean,
): Change {
  const { engine, record } = turn;
  const lasting = engine.playbooks.get(record.playbook)?.kind === "containment" || record.rule.ttlMs !== null;
  if (lasting) return standing(turn, verification, touched);
  const proof = verification.verdict === "partial" ? "partial" : verification.proof;
  const remains = verification.verdict === "partial" ? verification.remains : [];
  return finished(turn, proof, remains, touched, verification.kept);
}

/** Nothing is held in force: it ends, but after a takeover not before one more look. */
function finished(
  turn: Turn,
  proof: Proof,
  remains: readonly string[],
  touched: boolean,
  kept?: KeptEvidence,
): Change {
  const wait = readBackDue(turn);
  // In the history too, whose hashes then cover the evidence.
  const evidence = kept === undefined ? {} : { kept };
  // Of evidence nothing is in force that could be taken back.
  const told = kept === undefined ? "in-force" : "ended";
  return {
    state: wait === null ? "done" : "verifying",
    reason: wait === null ? `done (${proof})${keptWords(kept)}` : ONE_MORE_LOOK,
    who: "engine",
    what: wait === null ? "done" : "read back",
    patch: { proof, remains, touched, ...(wait === null ? evidence : {}) },
    details: evidence,
    due: wait,
    goOn: false,
    ...(wait === null && (proof === "partial" || proof === "unverified") ? { climbs: true } : {}),
    messages: wait === null ? [told] : [],
  };
}

function keptWords(kept: KeptEvidence | undefined): string {
  return kept === undefined ? "" : `; kept at ${kept.place}/${kept.manifest}, sha256 ${kept.sha256}`;
}

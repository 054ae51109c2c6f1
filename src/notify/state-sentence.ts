import type { Proof } from "../model/playbook.ts";
import type { Remediation, State } from "../model/remediation.ts";
import { describeTarget } from "../model/target.ts";

const STATES: Readonly<Record<State, string>> = {
  pending: "is on record and not begun",
  "awaiting-approval": "is planned and waits for a person",
  applying: "is being applied",
  verifying: "has been applied and is being verified",
  "in-force": "is in force",
  reverting: "is being taken back",
  done: "is done",
  reverted: "has been taken back",
  observed: "was planned and left undone, since it only observes",
  "no-op": "had nothing to do, since the target already is as wanted",
  skipped: "was skipped",
  refused: "was refused by a guard",
  rejected: "was rejected by a person",
  expired: "ended because nobody approved it in time",
  superseded: "ended because something else took its place",
  failed: "failed",
};

const PROOFS: Readonly<Record<Proof, string>> = {
  proved: "It was read back and holds.",
  declared: "It was accepted; its effect cannot be read back.",
  partial: "It covers only a part.",
  unverified: "It could not be verified.",
};

/** What was done or not, and how sure that is: `isolate-pod for pod shop/web-1 on prod-aks is in force. …` */
export function stateSentence(remediation: Remediation): string {
  const { playbook, target, state, touched, proof } = remediation;
  const sentences = [`${playbook} for ${describeTarget(target)} ${STATES[state]}.`];
  if (!touched) {
    sentences.push("Nothing was changed.");
  }
  if (proof !== null) {
    sentences.push(PROOFS[proof]);
  }
  return sentences.join(" ");
}

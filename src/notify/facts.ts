import { expiryOf } from "../model/question.ts";
import type { Remediation } from "../model/remediation.ts";
import { describeTarget } from "../model/target.ts";

/** A label of ours with a value that may come from anywhere. */
export interface Fact {
  readonly label: string;
  readonly value: string;
}

const SIGNAL_LABELS = {
  alert: "Alert",
  recommendation: "Recommendation",
  finding: "Finding",
  other: "Signal",
  manual: "Run",
} as const;

/** The facts of a record that a security team asks for first, in reading order; absent ones are left out. */
export function recordFacts(remediation: Remediation): readonly Fact[] {
  const { signal, rule, mode, state, proof, requestedBy, revertedBy } = remediation;
  const facts: (Fact | null)[] = [
    fact("Target", describeTarget(remediation.target)),
    fact("State", proof === null ? state : `${state}, ${proof}`),
    end(remediation),
    fact("Rule", rule.name),
    fact("Mode", mode === rule.mode ? mode : `${mode} (the rule says ${rule.mode})`),
    fact("Asked for by", requestedBy && `${requestedBy.who}: ${requestedBy.why}`),
    fact("Taken back by", revertedBy && `${revertedBy.who}: ${revertedBy.why}`),
    fact("Type", signal.key),
    fact(SIGNAL_LABELS[signal.kind], signal.id),
    fact("First activity", signal.startedAt && readableTime(signal.startedAt)),
    fact("Resource", signal.resourceIds[0] ?? null),
  ];
  return facts.filter((entry) => entry !== null);
}

/** `2026-03-01 12:30 UTC` for people; text that is no such time stays as it is. */
export function readableTime(iso: string): string {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?Z$/.exec(iso);
  return parts === null ? iso : `${parts[1]} ${parts[2]} UTC`;
}

function fact(label: string, value: string | null): Fact | null {
  return value === null || value === "" ? null : { label, value };
}

function end(remediation: Remediation): Fact | null {
  const { state, deadline } = remediation;
  if (state === "awaiting-approval") {
    return fact("Approval runs out", readableTime(expiryOf(remediation).toISOString()));
  }
  if (state === "in-force") {
    return fact(
      "Ends",
      deadline === null ? "when somebody takes it back" : `${readableTime(deadline)}, by itself`,
    );
  }
  return null;
}

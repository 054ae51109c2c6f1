import type { Signal } from "../model/signal.ts";

/** What is known of a signal's target besides the signal itself. */
export interface Facts {
  /** Labels of the target; null where nobody has read them. */
  readonly labels: Readonly<Record<string, string>> | null;
}

/** What conditions are asked about. */
export interface Subject {
  readonly signal: Signal;
  readonly facts: Facts;
  /** Ask whether it could have matched before it was resolved: clauses about status, and about what the record no longer says, count in favour. */
  readonly later: boolean;
}

/** One clause. `seen` is the value in words, null where it is not known; then the clause does not hold. */
export interface Clause {
  readonly op: "clause";
  readonly name: string;
  readonly wanted: string;
  seen(subject: Subject): string | null;
  holds(subject: Subject): boolean;
}

/** A rule's `when`, ready to be asked. */
export type Condition =
  | Clause
  | { readonly op: "all" | "any"; readonly of: readonly Condition[] }
  | { readonly op: "not"; readonly of: Condition };

/**
 * Does the condition hold? What is not known makes a clause false, and its `not` therefore true: `not: { namespace: lab-* }`
 * matches a signal without a namespace, since such a signal must not slip past a rule; the guard refuses to act where the
 * namespace is unknown. `favour` is what a clause counts as when `later` leaves it open; it turns round inside `not`.
 */
export function holds(condition: Condition, subject: Subject, favour = true): boolean {
  switch (condition.op) {
    case "clause":
      return leftOpen(condition, subject) ? favour : condition.holds(subject);
    case "not":
      return !holds(condition.of, subject, !favour);
    case "all":
      return condition.of.every((part) => holds(part, subject, favour));
    case "any":
      return condition.of.some((part) => holds(part, subject, favour));
  }
}

function leftOpen(clause: Clause, subject: Subject): boolean {
  return subject.later && (clause.name === "status" || clause.seen(subject) === null);
}

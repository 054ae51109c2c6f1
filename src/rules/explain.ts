import type { Mode } from "../model/mode.ts";
import type { Signal } from "../model/signal.ts";
import { type Clause, type Condition, type Facts, holds, type Subject } from "./condition.ts";
import type { Configuration } from "./configuration.ts";
import { modeOf, NO_FACTS } from "./decide.ts";
import { FirstCome } from "./first-come.ts";

/** Why one rule matched a signal, or did not, and what it would have done. */
export interface Explanation {
  readonly rule: string;
  readonly matched: boolean;
  /** The clauses of the rule, all of which must hold. `why` names the value that was found. */
  readonly clauses: readonly { readonly clause: string; readonly held: boolean; readonly why: string }[];
  readonly playbooks: readonly {
    readonly name: string;
    /** Under the ceiling, at the moment that was asked about; else the highest that the rule has at any time. */
    readonly mode: Mode;
    /** ARM ids, without those for which an earlier rule decides; null: the signal's own. */
    readonly clusters: readonly string[] | null;
    /** The earlier rule that decides instead; null: this one does, if it matched and is not off. */
    readonly decidedBy: string | null;
    /** What follows, rung by rung, where this is not enough. */
    readonly rungs: readonly string[];
  }[];
}

/** Explains `decide`, rule by rule in the order of the file: the decisions are the playbooks of matched rules that are not off at all times and that no earlier rule decided. */
export function explain(
  signal: Signal,
  configuration: Configuration,
  facts: Facts = NO_FACTS,
  at: Date | null = null,
): Explanation[] {
  const subject: Subject = { signal, facts, later: false };
  const firstCome = new FirstCome();
  return configuration.rules.map((rule) => {
    const mode = modeOf(rule, configuration, at);
    const matched = holds(rule.condition, subject);
    const playbooks = rule.playbooks.map((playbook) => ({
      name: playbook.name,
      mode,
      ...firstCome.left(playbook),
      rungs: (playbook.rungs ?? []).map((rung) => rung.playbook),
    }));
    if (matched && modeOf(rule, configuration, null) !== "off") {
      for (const playbook of rule.playbooks) {
        firstCome.take(rule, playbook);
      }
    }
    const clauses = rule.condition.of.map((part) => ({
      clause: part.op === "clause" ? part.name : part.op,
      held: holds(part, subject),
      why: why(part, subject),
    }));
    return { rule: rule.name, matched, clauses, playbooks };
  });
}

function why(condition: Condition, subject: Subject): string {
  switch (condition.op) {
    case "clause":
      return clauseWords(condition, subject);
    case "not":
      return holds(condition.of, subject)
        ? `excluded: ${why(condition.of, subject)}`
        : `not excluded: ${why(condition.of, subject)}`;
    case "all":
      return parts(condition.of, subject, false) ?? parts(condition.of, subject, true) ?? "";
    case "any":
      return parts(condition.of, subject, true) ?? parts(condition.of, subject, false) ?? "";
  }
}

/** The parts that held (or did not) in words; null where there are none. */
function parts(conditions: readonly Condition[], subject: Subject, held: boolean): string | null {
  const told = conditions.filter((part) => holds(part, subject) === held).map((part) => why(part, subject));
  return told.length === 0 ? null : told.join("; ");
}

function clauseWords(clause: Clause, subject: Subject): string {
  const seen = clause.seen(subject);
  if (seen === null) {
    return clause.name === "labels"
      ? "labels are not known here"
      : `${clause.name} is not known; wanted ${clause.wanted}`;
  }
  return clause.holds(subject)
    ? `${clause.name} is ${seen}`
    : `${clause.name} is ${seen}; wanted ${clause.wanted}`;
}

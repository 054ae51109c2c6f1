import { lowestMode, type Mode } from "../model/mode.ts";
import { highestMode, modeAt } from "../model/mode-at.ts";
import type { Decision } from "../model/rule.ts";
import type { Signal } from "../model/signal.ts";
import { type Facts, holds, type Subject } from "./condition.ts";
import type { Configuration, Rule, RulePlaybook } from "./configuration.ts";
import { FirstCome } from "./first-come.ts";
import { CLOSED } from "./signal-status.ts";

/** Nothing is known but the signal. */
export const NO_FACTS: Facts = { labels: null };

/** The rule's mode under the ceiling at a moment; null: the highest that it has at any time. */
export function modeOf(rule: Rule, configuration: Configuration, at: Date | null): Mode {
  return lowestMode(at === null ? highestMode(rule) : modeAt(rule, at), configuration.ceiling);
}

/**
 * What the rules want done about a signal, in the order of the file. For one playbook on one cluster the first rule that
 * matches decides, so what an earlier rule decides is left out; a rule that is off at all times is as if it were not
 * there. There is no clock here: the mode is the highest that the rule has at any time, and `modeAt` lowers it whenever
 * something is to be done.
 */
export function decide(signal: Signal, configuration: Configuration, facts: Facts = NO_FACTS): Decision[] {
  const firstCome = new FirstCome();
  return matching({ signal, facts, later: false }, configuration).flatMap((rule) =>
    rule.playbooks.flatMap((playbook) => {
      const { clusters, decidedBy } = firstCome.left(playbook);
      firstCome.take(rule, playbook);
      return decidedBy === null ? [decisionOf(rule, { ...playbook, clusters }, configuration)] : [];
    }),
  );
}

/**
 * For a record that was deleted, is healthy or exempt, or was resolved: every decision that an earlier, open record of
 * the same thing may have had, so that what it began can be found. Clauses about status, and about what the record no
 * longer says, count as true. Empty for any other signal.
 */
export function decideLater(signal: Signal, configuration: Configuration): Decision[] {
  if (signal.notActionable === null || !CLOSED.has(signal.notActionable)) {
    return [];
  }
  return matching({ signal, facts: NO_FACTS, later: true }, configuration).flatMap((rule) =>
    rule.playbooks
      .flatMap((playbook) => [
        playbook,
        ...(playbook.rungs ?? []).map(({ playbook: name, ...rung }) => ({ ...playbook, ...rung, name })),
      ])
      .map((playbook) => decisionOf(rule, playbook, configuration)),
  );
}

function matching(subject: Subject, configuration: Configuration): Rule[] {
  return configuration.rules.filter(
    (rule) => modeOf(rule, configuration, null) !== "off" && holds(rule.condition, subject),
  );
}

function decisionOf(rule: Rule, playbook: RulePlaybook, configuration: Configuration): Decision {
  const { name, mode, cooldownMs, maxAgeMs, notify, labels, releaseWhenResolved } = rule;
  const { scope, windows, whenOld, perHour, approvalMs } = rule;
  const { ttlMs, parameters, rungs } = playbook;
  return {
    playbook: playbook.name,
    rule: {
      name,
      mode,
      ttlMs,
      cooldownMs,
      maxAgeMs,
      notify,
      labels,
      parameters,
      releaseWhenResolved,
      scope,
      windows,
      whenOld,
      perHour,
      approvalMs,
      configuration: configuration.hash,
      ...(rungs === undefined ? {} : { rungs }),
    },
    mode: modeOf(rule, configuration, null),
    clusters: playbook.clusters,
  };
}

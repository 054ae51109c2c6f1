import type { Mode } from "../model/mode.ts";
import type { Remediation, State } from "../model/remediation.ts";
import type { Budgets } from "../model/rule.ts";
import { describeTarget, type Target, targetKey } from "../model/target.ts";
import { namespaceOf, type Peak, peaksOf, shortName } from "./report-peaks.ts";
import { sentencesOf } from "./report-sentences.ts";

/** What a report reads of a record. */
export type ReportRecord = Pick<
  Remediation,
  | "id"
  | "playbook"
  | "target"
  | "state"
  | "mode"
  | "planHash"
  | "touched"
  | "revertedBy"
  | "createdAt"
  | "updatedAt"
> & { readonly rule: string; readonly signal: string };

/** A number of something by name, the most first. */
export interface Count {
  readonly name: string;
  readonly count: number;
}

/** A remediation that a person took back or rejected. */
export interface TakenBack {
  readonly id: string;
  readonly target: Target;
  readonly state: State;
  readonly who: string | null;
  readonly why: string | null;
  readonly at: string;
}

/** What one rule did, or would have done, as far as the records tell. */
export interface RuleReport {
  readonly rule: string;
  /** As the configuration has it now; null: the rule is no longer there. */
  readonly mode: Mode | null;
  /** ISO 8601. */
  readonly since: string;
  /** False: there were more records than are read at once, and only the newest were. */
  readonly complete: boolean;
  /** Distinct signals that began a remediation; those that joined one are not counted. */
  readonly signals: number;
  readonly remediations: number;
  readonly states: readonly Count[];
  /** What was planned and only observed: what raising the rule would have done. */
  readonly observed: {
    readonly plans: number;
    readonly targets: number;
    readonly playbooks: readonly Count[];
    readonly clusters: readonly Count[];
    readonly namespaces: readonly Count[];
    readonly top: readonly Count[];
  };
  /** Of all that was planned, observed or not, against the budgets as they are now. */
  readonly peaks: readonly Peak[];
  readonly takenBack: { readonly count: number; readonly newest: readonly TakenBack[] };
  /** What other rules changed on the targets of this one's plans, by rule, playbook and state. */
  readonly others: readonly Count[];
  /** The above in sentences, without anything that the records do not tell. */
  readonly sentences: readonly string[];
}

/** What a report is about. */
export interface ReportOf {
  readonly rule: string;
  readonly mode: Mode | null;
  readonly perHour: number | null;
  readonly budgets: Budgets;
  readonly since: Date;
  readonly complete: boolean;
}

const MOST_NAMED = 20;

/** What a rule did, or would have done, from records of all rules, the newest first. Pure. */
export function reportOf(records: readonly ReportRecord[], of: ReportOf): RuleReport {
  const own = records.filter(({ rule }) => rule === of.rule);
  const planned = own.filter(isPlanned);
  const observed = planned.filter(({ state }) => state === "observed");
  const takenBack = own.filter(({ state, revertedBy }) => state === "rejected" || revertedBy !== null);
  const targets = new Set(planned.map(({ target }) => targetKey(target)));
  const report = {
    rule: of.rule,
    mode: of.mode,
    since: of.since.toISOString(),
    complete: of.complete,
    signals: new Set(own.map(({ signal }) => signal.toLowerCase())).size,
    remediations: own.length,
    states: countsOf(own.map(({ state }) => state)),
    observed: {
      plans: observed.length,
      targets: new Set(observed.map(({ target }) => targetKey(target))).size,
      playbooks: countsOf(observed.map(({ playbook }) => playbook)),
      clusters: countsOf(observed.flatMap(({ target }) => clusterOf(target))),
      namespaces: countsOf(observed.flatMap(({ target }) => namespaceWords(target))),
      top: countsOf(observed.map(({ target }) => describeTarget(target))),
    },
    peaks: peaksOf(planned, { name: of.rule, perHour: of.perHour }, of.budgets),
    takenBack: { count: takenBack.length, newest: takenBack.slice(0, MOST_NAMED).map(takenBackOf) },
    others: countsOf(
      records
        .filter(({ rule, touched, target }) => rule !== of.rule && touched && targets.has(targetKey(target)))
        .map(({ rule, playbook, state }) => `${rule}: ${playbook}, ${state}`),
    ),
  };
  return { ...report, sentences: sentencesOf(report) };
}

/** A change was wanted and a plan made: not where a guard refused, or where there was nothing to change. */
function isPlanned({ planHash, state }: ReportRecord): boolean {
  const none: readonly State[] = ["refused", "skipped", "no-op"];
  return planHash !== null && !none.includes(state);
}

function takenBackOf({ id, target, state, revertedBy, updatedAt }: ReportRecord): TakenBack {
  return { id, target, state, who: revertedBy?.who ?? null, why: revertedBy?.why ?? null, at: updatedAt };
}

function clusterOf(target: Target): string[] {
  return "cluster" in target ? [shortName(target.cluster)] : [];
}

function namespaceWords(target: Target): string[] {
  const namespace = namespaceOf(target);
  return namespace === null ? [] : clusterOf(target).map((cluster) => `${cluster}/${namespace}`);
}

/** How often each name stands there, the most first; equal ones by name. */
function countsOf(names: readonly string[]): readonly Count[] {
  return [...Map.groupBy(names, (name) => name)]
    .map(([name, all]) => ({ name, count: all.length }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
    .slice(0, MOST_NAMED);
}

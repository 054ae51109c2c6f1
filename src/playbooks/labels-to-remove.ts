import type { Labels, NetworkPolicy } from "../model/kubernetes-objects.ts";
import { isCovered, type Passage } from "./egress-rule.ts";
import {
  type DirectionVerdict,
  type NetworkVerdict,
  networkVerdict,
  type ResidualRule,
} from "./network-verdict.ts";

/** So many labels that policies name are tried in every combination; of more, one after another. */
const MOST_TOGETHER = 10;

/** What the choice depends on. */
export interface Relabelling {
  readonly labels: Labels;
  /** The namespace's policies, without the one that isolates. */
  readonly policies: readonly NetworkPolicy[];
  /** The label by which the isolating policy selects, with its value. */
  readonly mark: readonly [key: string, value: string];
  /** Keys by which its controller knows the pod: without one of them it lets the pod go. */
  readonly ownedBy: ReadonlySet<string>;
  /** The controller must not lose it. */
  readonly keepsOwner: boolean;
  /** Given: only egress beyond these rules counts, and ingress stays exactly as it is. */
  readonly egressBeyond?: readonly Passage[];
  /** Given: only rules of which this holds matter; what others let through is denied otherwise. */
  readonly counts?: (rule: ResidualRule) => boolean;
}

/** The rules of egress that let more through than these do. */
export function beyond(residual: readonly ResidualRule[], kept: readonly Passage[]): readonly ResidualRule[] {
  return residual.filter((rule) => !isCovered(rule, kept));
}

/**
 * The labels to take off a pod besides marking it, so that as few rules as can be still let traffic through: a deny-all
 * policy changes nothing about what another one allows. Never a choice that opens what was closed before (dropping a
 * label may satisfy `NotIn` and `DoesNotExist`); then one that its controller does not notice; then the fewest labels.
 */
export function labelsToRemove(of: Relabelling): readonly string[] {
  const before = networkVerdict(of.policies, of.labels);
  const keys = relevantKeys(of);
  const choices = keys.length <= MOST_TOGETHER ? subsets(keys) : stepwise(of, keys);
  let best: Choice | null = null;
  for (const removed of choices) {
    const choice = weighed(of, removed, before);
    if (choice !== null && (best === null || compare(choice, best) < 0)) best = choice;
  }
  return best?.removed ?? [];
}

interface Choice {
  readonly removed: readonly string[];
  /** Rules left, owner lost, labels removed: less is better, from the left. */
  readonly cost: readonly [number, number, number];
}

/** Only labels that a policy with rules asks for can matter, and only those that may go. */
function relevantKeys({ labels, policies, mark, ownedBy, keepsOwner }: Relabelling): string[] {
  const asked = new Set(
    policies.flatMap(({ podSelector: { matchLabels, matchExpressions } }) => [
      ...Object.keys(matchLabels),
      ...matchExpressions.map(({ key }) => key),
    ]),
  );
  return Object.keys(labels)
    .filter((key) => asked.has(key) && key !== mark[0] && !(keepsOwner && ownedBy.has(key)))
    .toSorted();
}

/** The labels as they are with the mark and without some of them. */
export function relabelled(
  labels: Labels,
  removed: readonly string[],
  mark: readonly [string, string],
): Labels {
  const kept = Object.entries(labels).filter(([key]) => !removed.includes(key));
  return { ...Object.fromEntries(kept), [mark[0]]: mark[1] };
}

function weighed(of: Relabelling, removed: readonly string[], before: NetworkVerdict): Choice | null {
  const after = networkVerdict(of.policies, relabelled(of.labels, removed, of.mark));
  const opens = (["ingress", "egress"] as const).some(
    (direction) =>
      before[direction].covered &&
      after[direction].residual.some((rule) => !before[direction].residual.some((old) => isSame(rule, old))),
  );
  if (opens || (of.egressBeyond !== undefined && !isSameVerdict(before.ingress, after.ingress))) return null;
  const { counts = () => true } = of;
  const left =
    of.egressBeyond === undefined
      ? [...after.ingress.residual, ...after.egress.residual].filter(counts).length
      : beyond(after.egress.residual, of.egressBeyond).length;
  const losesOwner = removed.some((key) => of.ownedBy.has(key)) ? 1 : 0;
  return { removed, cost: [left, losesOwner, removed.length] };
}

function isSameVerdict(one: DirectionVerdict, other: DirectionVerdict): boolean {
  const has = (all: readonly ResidualRule[], rule: ResidualRule) => all.some((each) => isSame(each, rule));
  return (
    one.covered === other.covered &&
    one.residual.length === other.residual.length &&
    one.residual.every((rule) => has(other.residual, rule))
  );
}

function isSame(one: ResidualRule, other: ResidualRule): boolean {
  return one.policy === other.policy && one.rule === other.rule;
}

function compare({ cost: one }: Choice, { cost: other }: Choice): number {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2];
}

/** All combinations, the empty one first. */
function subsets(keys: readonly string[]): string[][] {
  const found: string[][] = [[]];
  for (const key of keys) found.push(...found.map((one) => [...one, key]));
  return found;
}

/** Where there are too many: from nothing on, each time the label that helps most, as long as one helps. */
function stepwise(of: Relabelling, keys: readonly string[]): string[][] {
  const before = networkVerdict(of.policies, of.labels);
  const tried: string[][] = [[]];
  let removed: string[] = [];
  for (;;) {
    const present = weighed(of, removed, before);
    const next = keys
      .filter((key) => !removed.includes(key))
      .flatMap((key) => weighed(of, [...removed, key], before) ?? [])
      .toSorted(compare)[0];
    if (next === undefined || (present !== null && compare(next, present) >= 0)) return tried;
    removed = [...next.removed];
    tried.push(removed);
  }
}

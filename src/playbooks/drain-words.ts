import type { Node, Pod } from "../model/kubernetes-objects.ts";
import { namesOf } from "./names-of.ts";
import { budgetsOf, type Residents } from "./node-residents.ts";

/** `shop/web-1`. */
export function podName({ namespace, name }: Pod): string {
  return `${namespace}/${name}`;
}

/** What the plan of emptying a node says of everybody there, a sentence each. */
export function drainLimits(residents: Residents, others: readonly Node[], node: Node): string[] {
  const { movers } = residents;
  return [
    ...movedWords(residents),
    ...stayingWords(residents),
    ...budgetWords(residents),
    "The suspect goes on with all that it can reach and all that it serves: isolate-pod cuts it off.",
    ...(movers.length === 0
      ? []
      : [
          "What an evicted pod printed goes with it, and a Job that is cut short begins anew or counts a failure.",
          "Taking it back lets new pods on the node and moves nobody back.",
          `Whether ${others.length === 1 ? "the other node" : `one of the ${others.length} other nodes`} has room for them is for the scheduler to find: till then they wait, and what they serve is short.`,
        ]),
    "Whose template names the node comes back: it is evicted some times at most, and then told.",
    "Whoever upgrades, repairs or scales the node pool may uncordon the node or take it away.",
    ...(node.ready ? [] : ["The node is not ready: evicted pods may not end before it answers again."]),
  ];
}

function movedWords({ movers }: Residents): string[] {
  const counts = countedBy(movers, ({ owner }) => owner).map(([owner, some]) => `${owner} (${some.length})`);
  const local = movers.filter(({ pod }) => pod.localData).map(({ pod }) => podName(pod));
  return [
    movers.length === 0
      ? "Nobody else on the node may be moved: it is only closed to new pods."
      : `${pods(movers.length)} of ${namesOf(counts)} ${movers.length === 1 ? "is" : "are"} evicted, one after another.`,
    ...(local.length === 0 ? [] : [`Data on the node are lost to, or left behind by: ${namesOf(local)}.`]),
  ];
}

function stayingWords({ stayers }: Residents): string[] {
  return countedBy(stayers, ({ why }) => why).map(
    ([why, some]) =>
      `${pods(some.length)} ${some.length === 1 ? "stays" : "stay"}, since ${why}: ${namesOf(some.map(({ pod }) => podName(pod)))}.`,
  );
}

function budgetWords({ movers, budgets }: Residents): string[] {
  const closed = movers.flatMap(({ pod }) =>
    budgetsOf(pod, budgets)
      .filter(({ allowed }) => allowed === 0)
      .map(({ namespace, name }) => `${namespace}/${name}`),
  );
  return countedBy(closed, (name) => name).map(
    ([name, some]) =>
      `PodDisruptionBudget ${name} lets nobody go now: ${pods(some.length)} ${some.length === 1 ? "waits" : "wait"} for it, and ${some.length === 1 ? "is" : "are"} left after some tries.`,
  );
}

function pods(count: number): string {
  return count === 1 ? "1 pod" : `${count} pods`;
}

function countedBy<T>(all: readonly T[], by: (one: T) => string): (readonly [string, readonly T[]])[] {
  return [...Map.groupBy(all, by)].toSorted(([one], [other]) => (one < other ? -1 : 1));
}

import { describe, expect, it } from "vitest";
import type { NetworkPolicy } from "../../src/model/kubernetes-objects.ts";
import { labelsToRemove, relabelled } from "../../src/playbooks/labels-to-remove.ts";
import { isIsolated, type NetworkVerdict, networkVerdict } from "../../src/playbooks/network-verdict.ts";
import { figure, noteFigure, SEED } from "../long/long.ts";
import { createRandom } from "../store/schedule-choices.ts";
import { connectionsLeft, type WirePolicy } from "./brute-force-policies.ts";
import { asRead, RandomPolicies, WORLD } from "./random-policies.ts";

const SETS = figure(100_000, 15_000);
const MARK = ["reflex", "a-1"] as const;
const DENY: WirePolicy = {
  name: "reflex-isolate-a-1",
  spec: { podSelector: { matchLabels: { reflex: "a-1" } }, policyTypes: ["Ingress", "Egress"] },
};

/** One pod among other people's policies, and what the isolation makes of its labels. */
interface Isolated {
  readonly labels: Readonly<Record<string, string>>;
  readonly policies: readonly WirePolicy[];
  readonly after: Readonly<Record<string, string>>;
}

function* cases(count: number): Generator<Isolated> {
  const make = new RandomPolicies(createRandom(SEED));
  for (let at = 0; at < count; at += 1) {
    const labels = make.labels();
    const policies = make.policies();
    const removed = labelsToRemove({
      labels,
      policies: policies.map(asRead),
      mark: MARK,
      ownedBy: new Set(["app"]),
      keepsOwner: at % 3 === 0,
    });
    yield { labels, policies, after: relabelled(labels, removed, MARK) };
  }
}

type Judge = (policies: readonly NetworkPolicy[], labels: Isolated["after"]) => NetworkVerdict;

/** How often a verdict says isolated though a connection is left, how often it says so at all, and how often it is so. */
function compared(judge: Judge, count: number): { wrong: number; said: number; so: number } {
  const found = { wrong: 0, said: 0, so: 0 };
  for (const { policies, after } of cases(count)) {
    const all = [...policies, DENY];
    const says = isIsolated(judge(all.map(asRead), after));
    const is = connectionsLeft(after, all, WORLD).size === 0;
    found.said += says ? 1 : 0;
    found.so += is ? 1 : 0;
    found.wrong += says && !is ? 1 : 0;
  }
  return found;
}

describe("the verdict on an isolation, beside every connection that there is", () => {
  it("never says isolated where one is left", { timeout: 600_000 }, () => {
    const { wrong, said, so } = compared(networkVerdict, SETS);
    expect(wrong).toBe(0);
    const share = so / SETS;
    noteFigure(
      "Network verdict",
      "policy sets, false isolated, share really isolated",
      `${SETS}, ${wrong}, ${share.toFixed(2)}`,
    );
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.8);
    // And it says so of nearly all that are: what it counts and nobody meets is a rule without anybody to match it.
    expect(said / so).toBeGreaterThan(0.75);
  });

  const isNegative = ({ podSelector }: NetworkPolicy): boolean =>
    podSelector.matchExpressions.some(({ operator }) => operator === "NotIn" || operator === "DoesNotExist");
  const isEmpty = ({ podSelector: { matchLabels, matchExpressions } }: NetworkPolicy): boolean =>
    Object.keys(matchLabels).length + matchExpressions.length === 0;

  it.each<[string, Judge]>([
    [
      "takes a negative operator for no match",
      (all, labels) =>
        networkVerdict(
          all.filter((one) => !isNegative(one)),
          labels,
        ),
    ],
    [
      "takes an empty selector for no match",
      (all, labels) =>
        networkVerdict(
          all.filter((one) => !isEmpty(one)),
          labels,
        ),
    ],
    [
      "forgets egress",
      (all, labels) => ({ ...networkVerdict(all, labels), egress: { covered: true, residual: [] } }),
    ],
    [
      "takes an empty list of peers for nobody",
      (all, labels) => {
        const { ingress, egress } = networkVerdict(all, labels);
        const peopled = (one: NetworkVerdict["ingress"]) => ({
          ...one,
          residual: one.residual.filter(({ peers }) => peers.length > 0),
        });
        return { ingress: peopled(ingress), egress: peopled(egress) };
      },
    ],
  ])("is caught where it %s", (_name, judge) => {
    expect(compared(judge, 3_000).wrong).toBeGreaterThan(0);
  });
});

describe("the labels that an isolation takes off", () => {
  it("leave no connection that was not there before, at no moment", { timeout: 600_000 }, () => {
    let better = 0;
    for (const { labels, policies, after } of cases(figure(20_000, 4_000))) {
      const before = connectionsLeft(labels, policies, WORLD);
      // First the policy, which selects nothing yet; then label on and labels off, at once.
      const between = connectionsLeft(labels, [...policies, DENY], WORLD);
      const isolated = connectionsLeft(after, [...policies, DENY], WORLD);
      expect(between).toEqual(before);
      expect([...isolated].filter((one) => !before.has(one))).toEqual([]);
      // Talon's and the portal's way, the deny-all beside what allows, is never better.
      const beside = connectionsLeft({ ...labels, [MARK[0]]: MARK[1] }, [...policies, DENY], WORLD);
      if (isolated.size < beside.size) better += 1;
    }
    expect(better).toBeGreaterThan(0);
  });

  it("are none where none helps", () => {
    const open = { name: "all", spec: { podSelector: {}, ingress: [{}] } };
    const of = {
      labels: { app: "web" },
      policies: [asRead(open)],
      mark: MARK,
      ownedBy: new Set<string>(),
      keepsOwner: false,
    };
    expect(labelsToRemove(of)).toEqual([]);
    expect(labelsToRemove({ ...of, policies: [] })).toEqual([]);
  });

  it("are those that the owner does not notice, where that is enough", () => {
    const open = {
      name: "open",
      spec: { podSelector: { matchLabels: { app: "web", tier: "front" } }, ingress: [{}] },
    };
    const of = {
      labels: { app: "web", tier: "front", team: "a" },
      policies: [asRead(open)],
      mark: MARK,
      ownedBy: new Set(["app"]),
      keepsOwner: false,
    };
    expect(labelsToRemove(of)).toEqual(["tier"]);
    const byApp = { ...open, spec: { ...open.spec, podSelector: { matchLabels: { app: "web" } } } };
    expect(labelsToRemove({ ...of, policies: [asRead(byApp)] })).toEqual(["app"]);
    expect(labelsToRemove({ ...of, policies: [asRead(byApp)], keepsOwner: true })).toEqual([]);
  });

  it("are found among many, too", () => {
    const labels = Object.fromEntries(Array.from({ length: 30 }, (_none, at) => [`key-${at}`, "x"]));
    const policies = Object.keys(labels).map((key) =>
      asRead({ name: key, spec: { podSelector: { matchLabels: { [key]: "x" } }, ingress: [{}] } }),
    );
    const removed = labelsToRemove({ labels, policies, mark: MARK, ownedBy: new Set(), keepsOwner: false });
    expect(removed.toSorted()).toEqual(Object.keys(labels).toSorted());
  });
});

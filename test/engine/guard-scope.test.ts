import { describe, expect, it } from "vitest";
import { guard } from "../../src/engine/guard.ts";
import type { TargetFacts } from "../../src/engine/target-facts.ts";
import type { RuleAsItWas, SignalSummary } from "../../src/model/remediation.ts";
import type { Scope, ScopeEntry } from "../../src/model/rule.ts";
import { REAL, UNLIMITED } from "./fixtures.ts";

const NOW = "2026-03-02T08:00:00.000Z";
const SUBSCRIPTION = "1a111111-1111-1111-1111-111111111178";
const GROUP = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-shop`;
const CLUSTER = `${GROUP}/providers/Microsoft.ContainerService/managedClusters/prod`;

const FACTS: TargetFacts = {
  namespace: "shop",
  name: "web-1",
  uid: "uid-1",
  labels: { team: "blue" },
  annotations: {},
  namespaceLabels: { stage: "live" },
  namespaceAnnotations: {},
  priorityClass: null,
  createdAt: null,
  resource: CLUSTER,
  tags: { Stage: "Live", owner: "ann" },
  managementGroups: ["mg-live", "tenant"],
};

/** What the guard says of facts under a scope: `go`, or the reason of its no. */
function asked(scope: Partial<Scope>, facts: Partial<TargetFacts> = {}, ofRule: Partial<Scope> = {}): string {
  const signal: SignalSummary = {
    identity: "k",
    id: "k",
    kind: "manual",
    key: null,
    title: null,
    severity: null,
    subscriptionId: null,
    at: null,
    startedAt: null,
    resourceIds: [],
    ...REAL,
  };
  const rule: RuleAsItWas = {
    name: "manual",
    mode: "enforce",
    ttlMs: null,
    cooldownMs: 0,
    maxAgeMs: 0,
    notify: [],
    labels: {},
    parameters: {},
    releaseWhenResolved: false,
    ...UNLIMITED,
    scope: { allow: [], deny: [], ...ofRule },
    configuration: "",
  };
  const judged = guard({
    record: { mode: "enforce", signal, rule, clusterByRule: true, approval: null, createdAt: NOW },
    playbook: { name: "quarantine", kind: "containment", highImpact: false, reversible: true },
    facts: { ...FACTS, ...facts },
    scope: { allow: [], deny: [], ...scope },
    ceiling: "enforce",
    protectedNamespaces: [],
    exception: null,
    tripped: null,
    byPerson: true,
    touched: false,
    now: new Date(NOW),
    episodes: 1,
  });
  return judged.verdict === "go" ? "go" : judged.reason;
}

const DENIED = "the scope denies it";
const NOT_ALLOWED = "the scope does not allow it";

/** Entries that hold for the object of this file, and beside each the same with a part that does not hold. */
const ENTRIES: readonly (readonly [string, ScopeEntry, ScopeEntry])[] = [
  ["subscription", { subscription: SUBSCRIPTION }, { subscription: SUBSCRIPTION.slice(0, -1) }],
  ["subscription in any casing", { subscription: SUBSCRIPTION.toUpperCase() }, { subscription: "1A" }],
  ["a longer subscription", { subscription: SUBSCRIPTION }, { subscription: `${SUBSCRIPTION}9` }],
  ["resource group", { resourceGroup: "RG-Shop" }, { resourceGroup: "rg-sho" }],
  ["cluster", { cluster: CLUSTER.toUpperCase() }, { cluster: `${CLUSTER}-2` }],
  ["cluster of a shorter name", { cluster: CLUSTER }, { cluster: CLUSTER.slice(0, -1) }],
  ["resource group as resource", { resource: GROUP }, { resource: GROUP.slice(0, -1) }],
  [
    "subscription as resource",
    { resource: `/subscriptions/${SUBSCRIPTION}/` },
    { resource: `/subscriptions/${SUBSCRIPTION.slice(0, -1)}` },
  ],
  ["resource below the cluster", { resource: CLUSTER }, { resource: `${CLUSTER}/agentPools/a` }],
  ["namespace", { namespace: "shop" }, { namespace: "sho" }],
  ["namespace pattern in any casing", { namespace: "SH*" }, { namespace: "S?" }],
  ["label", { labels: { team: "blue" } }, { labels: { team: "red" } }],
  ["label of the namespace", { labels: { stage: "live" } }, { labels: { stage: "test" } }],
  ["all labels", { labels: { team: "blue", stage: "live" } }, { labels: { team: "blue", stage: "test" } }],
  ["label that nobody inherits", { labels: { team: "blue" } }, { labels: { toString: "blue" } }],
  ["management group in any casing", { managementGroup: "MG-Live" }, { managementGroup: "mg-liv" }],
  ["management group of the tenant", { managementGroup: "tenant" }, { managementGroup: "tenan" }],
  ["tag whose name has another casing", { tags: { STAGE: "Live" } }, { tags: { stage: "live" } }],
  ["all tags", { tags: { stage: "Live", owner: "ann" } }, { tags: { stage: "Live", owner: "bob" } }],
  ["tag that nobody has", { tags: { owner: "ann" } }, { tags: { toString: "ann" } }],
  [
    "all parts",
    { subscription: SUBSCRIPTION, namespace: "shop" },
    { subscription: SUBSCRIPTION, namespace: "x" },
  ],
];

describe("the scope", () => {
  it("allows everything where it says nothing", () => {
    expect(asked({})).toBe("go");
  });

  it.each(ENTRIES)("denies by %s what matches, and only that", (_name, holds, fails) => {
    expect(asked({ deny: [holds] })).toBe(DENIED);
    expect(asked({ deny: [fails] })).toBe("go");
    expect(asked({ deny: [fails, holds] })).toBe(DENIED);
  });

  it.each(ENTRIES)("allows by %s what matches, and only that", (_name, holds, fails) => {
    expect(asked({ allow: [holds] })).toBe("go");
    expect(asked({ allow: [fails] })).toBe(NOT_ALLOWED);
    expect(asked({ allow: [fails, holds] })).toBe("go");
  });

  it.each(ENTRIES)("denies by %s also what it allows", (_name, holds) => {
    expect(asked({ allow: [holds], deny: [holds] })).toBe(DENIED);
  });
});

describe("the scope of a rule", () => {
  it.each(ENTRIES)("denies and allows by %s beside that of the file", (_name, holds, fails) => {
    expect(asked({}, {}, { deny: [holds] })).toBe("the rule's scope denies it");
    expect(asked({}, {}, { deny: [fails] })).toBe("go");
    expect(asked({}, {}, { allow: [holds] })).toBe("go");
    expect(asked({}, {}, { allow: [fails] })).toBe("the rule's scope does not allow it");
  });

  it.each(ENTRIES)("opens nothing by %s that the file closes", (_name, holds) => {
    expect(asked({ deny: [holds] }, {}, { allow: [holds] })).toBe(DENIED);
    expect(asked({ allow: [{ namespace: "other" }] }, {}, { allow: [holds] })).toBe(NOT_ALLOWED);
  });
});

describe("a part of the scope that cannot be told", () => {
  const cases: readonly (readonly [string, ScopeEntry, Partial<TargetFacts>])[] = [
    ["the namespace of what has none", { namespace: "shop" }, { namespace: null }],
    ["labels of what nobody can read", { labels: { team: "blue" } }, { labels: null }],
    ["labels of a namespace that nobody can read", { labels: { team: "red" } }, { namespaceLabels: null }],
    ["tags that nobody can read", { tags: { stage: "live" } }, { tags: null }],
    ["management groups that nobody can read", { managementGroup: "mg-live" }, { managementGroups: null }],
    ["the place of what is in no cluster", { subscription: SUBSCRIPTION }, { resource: null }],
    ["the subscription of a strange cluster id", { subscription: SUBSCRIPTION }, { resource: "prod" }],
    [
      "the resource group of a strange cluster id",
      { resourceGroup: "rg-shop" },
      { resource: "a/b/c/rg-shop" },
    ],
    ["the place of a strange cluster id", { resource: GROUP }, { resource: "prod" }],
    ["the name of a strange cluster id", { cluster: CLUSTER }, { resource: "prod" }],
  ];

  it.each(cases)("counts as denied and never as allowed: %s", (_name, entry, facts) => {
    expect(asked({ deny: [entry] }, facts)).toBe(DENIED);
    expect(asked({ allow: [entry] }, facts)).toBe(NOT_ALLOWED);
    expect(asked({}, facts)).toBe("go");
  });

  it("does not make an entry match whose other part surely does not", () => {
    const deny: ScopeEntry[] = [{ namespace: "shop", subscription: "another" }];
    expect(asked({ deny }, { namespace: null })).toBe("go");
  });
});

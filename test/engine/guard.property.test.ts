import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type GuardQuestion, guard, OPT_OUT } from "../../src/engine/guard.ts";
import { PROTECTED_NAMESPACES } from "../../src/engine/protected-namespaces.ts";
import type { TargetFacts } from "../../src/engine/target-facts.ts";
import { MODES } from "../../src/model/mode.ts";
import type { ScopeEntry } from "../../src/model/rule.ts";

const SUBSCRIPTIONS = [
  "11111111-1111-1111-1111-111111111178",
  "11111111-1111-1111-1111-111111111179",
] as const;
const clusterOf = (subscription: string, group: string): string =>
  `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.ContainerService/managedClusters/c`;

const subscription = fc.constantFrom(...SUBSCRIPTIONS);
const group = fc.constantFrom("rg-a", "rg-ab");
const cluster = fc.tuple(subscription, group).map(([one, other]) => clusterOf(one, other));
const namespace = fc.constantFrom("shop", "shop-2", "lab");
const labels = fc.dictionary(fc.constantFrom("team", "stage"), fc.constantFrom("a", "b"), { maxKeys: 2 });
const mode = fc.constantFrom(...MODES);
const time = fc.constantFrom(
  "2026-03-01T00:00:00.000Z",
  "2026-03-02T07:00:00.000Z",
  "2026-03-02T07:59:00.000Z",
);

const entry: fc.Arbitrary<ScopeEntry> = fc
  .record(
    { subscription, resourceGroup: group, cluster, resource: cluster, namespace, labels },
    { requiredKeys: [] },
  )
  .filter((one) => Object.keys(one).length > 0 && Object.keys(one.labels ?? { some: "" }).length > 0);

const facts: fc.Arbitrary<TargetFacts> = fc.record({
  cluster,
  namespace: fc.option(namespace),
  name: fc.constantFrom("web-1", "web-2"),
  uid: fc.option(fc.constant("uid-1")),
  labels,
  annotations: labels,
  namespaceLabels: labels,
  namespaceAnnotations: labels,
  priorityClass: fc.option(fc.constant("high")),
  createdAt: fc.option(time),
});

const question: fc.Arbitrary<GuardQuestion> = fc.record({
  record: fc.record({
    mode,
    clusterByRule: fc.boolean(),
    signal: fc.record({
      identity: fc.constant("a-1"),
      id: fc.constant("a-1"),
      kind: fc.constantFrom("alert", "recommendation", "finding", "manual"),
      key: fc.constant(null),
      title: fc.constant(null),
      severity: fc.constant(null),
      subscriptionId: fc.option(subscription),
      at: fc.option(time),
      startedAt: fc.option(time),
      resourceIds: fc.constant([]),
    }),
    rule: fc.record({
      name: fc.constant("r"),
      mode,
      ttlMs: fc.constant(null),
      cooldownMs: fc.constant(0),
      maxAgeMs: fc.constantFrom(60_000, 86_400_000),
      notify: fc.constant([]),
      labels: fc.constant({}),
      parameters: fc.constant({}),
      releaseWhenResolved: fc.boolean(),
      configuration: fc.constant(""),
    }),
  }),
  playbook: fc.record({
    name: fc.constant("p"),
    kind: fc.constantFrom("containment", "remediation", "evidence"),
    reversible: fc.boolean(),
  }),
  facts,
  ceiling: mode,
  scope: fc.record({ allow: fc.array(entry, { maxLength: 3 }), deny: fc.array(entry, { maxLength: 2 }) }),
  protectedNamespaces: fc.constantFrom([], ["lab"], ["shop-*"]),
  now: fc.constant(new Date("2026-03-02T08:00:00.000Z")),
  episodes: fc.integer({ min: 1, max: 4 }),
});

/** Facts of which one alone must stop everything. */
const forbidding: fc.Arbitrary<Partial<TargetFacts>> = fc.oneof(
  fc.constantFrom(...PROTECTED_NAMESPACES).map((pattern) => ({ namespace: pattern.replace("*", "x1") })),
  fc.constantFrom("", " ", "Shop", "shop ", "kube\u200bsystem", "ｓhop").map((name) => ({ namespace: name })),
  fc
    .constantFrom("system-node-critical", "system-cluster-critical")
    .map((priorityClass) => ({ priorityClass })),
  fc.constant({ labels: { app: "microsoft-defender-collector" } }),
  fc.constant({ name: "system:controller" }),
  fc
    .tuple(
      fc.constantFrom("labels", "annotations", "namespaceLabels", "namespaceAnnotations"),
      fc.string().filter((value) => value !== "false"),
    )
    .map(([place, value]) => ({ [place]: { [OPT_OUT]: value } })),
);

const rank = (of: (typeof MODES)[number]): number => MODES.indexOf(of);

describe("whatever the guard is asked", () => {
  it("never goes above the mode that was asked, nor above the ceiling", () => {
    fc.assert(
      fc.property(question, (asked) => {
        const judged = guard(asked);
        if (judged.verdict === "refuse") return;
        expect(rank(judged.mode)).toBeLessThanOrEqual(Math.min(rank(asked.record.mode), rank(asked.ceiling)));
        expect(judged.lowered === null).toBe(
          rank(judged.mode) === Math.min(rank(asked.record.mode), rank(asked.ceiling)),
        );
      }),
    );
  });

  it("never answers a new denial with more than before", () => {
    fc.assert(
      fc.property(question, entry, (asked, denial) => {
        const before = guard(asked);
        const after = guard({ ...asked, scope: { ...asked.scope, deny: [...asked.scope.deny, denial] } });
        if (before.verdict === "refuse") expect(after.verdict).toBe("refuse");
        else if (after.verdict === "go") expect(after).toEqual(before);
        else expect(after.reason).toBe("the scope denies it");
      }),
    );
  });

  it("never goes where an entry that surely matches is denied", () => {
    fc.assert(
      fc.property(question, (asked) => {
        const deny = [{ cluster: asked.facts.cluster }];
        expect(guard({ ...asked, scope: { ...asked.scope, deny } }).verdict).toBe("refuse");
      }),
    );
  });

  it("never goes with any protected fact, whoever asks and whatever is allowed", () => {
    fc.assert(
      fc.property(question, forbidding, (asked, fact) => {
        const scope = { allow: [{ cluster: asked.facts.cluster }], deny: [] };
        expect(guard({ ...asked, scope, facts: { ...asked.facts, ...fact } }).verdict).toBe("refuse");
      }),
    );
  });

  it("enforces exactly what is young, reversible, and not done twice today", () => {
    fc.assert(
      fc.property(question, (one) => {
        const asked: GuardQuestion = {
          ...one,
          record: { ...one.record, mode: "enforce", clusterByRule: true },
          facts: { ...one.facts, namespace: null, createdAt: null },
          ceiling: "enforce",
          scope: { allow: [], deny: [] },
        };
        const { signal, rule } = asked.record;
        const age = asked.now.getTime() - new Date(signal.at ?? Number.NaN).getTime();
        const sure =
          asked.playbook.reversible &&
          (signal.kind === "manual" || (asked.episodes <= 2 && age <= rule.maxAgeMs));
        expect(guard(asked)).toMatchObject({ verdict: "go", mode: sure ? "enforce" : "approve" });
      }),
    );
  });
});

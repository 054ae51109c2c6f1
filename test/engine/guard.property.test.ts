import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type GuardQuestion, guard, OPT_OUT, protection } from "../../src/engine/guard.ts";
import { PROTECTED_NAMESPACES } from "../../src/engine/protected-namespaces.ts";
import type { TargetFacts } from "../../src/engine/target-facts.ts";
import { MODES } from "../../src/model/mode.ts";
import type { Exception, ScopeEntry, TimeWindow } from "../../src/model/rule.ts";
import type { Approval } from "../../src/model/word.ts";
import { UNLIMITED } from "./fixtures.ts";

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
    {
      subscription,
      resourceGroup: group,
      cluster,
      resource: cluster,
      namespace,
      labels,
      tags: labels,
      managementGroup: fc.constantFrom("mg-a", "MG-B", "mg-c"),
    },
    { requiredKeys: [] },
  )
  .filter((one) => Object.keys(one).length > 0)
  .filter(({ labels: own, tags }) =>
    [own, tags].every((map) => map === undefined || Object.keys(map).length > 0),
  );

const facts: fc.Arbitrary<TargetFacts> = fc
  .record({
    resource: cluster,
    namespace: fc.option(namespace),
    name: fc.constantFrom("web-1", "web-2"),
    uid: fc.option(fc.constant("uid-1")),
    labels,
    annotations: labels,
    namespaceLabels: labels,
    namespaceAnnotations: labels,
    priorityClass: fc.option(fc.constant("high")),
    createdAt: fc.option(time),
    tags: fc.option(labels),
    managementGroups: fc.option(fc.subarray(["mg-a", "mg-b"])),
  })
  .map((one) => ({ ...one, labels: one.uid === null ? null : one.labels }));

const APPROVAL: Approval = {
  who: "ann",
  id: "t/ann",
  why: "seen",
  at: "2026-03-02T07:59:00.000Z",
  planHash: "h",
};
const EXCEPTION: Exception = {
  name: "load test",
  owner: "ann",
  reason: "on purpose",
  until: "2026-04-01T00:00:00Z",
  rule: null,
  playbook: null,
  key: null,
  where: null,
};

const window: fc.Arbitrary<TimeWindow> = fc.record({
  days: fc.constant(["mon"] as const),
  from: fc.constantFrom("07:00", "08:01"),
  to: fc.constant("09:00"),
  timezone: fc.constant("UTC"),
  mode,
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
      unreal: fc.constantFrom(null, null, "sample" as const, "snapshot" as const),
      reference: fc.constant(null),
      named: fc.constant({}),
    }),
    approval: fc.option(fc.constant(APPROVAL)),
    createdAt: fc.option(time, { nil: "2026-03-02T08:00:00.000Z" }),
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
      scope: fc.constant(UNLIMITED.scope),
      windows: fc.array(window, { maxLength: 1 }),
      whenOld: fc.constantFrom("record", "notify", "approve"),
      perHour: fc.constant(null),
      approvalMs: fc.constant(UNLIMITED.approvalMs),
      configuration: fc.constant(""),
    }),
  }),
  playbook: fc.record({
    name: fc.constant("p"),
    kind: fc.constantFrom("containment", "remediation", "evidence"),
    highImpact: fc.boolean(),
    reversible: fc.boolean(),
  }),
  facts,
  ceiling: mode,
  scope: fc.record({ allow: fc.array(entry, { maxLength: 3 }), deny: fc.array(entry, { maxLength: 2 }) }),
  protectedNamespaces: fc.constantFrom([], ["lab"], ["shop-*"]),
  exception: fc.constantFrom(null, null, null, null, EXCEPTION),
  tripped: fc.constantFrom(null, null, null, null, "it failed"),
  byPerson: fc.boolean(),
  touched: fc.boolean(),
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
  it("never goes above the mode that was asked, nor above the ceiling, unless a person approved it", () => {
    fc.assert(
      fc.property(question, (asked) => {
        const judged = guard({ ...asked, record: { ...asked.record, approval: null } });
        if (judged.verdict !== "go") return;
        const most = Math.min(rank(asked.record.mode), rank(asked.ceiling));
        expect(rank(judged.mode)).toBeLessThanOrEqual(most);
        expect(judged.lowered === null).toBe(rank(judged.mode) === most);
      }),
    );
  });

  it("lets an approval change nothing about what is protected, denied, excepted or a sample, nor open a ceiling", () => {
    fc.assert(
      fc.property(question, (asked) => {
        const without = guard({ ...asked, record: { ...asked.record, approval: null } });
        const judged = guard({ ...asked, record: { ...asked.record, approval: APPROVAL } });
        if (without.verdict !== "go" || judged.verdict !== "go") expect(judged).toEqual(without);
        else if (asked.record.signal.unreal !== null)
          expect(rank(judged.mode)).toBeLessThanOrEqual(rank("observe"));
        else if (rank(asked.ceiling) < rank("approve")) expect(judged.mode).toBe(asked.ceiling);
        else expect(judged.mode).toBe("enforce");
      }),
    );
  });

  it("never acts on a sample or a copy, on what is excepted, nor unasked for a rule that is tripped", () => {
    fc.assert(
      fc.property(question, (asked) => {
        const judged = guard(asked);
        const acts = judged.verdict === "go" && judged.mode === "enforce";
        const { approval, signal } = asked.record;
        if (signal.unreal !== null || asked.exception !== null) expect(acts).toBe(false);
        else if (asked.tripped !== null && approval === null) expect(acts).toBe(false);
        else expect(judged.verdict).not.toBe("skip");
      }),
    );
  });

  it("never allows by a tag or a management group that cannot be told, and always denies by it", () => {
    const azure = fc.constantFrom<ScopeEntry>({ tags: { team: "a" } }, { managementGroup: "mg-a" });
    fc.assert(
      fc.property(question, azure, (asked, one) => {
        const facts = { ...asked.facts, tags: null, managementGroups: null };
        for (const scope of [
          { allow: [one], deny: [] },
          { allow: [], deny: [one] },
        ]) {
          expect(guard({ ...asked, facts, scope }).verdict).toBe("refuse");
        }
      }),
    );
  });

  it("never answers a new denial with more than before", () => {
    fc.assert(
      fc.property(question, entry, (asked, denial) => {
        const before = guard(asked);
        const after = guard({ ...asked, scope: { ...asked.scope, deny: [...asked.scope.deny, denial] } });
        if (before.verdict === "refuse") expect(after.verdict).toBe("refuse");
        else if (after.verdict !== "refuse") expect(after).toEqual(before);
        else expect(after.reason).toBe("the scope denies it");
      }),
    );
  });

  it("never goes where an entry that surely matches is denied", () => {
    fc.assert(
      fc.property(question, (asked) => {
        const deny = [{ cluster: asked.facts.resource ?? "" }];
        expect(guard({ ...asked, scope: { ...asked.scope, deny } }).verdict).toBe("refuse");
      }),
    );
  });

  it("never goes with any protected fact, whoever asks and whatever is allowed", () => {
    fc.assert(
      fc.property(question, forbidding, (asked, fact) => {
        const scope = { allow: [{ cluster: asked.facts.resource ?? "" }], deny: [] };
        expect(guard({ ...asked, scope, facts: { ...asked.facts, ...fact } }).verdict).toBe("refuse");
      }),
    );
  });

  it("enforces exactly what is young, real, reversible, and not done twice today, or what is approved or begun", () => {
    fc.assert(
      fc.property(question, (one) => {
        const asked: GuardQuestion = {
          ...one,
          record: {
            ...one.record,
            mode: "enforce",
            clusterByRule: true,
            rule: { ...one.record.rule, ...ENFORCES },
          },
          facts: { ...one.facts, namespace: null, createdAt: null },
          ceiling: "enforce",
          scope: { allow: [], deny: [] },
          exception: null,
          tripped: null,
        };
        const { signal, rule, approval } = asked.record;
        const age = asked.now.getTime() - new Date(signal.at ?? Number.NaN).getTime();
        const { playbook } = asked;
        const certain =
          // Evidence changes nothing: there is nothing to take back.
          (playbook.reversible || playbook.kind === "evidence") &&
          (asked.byPerson ? !asked.playbook.highImpact : asked.episodes <= 2 && age <= rule.maxAgeMs);
        const sure = signal.unreal === null && (certain || approval !== null || asked.touched);
        const judged = guard(asked);
        expect(judged.verdict).toBe("go");
        expect(judged.verdict === "go" && judged.mode === "enforce").toBe(sure);
      }),
    );
  });

  it("never takes back what is protected or denied", () => {
    fc.assert(
      fc.property(question, forbidding, (asked, fact) => {
        expect(protection({ ...asked, facts: { ...asked.facts, ...fact } })).not.toBeNull();
        const deny = [{ cluster: asked.facts.resource ?? "" }];
        expect(protection({ ...asked, scope: { allow: [], deny } })).not.toBeNull();
      }),
    );
  });
});

const ENFORCES = { mode: "enforce", windows: [] } as const;

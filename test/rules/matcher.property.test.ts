import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MODES } from "../../src/model/mode.ts";
import type { NotActionable, Signal } from "../../src/model/signal.ts";
import { compileWhen } from "../../src/rules/compile-when.ts";
import { holds, type Subject } from "../../src/rules/condition.ts";
import { decide, explain } from "../../src/rules/index.ts";
import { whenSchema } from "../../src/rules/when-schema.ts";
import { aSignal, CLUSTER, OTHER_CLUSTER, withRules } from "./rule-fixtures.ts";

const schema = whenSchema({ playbooks: [], channels: [], clusters: [], rules: [] });

const signals: fc.Arbitrary<Signal> = fc
  .record({
    kind: fc.constantFrom("alert" as const, "finding" as const, "recommendation" as const),
    baseKey: fc.constantFrom("K8S_A", "K8S.NODE_B", "VM_C", null),
    severity: fc.constantFrom("Low" as const, "High" as const, null),
    status: fc.constantFrom("New", "Resolved", "Healthy", null),
    namespace: fc.constantFrom("lab-1", "shop", null),
    workload: fc.constantFrom({ kind: "Job", name: "a" }, { kind: "Deployment", name: "b" }, null),
    cluster: fc.constantFrom({ resourceId: CLUSTER }, { resourceId: OTHER_CLUSTER }, null),
    isSample: fc.boolean(),
    isSnapshot: fc.boolean(),
    notActionable: fc.constantFrom<NotActionable | null>(null, "resolved", "healthy", "deleted", "ambiguous"),
  })
  .map((overrides) => aSignal({ ...overrides, key: overrides.baseKey }));

/** Clauses besides those that are added without a word, so that a `not` around them is their exact opposite. */
const leaves = fc.constantFrom<object>(
  { kind: "alert" },
  { kind: ["finding", "alert"] },
  { key: "K8S*" },
  { key: ["*_C", "K8S.*"] },
  { severity: "High" },
  { namespace: "lab-*" },
  { workload: { kind: "Job" } },
  { cluster: CLUSTER },
  { labels: { app: "web" } },
);
const { group } = fc.letrec<{ group: object }>((tie) => ({
  group: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { weight: 3, arbitrary: leaves },
    { weight: 1, arbitrary: fc.array(tie("group"), { minLength: 1, maxLength: 3 }).map((all) => ({ all })) },
    { weight: 1, arbitrary: fc.array(tie("group"), { minLength: 1, maxLength: 3 }).map((any) => ({ any })) },
    { weight: 1, arbitrary: tie("group").map((not) => ({ not })) },
    { weight: 1, arbitrary: fc.tuple(leaves, leaves).map(([one, two]) => ({ ...one, ...two })) },
  ),
}));

/** Any of everything: what is added without a word is lifted. */
const EVERYTHING = {
  sample: [true, false],
  snapshot: [true, false],
  any: [{ status: "New" }, { not: { status: "New" } }],
};

function held(when: object, signal: Signal): boolean {
  const subject: Subject = { signal, facts: { labels: null }, later: false };
  return holds(compileWhen(schema.parse({ ...EVERYTHING, all: [when] })), subject);
}

describe("the matcher", () => {
  it("lets a double not stand for nothing", () => {
    fc.assert(
      fc.property(group, signals, (when, signal) => {
        expect(held({ not: { not: when } }, signal)).toBe(held(when, signal));
        expect(held({ not: when }, signal)).toBe(!held(when, signal));
      }),
    );
  });

  it("obeys De Morgan", () => {
    fc.assert(
      fc.property(fc.array(group, { minLength: 1, maxLength: 3 }), signals, (groups, signal) => {
        const each = groups.map((not) => ({ not }));
        expect(held({ not: { all: groups } }, signal)).toBe(held({ any: each }, signal));
        expect(held({ not: { any: groups } }, signal)).toBe(held({ all: each }, signal));
        expect(held({ not: groups }, signal)).toBe(held({ all: each }, signal));
        expect(held({ all: groups }, signal)).toBe(groups.every((one) => held(one, signal)));
        expect(held({ any: groups }, signal)).toBe(groups.some((one) => held(one, signal)));
      }),
    );
  });

  it("never begins to match when something is added that does not hold", () => {
    fc.assert(
      fc.property(group, group, signals, (when, more, signal) => {
        fc.pre(!held(more, signal));
        expect(held({ all: [when, more] }, signal)).toBe(false);
        expect(held({ all: [when], not: { not: more } }, signal)).toBe(false);
      }),
    );
  });

  it("reads names in any casing", () => {
    const cased = (text: string, upper: readonly boolean[]) =>
      [...text]
        .map((letter, index) => (upper[index % upper.length] ? letter.toUpperCase() : letter.toLowerCase()))
        .join("");
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }), signals, (upper, signal) => {
        const clauses = (turn: (text: string) => string) => [
          { key: turn("K8S.NODE_*") },
          { namespace: turn("lab-*") },
          { workload: { kind: turn("Job"), name: turn("a") } },
          { cluster: turn(CLUSTER) },
          { subscription: turn("11111111-1111-1111-1111-111111111178") },
          { resourceGroup: turn("rg-prod") },
          { image: turn("reg.example.io:5000/**") },
          { tactics: turn("Impact") },
        ];
        const plain = clauses((text) => text).map((when) => held(when, signal));
        expect(clauses((text) => cased(text, upper)).map((when) => held(when, signal))).toEqual(plain);
      }),
    );
  });

  it("takes a cluster only for itself, whatever is added to its id", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9/-]{1,12}$/), (tail) => {
        const signal = aSignal({ cluster: { resourceId: CLUSTER + tail } });
        expect(held({ cluster: CLUSTER }, signal)).toBe(/^\/+$/.test(tail));
      }),
    );
  });

  it("never matches a sample, a snapshot or a closed record that the rule does not name", () => {
    fc.assert(
      fc.property(group, signals, (when, signal) => {
        const subject: Subject = { signal, facts: { labels: null }, later: false };
        const closed = ["resolved", "healthy", "deleted"].includes(signal.notActionable ?? "");
        const matched = holds(compileWhen(schema.parse(when)), subject);
        expect(matched).toBe(held(when, signal) && !signal.isSample && !signal.isSnapshot && !closed);
      }),
    );
  });
});

describe("decide and explain", () => {
  const rules = fc.array(
    fc.record({
      when: group,
      mode: fc.constantFrom(...MODES),
      playbooks: fc.uniqueArray(
        fc.constantFrom<{ name: string; with?: object }>(
          { name: "isolate-pod" },
          { name: "notify" },
          { name: "block-image" },
          { name: "block-image", with: { clusters: ["prod"] } },
          { name: "block-image", with: { clusters: ["spare", "prod"] } },
        ),
        { minLength: 1, selector: ({ name }) => name },
      ),
    }),
    { minLength: 1, maxLength: 5 },
  );

  it("agree, and answer the same again", () => {
    fc.assert(
      fc.property(rules, fc.array(signals, { minLength: 1, maxLength: 5 }), (written, some) => {
        const configuration = withRules(
          ...written.map(({ when, mode, playbooks }, index) =>
            JSON.stringify({ name: `r${index}`, when, mode, playbooks }),
          ),
        );
        for (const signal of some) {
          const decisions = decide(signal, configuration);
          const explained = explain(signal, configuration);
          expect(decide(signal, configuration)).toEqual(decisions);
          expect(explained.map(({ rule }) => rule)).toEqual(configuration.rules.map(({ name }) => name));
          expect(
            explained.flatMap(({ rule, matched, playbooks }) =>
              matched
                ? playbooks
                    .filter(({ mode, decidedBy }) => mode !== "off" && decidedBy === null)
                    .map(({ name, mode, clusters }) => ({ rule, name, mode, clusters }))
                : [],
            ),
          ).toEqual(
            decisions.map(({ rule, playbook, mode, clusters }) => ({
              rule: rule.name,
              name: playbook,
              mode,
              clusters,
            })),
          );
          for (const { matched, clauses } of explained) {
            expect(clauses.every((clause) => clause.held)).toBe(matched);
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("the work of deciding", () => {
  /** A signal that counts how often it is looked at. */
  function counted(signal: Signal): { signal: Signal; looks: () => number } {
    let looks = 0;
    const proxy = new Proxy(signal, {
      get(target, property, receiver) {
        looks += 1;
        return Reflect.get(target, property, receiver);
      },
    });
    return { signal: proxy, looks: () => looks };
  }

  it("grows with rules times signals and no faster: a thousand rules for a thousand signals", () => {
    const configuration = (count: number) =>
      withRules(
        ...Array.from(
          { length: count },
          (_, index) =>
            `{ name: r${index}, when: { kind: alert, key: "K8S_T${index}_*", severity: [High, Medium], namespace: shop }, playbooks: [{ name: notify }] }`,
        ),
      );
    const work = (rules: number, count: number) => {
      const configured = configuration(rules);
      return Array.from({ length: count }, (_, index) => {
        const { signal, looks } = counted(aSignal({ key: `K8S_T${index}_x`, baseKey: `K8S_T${index}_x` }));
        const matched = decide(signal, configured).length;
        expect(matched).toBe(index < rules ? 1 : 0);
        return looks();
      }).reduce((sum, looks) => sum + looks, 0);
    };
    // Kind and key (with its second spelling) tell all but one rule apart; only that one is looked at whole.
    const whole = 12;
    expect(work(1000, 1000)).toBeLessThanOrEqual(1000 * (1000 * 3 + whole));
    expect(work(100, 10)).toBeLessThanOrEqual(10 * (100 * 3 + whole));
  });
});

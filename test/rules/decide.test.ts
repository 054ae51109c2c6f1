import { describe, expect, it } from "vitest";
import { MODES } from "../../src/model/mode.ts";
import type { Signal } from "../../src/model/signal.ts";
import { type Configuration, decide, decideLater, explain } from "../../src/rules/index.ts";
import { aSignal, CLUSTER, OTHER_CLUSTER, withRules } from "./rule-fixtures.ts";

function decided(signal: Signal, configuration: Configuration): string[] {
  return decide(signal, configuration).map(({ playbook, rule }) => `${rule.name}/${playbook}`);
}

function decidedLater(signal: Signal, configuration: Configuration): string[] {
  return decideLater(signal, configuration).map(({ playbook, rule }) => `${rule.name}/${playbook}`);
}

describe("decide", () => {
  it("keeps the order of the file and of each rule's list", () => {
    const configuration = withRules(
      "{ name: b, when: { kind: alert }, playbooks: [{ name: scale-to-zero }, { name: isolate-pod }] }",
      "{ name: x, when: { kind: finding }, playbooks: [{ name: block-image }] }",
      "{ name: a, when: { severity: High }, playbooks: [{ name: notify }, { name: block-image }] }",
    );
    expect(decided(aSignal(), configuration)).toEqual([
      "b/scale-to-zero",
      "b/isolate-pod",
      "a/notify",
      "a/block-image",
    ]);
  });

  it("lets the first matching rule decide for a playbook, and later rules for the others", () => {
    const configuration = withRules(
      "{ name: none, when: { kind: finding }, playbooks: [{ name: notify }] }",
      "{ name: first, when: { kind: alert }, playbooks: [{ name: notify }] }",
      "{ name: second, when: { kind: alert }, playbooks: [{ name: isolate-pod }, { name: notify }] }",
    );
    expect(decided(aSignal(), configuration)).toEqual(["first/notify", "second/isolate-pod"]);
  });

  it("lets a later rule decide for the clusters that no earlier rule names", () => {
    const block = (name: string, clusters: string) =>
      `{ name: ${name}, when: { kind: alert }, playbooks: [{ name: block-image, with: { clusters: ${clusters} } }] }`;
    const configuration = withRules(
      block("a", "[spare]"),
      block("b", "[prod, spare]"),
      block("c", "same"),
      block("d", "[prod, spare]"),
      block("e", "same"),
    );
    expect(decide(aSignal(), configuration).map(({ rule, clusters }) => [rule.name, clusters])).toEqual([
      ["a", [OTHER_CLUSTER]],
      ["b", [CLUSTER]],
      ["c", null],
    ]);
    const told = explain(aSignal(), configuration).map(({ playbooks: [playbook] }) => playbook);
    expect(told.map((playbook) => [playbook?.clusters, playbook?.decidedBy])).toEqual([
      [[OTHER_CLUSTER], null],
      [[CLUSTER], null],
      [null, null],
      [[CLUSTER, OTHER_CLUSTER], "b"],
      [null, "c"],
    ]);
  });

  it("passes by a rule that is off, which then shadows nothing", () => {
    const configuration = withRules(
      "{ name: first, mode: off, when: { kind: alert }, playbooks: [{ name: notify }] }",
      "{ name: second, when: { kind: alert }, playbooks: [{ name: notify }] }",
    );
    expect(decided(aSignal(), configuration)).toEqual(["second/notify"]);
  });

  it("lowers each mode to the ceiling and keeps the rule's own beside it", () => {
    for (const [ceilingRank, ceiling] of MODES.entries()) {
      for (const [rank, mode] of MODES.entries()) {
        const rule = `{ name: r, mode: ${mode}, when: { kind: alert }, playbooks: [{ name: isolate-pod }] }`;
        const configuration: Configuration = { ...withRules(rule), ceiling };
        const lowest = MODES[Math.min(rank, ceilingRank)];
        expect(
          decide(aSignal(), configuration).map((decision) => [decision.rule.mode, decision.mode]),
        ).toEqual(lowest === "off" ? [] : [[mode, lowest]]);
      }
    }
  });

  it("matches labels only with the facts that it is given", () => {
    const configuration = withRules(
      "{ name: r, when: { labels: { app: web } }, playbooks: [{ name: isolate-pod }] }",
    );
    expect(decide(aSignal(), configuration)).toEqual([]);
    expect(decide(aSignal(), configuration, { labels: { app: "web" } })).toHaveLength(1);
  });
});

describe("decideLater", () => {
  const resolved = (overrides: Partial<Signal> = {}) =>
    aSignal({ status: "Resolved", notActionable: "resolved", ...overrides });
  const one = (when: string) => withRules(`{ name: r, when: ${when}, playbooks: [{ name: isolate-pod }] }`);

  it("finds what an open record of the same thing would have matched", () => {
    const configuration = one("{ kind: alert, severity: High, namespace: shop }");
    expect(decided(resolved(), configuration)).toEqual([]);
    for (const reason of ["deleted", "healthy", "exempt", "resolved"] as const) {
      expect(decidedLater(aSignal({ notActionable: reason }), configuration)).toEqual(["r/isolate-pod"]);
    }
  });

  it("is empty for a record that is still open", () => {
    const configuration = one("{ kind: alert }");
    for (const reason of [null, "sample", "snapshot", "pattern", "ambiguous", "not a resource"] as const) {
      expect(decidedLater(aSignal({ notActionable: reason }), configuration)).toEqual([]);
    }
  });

  it.each([
    ["{ status: New }", true],
    ["{ status: [Active, InProgress] }", true],
    ["{ not: { status: Resolved } }", true],
    ["{ not: { not: { status: New } } }", true],
    ["{ any: [{ status: New }, { kind: finding }] }", true],
    ["{ not: { status: Resolved, namespace: shop } }", true],
    ["{ all: [{ status: New }, { kind: finding }] }", false],
    ["{ kind: finding }", false],
    ["{ not: { kind: alert } }", false],
    ["{ namespace: lab }", false],
    ["{ sample: true }", false],
  ])("takes the clauses about status in %s as true: %s", (when, found) => {
    expect(decidedLater(resolved(), one(when)).length === 1).toBe(found);
  });

  it.each([
    ["{ severity: High }", { severity: null }, true],
    ["{ severity: High }", { severity: "Low" }, false],
    ["{ not: { severity: High } }", { severity: null }, true],
    ["{ not: { severity: High } }", { severity: "High" }, false],
    ["{ namespace: shop }", { namespace: null }, true],
    ["{ labels: { app: web } }", {}, true],
    ["{ finding: { cvss: { atLeast: 7 } } }", {}, true],
    ["{ tactics: Impact }", { tactics: [] }, true],
  ] as const)("takes %s as true where the record no longer says it (%j): %s", (when, overrides, found) => {
    expect(decidedLater(resolved(overrides), one(when)).length === 1).toBe(found);
  });

  it("tells every rule that matches, since any of them may have decided then", () => {
    const configuration = withRules(
      "{ name: a, when: { kind: alert }, playbooks: [{ name: isolate-pod }] }",
      "{ name: off, mode: off, when: { kind: alert }, playbooks: [{ name: notify }] }",
      "{ name: b, when: { severity: High }, playbooks: [{ name: isolate-pod }] }",
    );
    expect(decidedLater(resolved(), configuration)).toEqual(["a/isolate-pod", "b/isolate-pod"]);
  });

  it("does not count samples and snapshots that no rule names", () => {
    const configuration = one("{ kind: alert }");
    expect(decidedLater(resolved({ isSample: true }), configuration)).toEqual([]);
    expect(decidedLater(resolved({ isSnapshot: true }), configuration)).toEqual([]);
  });
});

import { describe, expect, it } from "vitest";
import { decide, decideLater, enabledPlaybooks, explain } from "../../src/rules/index.ts";
import { aSignal, configured, withRules } from "./rule-fixtures.ts";

const LADDER =
  "{ name: r, ttl: 8h, when: { kind: alert }, playbooks: [{ name: isolate-pod, rungs: [{ name: scale-to-zero, ttl: 2h }, { name: block-image, with: { limit: 3 } }] }] }";

describe("the rungs of a rule", () => {
  it("go with the decision, in their order, each with its parameters and its own end or that of the rule", () => {
    const decisions = decide(aSignal(), withRules(LADDER));
    expect(decisions.map(({ playbook }) => playbook)).toEqual(["isolate-pod"]);
    expect(decisions[0]?.rule.rungs).toEqual([
      { playbook: "scale-to-zero", ttlMs: 7_200_000, parameters: {} },
      { playbook: "block-image", ttlMs: 28_800_000, parameters: { limit: 3 } },
    ]);
  });

  it("are playbooks that the file enables, so that their rights are asked for", () => {
    expect([...enabledPlaybooks(withRules(LADDER))].toSorted()).toEqual([
      "block-image",
      "isolate-pod",
      "scale-to-zero",
    ]);
    expect([...enabledPlaybooks(withRules(LADDER.replace("name: r,", "name: r, mode: off,")))]).toEqual([]);
  });

  it("are found again by what closes the signal", () => {
    const closed = aSignal({ notActionable: "resolved" });
    expect(decideLater(closed, withRules(LADDER)).map(({ playbook }) => playbook)).toEqual([
      "isolate-pod",
      "scale-to-zero",
      "block-image",
    ]);
  });

  it("leave their playbooks to the rules that follow: a rung is not a decision", () => {
    const both = withRules(
      LADDER,
      "{ name: s, when: { kind: alert }, playbooks: [{ name: scale-to-zero }] }",
    );
    expect(decide(aSignal(), both).map(({ playbook, rule }) => `${playbook} by ${rule.name}`)).toEqual([
      "isolate-pod by r",
      "scale-to-zero by s",
    ]);
  });

  it("are told by the explanation", () => {
    expect(explain(aSignal(), withRules(LADDER))[0]?.playbooks[0]?.rungs).toEqual([
      "scale-to-zero",
      "block-image",
    ]);
  });

  it("change the hash of a file only where there are some", () => {
    const plain = LADDER.replace(/, rungs: .*?\] \}\]/, " }]");
    expect(withRules(plain).hash).not.toBe(withRules(LADDER).hash);
    expect(JSON.stringify(configured(`rules: [${plain}]`).content)).not.toContain("rungs");
  });
});

import { describe, expect, it } from "vitest";
import { parseConfiguration } from "../../src/rules/index.ts";
import { DECLARED } from "./rule-fixtures.ts";

const NOW = new Date("2026-03-02T08:00:00Z");

function warnings(text: string, now: Date | null = NOW): { line: number; column: number; message: string }[] {
  const parsed = parseConfiguration(text, "f.yaml", DECLARED, now);
  if ("errors" in parsed) throw new Error(JSON.stringify(parsed.errors));
  return parsed.warnings.map(({ line, column, message }) => ({ line, column, message }));
}

const rule = (parts: string) =>
  `channels: [{ name: c, kind: teams, urlSetting: T }]\nrules:\n  - { name: r, when: { kind: alert }, ${parts} }\n`;
const ACTS = "playbooks: [{ name: isolate-pod, ttl: 8h }]";

describe("a warning", () => {
  it.each([
    ["approve", "approval"],
    ["enforce", "what it did"],
  ])("tells of a rule that may %s and tells nobody, where its mode stands", (mode, what) => {
    const text = rule(`mode: ${mode}, ${ACTS}`);
    expect(warnings(text)).toEqual(
      [
        { line: 3, column: text.split("\n")[2]?.indexOf(mode) ?? 0, message: expect.stringContaining(what) },
      ].map((one) => ({ ...one, column: one.column + 1 })),
    );
  });

  it.each([
    `mode: observe, ${ACTS}`,
    `mode: off, ${ACTS}`,
    `mode: enforce, notify: [c], ${ACTS}`,
    "mode: enforce, playbooks: [{ name: notify }]",
  ])("is not given where somebody hears, or nothing is done: %s", (parts) => {
    expect(warnings(rule(parts))).toEqual([]);
  });

  it("tells of a rule that asks for labels where a cluster is reached by run command", () => {
    const clusters = (connect: string): string =>
      `clusters: [{ name: far, id: /subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/far, connect: ${connect} }]\n`;
    const asks = (connect: string, labels: string): string =>
      `${clusters(connect)}channels: [{ name: c, kind: teams, urlSetting: T }]\nrules:\n  - { name: r, when: { kind: alert${labels} }, notify: [c], ${ACTS} }\n`;
    const both = "[{ aks: entra }, { runCommand: true }]";
    const labels = ', labels: { app: "web*" }';
    expect(warnings(asks(both, labels))).toEqual([
      { line: 4, column: 22, message: expect.stringContaining("no such clause holds on far") },
    ]);
    expect(warnings(asks(both, ""))).toEqual([]);
    expect(warnings(asks("{ aks: entra }", labels))).toEqual([]);
  });

  it("points at the window that raises a rule", () => {
    const windows = 'windows: [{ from: "20:00", to: "06:00", timezone: UTC, mode: enforce }]';
    const [one, ...more] = warnings(rule(`mode: observe, ${ACTS}, ${windows}`));
    expect(more).toEqual([]);
    expect(one?.message).toMatch(/^rules\[0\]\.windows\[0\]\.mode: rule r can enforce/);
  });

  it("tells of a containment that is enforced without an end", () => {
    const [one, ...more] = warnings(
      rule(
        "mode: enforce, notify: [c], playbooks: [{ name: isolate-pod }, { name: scale-to-zero, ttl: 1h }, { name: notify }]",
      ),
    );
    expect(more).toEqual([]);
    expect(one?.message).toContain("enforces isolate-pod without an end; give it a ttl");
    expect(warnings(rule("mode: enforce, ttl: 1h, notify: [c], playbooks: [{ name: isolate-pod }]"))).toEqual(
      [],
    );
    expect(warnings(rule("mode: approve, notify: [c], playbooks: [{ name: isolate-pod }]"))).toEqual([]);
  });

  it.each([
    ["2026-03-01", "has ended"],
    ["2026-03-02T08:00:00Z", "has ended"],
    ["2027-03-10", "more than a year"],
  ])("tells of an exception until %s", (until, message) => {
    expect(
      warnings(
        `exceptions: [{ name: e, owner: "the team", reason: r, until: '${until}', playbook: notify }]`,
      ),
    ).toEqual([{ line: 1, column: 62, message: expect.stringContaining(message) }]);
  });

  it("is not given for an exception that holds, nor where nobody says what time it is", () => {
    const until = (day: string) =>
      `exceptions: [{ name: e, owner: o, reason: r, until: ${day}, playbook: notify }]`;
    expect(warnings(until("2026-03-02"))).toEqual([]);
    expect(warnings(until("2027-03-01"))).toEqual([]);
    expect(warnings(until("2020-01-01"), null)).toEqual([]);
  });

  it("stands in the order of the file", () => {
    const text = `exceptions: [{ name: e, owner: o, reason: r, until: 2020-01-01, playbook: notify }]\n${rule(
      "mode: enforce, playbooks: [{ name: isolate-pod }]",
    )}`;
    expect(warnings(text).map(({ line }) => line)).toEqual([1, 4, 4]);
  });
});

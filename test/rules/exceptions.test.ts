import { describe, expect, it } from "vitest";
import type { ScopeEntry } from "../../src/model/rule.ts";
import { exceptionFor } from "../../src/rules/index.ts";
import { CLUSTER, configured } from "./rule-fixtures.ts";

const OF = { rule: "miner", playbook: "isolate-pod", key: "K8S.NODE_CryptoCoinMinerExecution" };
const NOW = new Date("2026-03-02T08:00:00Z");

function exceptions(...written: readonly string[]) {
  return configured(`
clusters: [{ name: prod, id: ${CLUSTER}, connect: { kubeconfig: k } }]
exceptions:
${written.map((parts, index) => `  - { name: e${index}, owner: o, reason: r, ${parts} }`).join("\n")}
rules:
  - { name: miner, when: { kind: alert }, playbooks: [{ name: isolate-pod }] }
  - { name: other, when: { kind: alert }, playbooks: [{ name: notify }] }
`).exceptions;
}

function found(
  written: string | readonly string[],
  of: Partial<typeof OF> | { key: null } = {},
  matchesWhere: (entry: ScopeEntry) => boolean = () => false,
  now = NOW,
): string | null {
  const all = exceptions(...(typeof written === "string" ? [written] : written));
  return exceptionFor(all, { ...OF, ...of }, matchesWhere, now)?.name ?? null;
}

describe("an exception", () => {
  it.each([
    ["rule: miner", {}, "e0"],
    ["rule: miner", { rule: "other" }, null],
    ["playbook: isolate-pod", {}, "e0"],
    ["playbook: isolate-pod", { playbook: "notify" }, null],
    ["key: 'K8S.NODE_cryptocoinminer*'", {}, "e0"],
    ["key: 'K8S.NODE_Crypto'", {}, null],
    ["key: '**'", { key: null }, null],
    ["rule: miner, playbook: notify", {}, null],
    ["rule: miner, playbook: isolate-pod, key: 'K8S*'", {}, "e0"],
  ])("covers what all of its parts name: %s on %j is %s", (parts, of, name) => {
    expect(found(`until: 2026-12-31, ${parts}`, of)).toBe(name);
  });

  it.each([
    ["2026-03-01", "2026-03-01T23:59:59.999Z", "e0"],
    ["2026-03-01", "2026-03-02T00:00:00Z", null],
    ["2026-03-02T09:00:00+01:00", "2026-03-02T07:59:59.999Z", "e0"],
    ["2026-03-02T09:00:00+01:00", "2026-03-02T08:00:00Z", null],
    ["2024-02-29", "2024-02-29T12:00:00Z", "e0"],
  ])("until %s holds at %s: %s", (until, now, name) => {
    expect(found(`until: '${until}', rule: miner`, {}, undefined, new Date(now))).toBe(name);
  });

  it("asks about the target where it names one, and only when all else fits", () => {
    const asked: ScopeEntry[] = [];
    const where = (held: boolean) => (entry: ScopeEntry) => {
      asked.push(entry);
      return held;
    };
    const written = "until: 2026-12-31, rule: miner, where: { cluster: prod, namespace: lab }";
    expect(found(written, {}, where(true))).toBe("e0");
    expect(found(written, {}, where(false))).toBeNull();
    expect(asked).toEqual([
      { cluster: CLUSTER, namespace: "lab" },
      { cluster: CLUSTER, namespace: "lab" },
    ]);
    expect(found(written, { rule: "other" }, where(true))).toBeNull();
    expect(found(written.replace("2026-12-31", "2026-01-31"), {}, where(true))).toBeNull();
    expect(asked).toHaveLength(2);
  });

  it("is the first of those that cover it", () => {
    const written = [
      "until: 2026-01-01, rule: miner",
      "until: 2026-12-31, rule: other",
      "until: 2026-12-31, rule: miner",
    ];
    expect(found([...written, "until: 2026-12-31, playbook: isolate-pod"])).toBe("e2");
  });
});

import { describe, expect, it } from "vitest";
import { isInRange, overlap } from "../../src/playbooks/cidr.ts";
import { isCovered } from "../../src/playbooks/egress-rule.ts";
import { figure, SEED } from "../long/long.ts";
import { createRandom } from "../store/schedule-choices.ts";
import { connectionsLeft, type WirePolicy } from "./brute-force-policies.ts";
import { RandomPolicies, WORLD } from "./random-policies.ts";

type Rule = NonNullable<WirePolicy["spec"]["egress"]>[number];

const passage = ({ to, ports }: Rule) => ({ peers: to ?? [], ports: ports ?? [] });
/** The connections that these rules let out of a pod, by trying all. */
const letOut = (egress: readonly Rule[]): Set<string> =>
  connectionsLeft(
    {},
    [{ name: "rules", spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"], egress } }],
    WORLD,
  );

describe("a rule that is covered by others", () => {
  it("lets nothing through that they do not", { timeout: 300_000 }, () => {
    const make = new RandomPolicies(createRandom(SEED));
    let [covered, looked] = [0, 0];
    for (let at = 0; at < figure(100_000, 8_000); at += 1) {
      const rules = make.policies().flatMap(({ spec }) => spec.egress ?? []);
      const [rule, ...others] = rules;
      if (rule === undefined) continue;
      looked += 1;
      if (!isCovered(passage(rule), others.map(passage))) continue;
      covered += 1;
      const all = letOut(others);
      expect([...letOut([rule])].filter((one) => !all.has(one))).toEqual([]);
    }
    expect(covered / looked).toBeGreaterThan(0.05);
  });

  it("is covered by itself, and by a rule for everything", () => {
    const make = new RandomPolicies(createRandom(SEED + 1));
    const plain = make.policies().flatMap(({ spec }) => spec.egress ?? []);
    for (const rule of plain) expect(isCovered(passage(rule), [{ peers: [], ports: [] }])).toBe(true);
    const own = {
      peers: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }],
      ports: [{ port: "http" }],
    };
    expect(isCovered(own, [own])).toBe(true);
    expect(isCovered({ peers: [], ports: [] }, [own])).toBe(false);
  });

  it.each([
    [{ port: 80 }, { port: 79, endPort: 81 }, true],
    [{ port: 80, endPort: 82 }, { port: 79, endPort: 81 }, false],
    [{ port: 80 }, { protocol: "UDP", port: 80 }, false],
    [{ port: "http" }, { port: "http" }, true],
    [{ port: "http" }, { port: 80 }, false],
    [{}, { protocol: "TCP" }, true],
    [{}, { port: 80 }, false],
  ])("compares ports: %j in %j is %s", (inner, outer, is) => {
    expect(isCovered({ peers: [], ports: [inner] }, [{ peers: [], ports: [outer] }])).toBe(is);
  });
});

describe("ranges of addresses", () => {
  it.each([
    ["10.1.0.0/16", "10.0.0.0/8", true],
    ["10.0.0.0/8", "10.1.0.0/16", false],
    ["10.0.0.0/8", "0.0.0.0/0", true],
    ["169.254.169.254/32", "169.254.0.0/16", true],
    ["2001:db8:1::/48", "2001:db8::/32", true],
    ["2001:db8::/32", "::/0", true],
    ["10.0.0.0/8", "::/0", false],
    ["::/0", "0.0.0.0/0", false],
    ["10.0.0.0/33", "0.0.0.0/0", false],
    ["10.0.0/8", "0.0.0.0/0", false],
    ["10.0.0.0", "0.0.0.0/0", false],
  ])("%s in %s: %s", (inner, outer, is) => {
    expect(isInRange(inner, outer)).toBe(is);
  });

  it("overlap where one is in the other, and where one cannot be read", () => {
    expect(overlap("10.0.0.0/8", "10.1.0.0/16")).toBe(true);
    expect(overlap("10.1.0.0/16", "10.0.0.0/8")).toBe(true);
    expect(overlap("10.0.0.0/8", "11.0.0.0/8")).toBe(false);
    expect(overlap("nonsense", "11.0.0.0/8")).toBe(true);
  });
});

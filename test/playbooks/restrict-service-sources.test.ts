import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { valueAt } from "../../local/kubernetes/json-value.ts";
import { Conflict } from "../../src/model/errors.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { restrictServiceSources } from "../../src/playbooks/restrict-service-sources.ts";
import { holdsRange, isSourceRange } from "../../src/playbooks/source-range.ts";
import { CLUSTER } from "./cluster-objects.ts";
import { service } from "./rights-objects.ts";
import { startCluster as start } from "./start-cluster.ts";

const ID = "a-1";
const target = { kind: "service", cluster: CLUSTER, namespace: "shop", name: "web" } as const;

type Ports = Awaited<ReturnType<typeof start>>["ports"];

function propose(ports: Ports, parameters: unknown = {}) {
  return restrictServiceSources.plan({ target, parameters, remediationId: ID }, ports);
}

async function planOf(ports: Ports, parameters: unknown = {}): Promise<Plan> {
  const outcome = await propose(ports, parameters);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, { remediationId: ID, playbook: restrictServiceSources.name, target });
}

function ranges(cluster: KubernetesStandIn): unknown {
  return valueAt(cluster.read("services", "shop", "web"), "spec", "loadBalancerSourceRanges");
}

describe("what it is asked", () => {
  it.each([
    "0.0.0.0/0",
    "::/0",
    "10.0.0.1/8",
    "10.0.0.0",
    "10.0.0.0/33",
    "010.0.0.0/8",
    "10.0.0/8",
    "10.0.0.0/08",
    "x",
    "",
  ])("takes no %j", (range) => {
    expect(restrictServiceSources.parameters.safeParse({ ranges: [range] }).success).toBe(false);
  });

  it("takes ranges of both kinds, and no empty list, which would admit everybody", () => {
    const both = { ranges: ["203.0.113.0/24", "2001:db8:1::/48", "::ffff:10.0.0.0/104"] };
    expect(restrictServiceSources.parameters.parse(both)).toEqual(both);
    expect(restrictServiceSources.parameters.safeParse({ ranges: [] }).success).toBe(false);
    expect(restrictServiceSources.parameters.parse({})).toEqual({
      ranges: ["192.0.2.0/32", "2001:db8::/128"],
    });
  });
});

describe("ranges of addresses", () => {
  const octets = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 });
  const value = (parts: readonly number[]) => parts.reduce((sum, part) => sum * 256 + part, 0);

  it("are ranges exactly where no bit is set beyond the prefix, and hold what agrees in theirs", () => {
    fc.assert(
      fc.property(
        octets,
        octets,
        fc.integer({ min: 0, max: 32 }),
        fc.integer({ min: 0, max: 32 }),
        (a, b, p, q) => {
          const size = (prefix: number) => 2 ** (32 - prefix);
          const [one, other] = [`${a.join(".")}/${p}`, `${b.join(".")}/${q}`];
          expect(isSourceRange(one)).toBe(value(a) % size(p) === 0);
          const both = isSourceRange(one) && isSourceRange(other);
          const within = value(b) >= value(a) && value(b) + size(q) <= value(a) + size(p);
          expect(holdsRange(one, other)).toBe(both && within);
        },
      ),
    );
    expect(holdsRange("10.0.0.0/8", "10.1.0.0/16")).toBe(true);
  });

  it("of six bytes and four are never within each other", () => {
    expect(holdsRange("::/1", "10.0.0.0/8")).toBe(false);
    expect(holdsRange("2001:db8::/32", "2001:db8:1::/48")).toBe(true);
    expect(holdsRange("2001:db8::/32", "2001:db9::/48")).toBe(false);
    expect(holdsRange("nothing", "nothing")).toBe(false);
  });
});

describe("what is not restricted", () => {
  it.each(["ClusterIP", "NodePort"])("skips a service of type %s, and says what would help", async (type) => {
    const { cluster, ports } = await start([service("web", { type })]);
    expect(await propose(ports)).toMatchObject({
      outcome: "skip",
      reason: expect.stringContaining("network policies"),
    });
    expect(cluster.effects).toEqual([]);
  });

  it("never lets anybody in who was kept out before", async () => {
    const { ports } = await start([service("web", { loadBalancerSourceRanges: ["203.0.113.0/25"] })]);
    expect(await propose(ports, { ranges: ["203.0.113.0/24"] })).toMatchObject({
      outcome: "skip",
      reason: expect.stringContaining("does not admit 203.0.113.0/24 now"),
    });
    expect(await propose(ports, { ranges: ["203.0.113.64/26"] })).toMatchObject({ outcome: "change" });
    expect(await propose(ports)).toMatchObject({ outcome: "change" });
  });

  it("has nothing to do where only these are admitted, and overwrites no other label", async () => {
    const only = { loadBalancerSourceRanges: ["203.0.113.0/24"] };
    const { cluster, ports } = await start([service("web", only)]);
    expect(await propose(ports, { ranges: ["203.0.113.0/24"] })).toMatchObject({ outcome: "no-op" });
    cluster.seed([service("web", {}, { labels: { [INCIDENT_LABEL]: "b-2" } })]);
    expect(await propose(ports)).toMatchObject({ outcome: "skip", reason: expect.stringContaining("b-2") });
  });
});

describe("restricting", () => {
  it("is one change; without ranges nobody comes in, and taken back everybody does, as before", async () => {
    const { cluster, ports } = await start([service("web")]);
    const plan = await planOf(ports);
    expect(plan.steps[0]?.before).toMatchObject({
      type: "LoadBalancer",
      ports: ["443/TCP"],
      loadBalancerSourceRanges: null,
    });
    await restrictServiceSources.apply(plan, ports);
    expect(cluster.effects).toHaveLength(1);
    expect(ranges(cluster)).toEqual(["192.0.2.0/32", "2001:db8::/128"]);
    expect(await restrictServiceSources.verify(plan, ports)).toEqual({ verdict: "holds", proof: "declared" });
    await restrictServiceSources.revert(plan, ports);
    expect(valueAt(cluster.read("services", "shop", "web"), "spec")).not.toHaveProperty(
      "loadBalancerSourceRanges",
    );
  });

  it("is partial where an annotation or an external address lets others in, and says so before", async () => {
    const annotations = { "service.beta.kubernetes.io/azure-allowed-service-tags": "Internet" };
    const { ports } = await start([
      service("web", { externalIPs: ["198.51.100.9"] }, { annotations, labels: { team: "x" } }),
    ]);
    const plan = await planOf(ports);
    expect(plan.limits.join()).toContain("azure-allowed-service-tags");
    await restrictServiceSources.apply(plan, ports);
    expect(await restrictServiceSources.verify(plan, ports)).toEqual({
      verdict: "partial",
      remains: [
        "Service shop/web is still reached by what its annotation service.beta.kubernetes.io/azure-allowed-service-tags admits.",
        "Service shop/web is still reached by the external address 198.51.100.9.",
      ],
    });
  });

  it("says which node ports stay open, and what network policies are for", async () => {
    const { ports } = await start([
      service("web", { ports: [{ port: 443, protocol: "TCP", nodePort: 31443 }] }),
    ]);
    const said = (await planOf(ports)).limits.join("\n");
    expect(said).toContain("443/TCP (node port 31443)");
    expect(said).toContain("network policies");
  });

  it("leaves alone what somebody changed between plan and change", async () => {
    const { cluster, ports } = await start([service("web")]);
    const plan = await planOf(ports);
    cluster.seed([service("web", { loadBalancerSourceRanges: ["198.51.100.0/24"] })]);
    cluster.clear();
    await expect(restrictServiceSources.apply(plan, ports)).rejects.toThrow(Conflict);
    await expect(restrictServiceSources.revert(plan, ports)).rejects.toThrow(Conflict);
    expect(cluster.effects).toEqual([]);
  });
});

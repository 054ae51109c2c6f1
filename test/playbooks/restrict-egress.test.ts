import { afterEach, describe, expect, it } from "vitest";
import { Conflict } from "../../src/model/errors.ts";
import { EGRESS_LABEL, INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { keepListSchema } from "../../src/playbooks/egress-keep-list.ts";
import { restrictEgress } from "../../src/playbooks/restrict-egress.ts";
import { pod, policy } from "./cluster-objects.ts";
import { ID, type NetworkBench, networkBench } from "./network-bench.ts";

const OWN = `reflex-egress-${ID}`;
const open: NetworkBench[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ cluster }) => cluster.close()));
});

async function planned(objects: readonly object[], parameters: object): Promise<NetworkBench> {
  const b = await networkBench(restrictEgress, objects, parameters);
  open.push(b);
  return b;
}

/** The rules of our policy as the cluster holds them. */
function rulesOf({ cluster }: NetworkBench): unknown {
  return (cluster.read("networkpolicies", "shop", OWN)?.["spec"] as { egress?: unknown } | undefined)?.egress;
}

const web = pod("web-1", { metadata: { labels: { app: "web", tier: "front" } } });
const egress = (name: string, podSelector: object, ...rules: object[]): object =>
  policy(name, { podSelector, policyTypes: ["Egress"], egress: rules });
const toCidr = (cidr: string, except?: string[]) => ({
  to: [{ ipBlock: { cidr, ...(except === undefined ? {} : { except }) } }],
});

describe("what is kept", () => {
  it("is what was listed, and the metadata service in no case", async () => {
    const keep = [
      { cidr: "0.0.0.0/0", ports: [{ port: 443 }] },
      { cidr: "169.254.0.0/16" },
      { cidr: "10.1.0.0/16", ports: [{ protocol: "UDP", port: 5000, endPort: 5010 }] },
      { cidr: "2001:db8::/32" },
      { namespaces: { team: "db" }, pods: { app: "db" }, ports: [{ port: 5432 }] },
      { pods: {} },
    ];
    const b = await planned([web], { dns: false, keep });
    await restrictEgress.apply(b.plan, b.ports);
    expect(rulesOf(b)).toEqual([
      { ...toCidr("0.0.0.0/0", ["169.254.169.254/32"]), ports: [{ protocol: "TCP", port: 443 }] },
      toCidr("169.254.0.0/16", ["169.254.169.254/32"]),
      { ...toCidr("10.1.0.0/16"), ports: [{ protocol: "UDP", port: 5000, endPort: 5010 }] },
      toCidr("2001:db8::/32"),
      {
        to: [
          {
            namespaceSelector: { matchLabels: { team: "db" } },
            podSelector: { matchLabels: { app: "db" } },
          },
        ],
        ports: [{ protocol: "TCP", port: 5432 }],
      },
      { to: [{ podSelector: {} }] },
    ]);
    expect(await restrictEgress.verify(b.plan, b.ports)).toEqual({ verdict: "holds", proof: "declared" });
    expect(b.plan.limits).toContain(
      "Egress to 10.1.0.0/16 on UDP 5000-5010 stays allowed, by the list that is kept.",
    );
  });

  it("is name resolution unless that is denied, and the plan says what it leaves", async () => {
    const b = await planned([web], {});
    await restrictEgress.apply(b.plan, b.ports);
    expect(JSON.stringify(rulesOf(b))).toMatch(
      /"port":53,.*kube-dns.*169\.254\.10\.10\/32.*"port":5353,.*openshift-dns/,
    );
    expect(b.plan.limits).toContainEqual(expect.stringContaining("Name resolution stays allowed"));
    const none = await planned([web], { dns: false });
    await restrictEgress.apply(none.plan, none.ports);
    expect(none.cluster.read("networkpolicies", "shop", OWN)?.["spec"]).toEqual({
      podSelector: { matchLabels: { [EGRESS_LABEL]: ID } },
      policyTypes: ["Egress"],
    });
    expect(none.plan.limits.filter((one) => one.includes("Name resolution"))).toEqual([]);
  });

  it("is never more than egress of the pod is allowed already", async () => {
    const present = egress(
      "present",
      { matchLabels: { app: "web" } },
      {
        ...toCidr("10.0.0.0/8", ["10.9.0.0/16"]),
        ports: [{ protocol: "TCP", port: 5432 }],
      },
    );
    const keep = [
      { cidr: "10.1.0.0/16", ports: [{ port: 5432 }, { port: 80 }] },
      { cidr: "10.9.1.0/24", ports: [{ port: 5432 }] },
      { cidr: "192.0.2.0/24" },
      { pods: { app: "db" } },
    ];
    const b = await planned([web, present], { dns: false, keep });
    expect(b.plan.data).toMatchObject({
      egress: [{ ...toCidr("10.1.0.0/16"), ports: [{ protocol: "TCP", port: 5432 }] }],
      removed: { app: "web" },
    });
    expect(b.plan.limits.filter((one) => one.includes("is not kept in full"))).toHaveLength(4);
    await restrictEgress.apply(b.plan, b.ports);
    expect(await restrictEgress.verify(b.plan, b.ports)).toMatchObject({ verdict: "holds" });
  });

  it.each<[string, object, RegExp]>([
    ["the metadata service itself", { keep: [{ cidr: "169.254.169.254/32" }] }, /metadata service/],
    ["no range", { keep: [{ cidr: "10.0.0.0/33" }] }, /cidr/i],
    ["a range in a disguise", { keep: [{ cidr: "::ffff:a9fe:a9fe/128" }] }, /IPv4 range/],
    ["both a range and pods", { keep: [{ cidr: "10.0.0.0/8", pods: {} }] }, /wants either/],
    ["neither", { keep: [{ ports: [{ port: 80 }] }] }, /wants either/],
    [
      "ports from high to low",
      { keep: [{ pods: {}, ports: [{ port: 80, endPort: 79 }] }] },
      /endPort is below/,
    ],
    ["port 0", { keep: [{ pods: {}, ports: [{ port: 0 }] }] }, /port/],
    ["another word", { allow: [] }, /allow/],
    ["too much", { keep: Array.from({ length: 21 }, () => ({ pods: {} })) }, /keep/],
  ])("cannot be %s", (_what, parameters, message) => {
    const parsed = keepListSchema.safeParse(parameters);
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error?.issues)).toMatch(message);
  });
});

describe("what other policies let out", () => {
  it("goes with the labels by which they do, unless ingress would change with them", async () => {
    const own = egress("out", { matchLabels: { tier: "front" } }, {});
    const b = await planned([web, own], { dns: false });
    expect(b.plan.data).toMatchObject({ removed: { tier: "front" } });

    const both = policy("both", {
      podSelector: { matchLabels: { tier: "front" } },
      ingress: [{}],
      egress: [{}],
    });
    const kept = await planned([web, both], { dns: false });
    expect(kept.plan.data).toMatchObject({ removed: {} });
    await restrictEgress.apply(kept.plan, kept.ports);
    expect(await restrictEgress.verify(kept.plan, kept.ports)).toEqual({
      verdict: "partial",
      remains: ["Network policy shop/both still allows egress to everywhere on all ports (rule 1)."],
    });
  });

  it("is no more than the list where the list covers it, and is listed rule by rule where not", async () => {
    const objects = [
      web,
      egress(
        "mixed",
        {},
        { ...toCidr("10.1.2.0/24"), ports: [{ port: 443 }] },
        toCidr("10.1.3.0/24"),
        toCidr("169.254.169.254/32"),
        { to: [{ ipBlock: { cidr: "10.1.4.0/24" } }, { podSelector: {} }], ports: [{ port: 443 }] },
      ),
    ];
    const b = await planned(objects, { dns: false, keep: [{ cidr: "10.1.2.0/23", ports: [{ port: 443 }] }] });
    await restrictEgress.apply(b.plan, b.ports);
    expect(await restrictEgress.verify(b.plan, b.ports)).toEqual({
      verdict: "partial",
      remains: [
        "Network policy shop/mixed still allows egress to 10.1.3.0/24 on all ports (rule 2).",
        "Network policy shop/mixed still allows egress to 169.254.169.254/32 on all ports (rule 3).",
        "Network policy shop/mixed still allows egress to 10.1.4.0/24 and pods of any label of its namespace on TCP 443 (rule 4).",
      ],
    });
    const covered = await planned(objects, {
      dns: false,
      keep: [{ cidr: "10.1.2.0/24", ports: [{ port: 443 }] }],
    });
    await restrictEgress.apply(covered.plan, covered.ports);
    const found = await restrictEgress.verify(covered.plan, covered.ports);
    expect(found).toMatchObject({
      verdict: "partial",
      remains: [/rule 2/, /rule 3/, /rule 4/].map((one): unknown => expect.stringMatching(one)),
    });
  });

  it("is a conflict where what is to be kept was closed after the plan: nothing is written", async () => {
    const b = await planned([web], { dns: false, keep: [{ cidr: "10.0.0.0/8" }] });
    await b.create("security-team", policy("deny", { podSelector: {}, policyTypes: ["Egress"] }));
    b.cluster.clear();
    await expect(restrictEgress.apply(b.plan, b.ports)).rejects.toThrow(Conflict);
    expect(b.cluster.effects).toEqual([]);
  });
});

describe("a policy of somebody that bears our name", () => {
  it.each<[string, object, Record<string, string>]>([
    ["with more rules", { egress: [{}] }, { [INCIDENT_LABEL]: ID }],
    ["for both directions", { policyTypes: ["Ingress", "Egress"] }, { [INCIDENT_LABEL]: ID }],
    ["that selects others too", { podSelector: {} }, { [INCIDENT_LABEL]: ID }],
    ["without our mark", {}, {}],
  ])("is never changed: %s", async (_what, spec, labels) => {
    const b = await planned([web], { dns: false });
    const foreign = policy(
      OWN,
      { podSelector: { matchLabels: { [EGRESS_LABEL]: ID } }, policyTypes: ["Egress"], ...spec },
      labels,
    );
    b.cluster.seed([foreign]);
    b.cluster.clear();
    const { target } = b.plan;
    await expect(
      restrictEgress.plan({ target, parameters: { dns: false }, remediationId: ID }, b.ports),
    ).rejects.toThrow(Conflict);
    await expect(restrictEgress.apply(b.plan, b.ports)).rejects.toThrow(Conflict);
    await expect(restrictEgress.revert(b.plan, b.ports)).rejects.toThrow(Conflict);
    expect(b.cluster.effects).toEqual([]);
  });
});

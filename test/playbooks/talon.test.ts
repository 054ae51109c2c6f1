import { afterEach, describe, expect, it } from "vitest";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { type EngineWire, saidBefore } from "./brute-force-engines.ts";
import { connectionsLeft, type WirePolicy } from "./brute-force-policies.ts";
import { pod, policy } from "./cluster-objects.ts";
import { calicoCluster } from "./engine-objects.ts";
import { type NetworkBench, networkBench } from "./network-bench.ts";
import { WORLD } from "./random-policies.ts";
import { type TalonPod, talonDeniesByCalico, talonIsolates } from "./talon-model.ts";

const open: NetworkBench[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ cluster }) => cluster.close()));
});

const LABELS = { app: "web", tier: "front", "pod-template-hash": "5f6b7c8d9c" };
const REPLICA = { ...LABELS };
const TALON: TalonPod = { owner: { kind: "Deployment", name: "web" }, labels: LABELS };

/** A namespace as customers have them: who reaches the shop's front, and the names it may look up and the API it calls. */
const POLICIES: readonly WirePolicy[] = [
  {
    name: "web",
    spec: {
      podSelector: { matchLabels: { app: "web" } },
      policyTypes: ["Ingress"],
      ingress: [{ ports: [{ protocol: "TCP", port: 8080 }] }],
    },
  },
  {
    name: "front-calls-out",
    spec: {
      podSelector: { matchLabels: { tier: "front" } },
      policyTypes: ["Egress"],
      egress: [{ to: [{ ipBlock: { cidr: "203.0.113.0/24" } }], ports: [{ protocol: "TCP", port: 443 }] }],
    },
  },
];

/** The same incident through our playbook, on a stand-in; the policies and the labels after it. */
async function ours(): Promise<{
  policies: WirePolicy[];
  labels: Record<string, string>;
  bench: NetworkBench;
}> {
  const bench = await networkBench(isolatePod, [
    pod("web-1", { metadata: { labels: LABELS } }),
    ...POLICIES.map(({ name, spec }) => policy(name, spec)),
  ]);
  open.push(bench);
  await isolatePod.apply(bench.plan, bench.ports);
  const policies = bench.cluster
    .readAll("networkpolicies", "shop")
    .map(({ metadata, ...rest }) => ({ name: metadata.name, spec: rest["spec"] }) as unknown as WirePolicy);
  const labels = bench.cluster.read("pods", "shop", "web-1")?.metadata["labels"] as Record<string, string>;
  return { policies, labels, bench };
}

describe("the same incident through Talon's algorithm and ours", () => {
  it("leaves connections there and none here", async () => {
    const before = connectionsLeft(LABELS, POLICIES, WORLD);
    const there = connectionsLeft(LABELS, talonIsolates(TALON, POLICIES), WORLD);
    const { policies, labels, bench } = await ours();
    const here = connectionsLeft(labels, policies, WORLD);
    const count = (all: ReadonlySet<string>, way: string) =>
      [...all].filter((one) => one.startsWith(way)).length;
    console.log(
      [
        `Connections before: ${count(before, "in ")} in, ${count(before, "out ")} out.`,
        `After Talon's algorithm: ${count(there, "in ")} in, ${count(there, "out ")} out.`,
        `After isolate-pod: ${count(here, "in ")} in, ${count(here, "out ")} out.`,
      ].join(" "),
    );
    expect(count(there, "in ")).toBeGreaterThanOrEqual(count(before, "in "));
    expect(count(there, "out ")).toBe(count(before, "out "));
    expect(there.size).toBeGreaterThan(0);
    expect(here.size).toBe(0);
    expect(await isolatePod.verify(bench.plan, bench.ports)).toMatchObject({ verdict: "holds" });
  });

  it("overwrites a customer's policy there, and none here", async () => {
    const there = talonIsolates(TALON, POLICIES);
    expect(there.find(({ name }) => name === "web")?.spec.ingress).toBeUndefined();
    const { policies } = await ours();
    for (const { name, spec } of POLICIES) {
      expect(policies.find((one) => one.name === name)?.spec).toMatchObject({ ...spec });
    }
  });

  it("reaches every replica there, and one pod here", async () => {
    const made = talonIsolates(TALON, []);
    const free = connectionsLeft(REPLICA, [], WORLD).size;
    expect(connectionsLeft(REPLICA, made, WORLD).size).toBeLessThan(free);
    const { policies } = await ours();
    expect(connectionsLeft(REPLICA, policies, WORLD)).toEqual(connectionsLeft(REPLICA, POLICIES, WORLD));
  });

  it("has no answer for a Job's pod there, and one here", async () => {
    expect(() => talonIsolates({ ...TALON, owner: { kind: "Job", name: "batch" } }, POLICIES)).toThrow(
      "no branch",
    );
    const uid = "0f0f0f0f-1111-4222-8333-777777777777";
    const owner = { apiVersion: "batch/v1", kind: "Job", name: "batch", uid, controller: true };
    const bench = await networkBench(isolatePod, [
      pod("web-1", { metadata: { labels: LABELS, ownerReferences: [owner] } }),
    ]);
    open.push(bench);
    await isolatePod.apply(bench.plan, bench.ports);
    expect(await isolatePod.verify(bench.plan, bench.ports)).toMatchObject({ verdict: "holds" });
  });

  it("opens by Calico what was closed there, and closes everything here", async () => {
    const every = WORLD.everybody.flatMap((_one, who) =>
      ["in", "out"].flatMap((way) =>
        ["TCP", "UDP"].flatMap((protocol) => WORLD.ports.map((port) => `${way} ${who} ${protocol} ${port}`)),
      ),
    );
    const leftBy = (
      labels: Record<string, string>,
      policies: readonly WirePolicy[],
      calico: EngineWire[],
    ) => {
      const left = connectionsLeft(labels, policies, WORLD);
      return every.filter((one) => {
        const said = saidBefore(one, { namespace: "shop", labels }, calico, WORLD.everybody);
        return said === null ? left.has(one) : said === "Allow";
      });
    };
    const outOf = (left: readonly string[]) => left.filter((one) => one.startsWith("out "));
    const before = leftBy(LABELS, POLICIES, []);
    const there = leftBy(LABELS, POLICIES, [talonDeniesByCalico(TALON, "203.0.113.7")]);
    expect(outOf(there).length).toBeGreaterThan(outOf(before).length);
    const bench = await networkBench(
      isolatePod,
      [
        ...calicoCluster(),
        pod("web-1", { metadata: { labels: LABELS } }),
        ...POLICIES.map(({ name, spec }) => policy(name, spec)),
      ],
      { engine: "calico" },
    );
    open.push(bench);
    await isolatePod.apply(bench.plan, bench.ports);
    const calico = bench.cluster.readAll(
      "networkpolicies.projectcalico.org",
      "shop",
    ) as unknown as EngineWire[];
    const labels = bench.cluster.read("pods", "shop", "web-1")?.metadata["labels"] as Record<string, string>;
    expect(labels).toMatchObject(LABELS);
    // By Calico's policy alone, whatever network policies say.
    expect(leftBy(labels, POLICIES, calico)).toEqual([]);
  });
});

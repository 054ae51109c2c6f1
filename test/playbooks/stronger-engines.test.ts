import { afterEach, describe, expect, it } from "vitest";
import { type KubernetesStandIn, startKubernetes } from "../../local/kubernetes/index.ts";
import { Conflict, Permanent, Retryable } from "../../src/model/errors.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import type { Json } from "../../src/model/plan.ts";
import { denyByCalico } from "../../src/playbooks/deny-by-calico.ts";
import { denyByCilium } from "../../src/playbooks/deny-by-cilium.ts";
import { denyByOvn } from "../../src/playbooks/deny-by-ovn.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { ciliumCluster, service } from "./cilium-objects.ts";
import { CLUSTER, pod, policy, portsOf } from "./cluster-objects.ts";
import { adminPolicy, calicoCluster, calicoPolicy, ovnCluster, tier } from "./engine-objects.ts";
import { ID, type NetworkBench, networkBench } from "./network-bench.ts";

const labels = { app: "web", tier: "front" };
const opened: NetworkBench[] = [];
const clusters: KubernetesStandIn[] = [];
afterEach(async () => {
  await Promise.all(
    [...opened.splice(0).map(({ cluster }) => cluster), ...clusters.splice(0)].map((one) => one.close()),
  );
});

const letsPodsIn = policy("pods", {
  podSelector: { matchLabels: { app: "web" } },
  ingress: [{ from: [{ podSelector: {} }] }],
});
const letsOut = policy("out", {
  podSelector: { matchLabels: { app: "web" } },
  policyTypes: ["Egress"],
  egress: [{}],
});
const letsAllIn = policy("in", { podSelector: { matchLabels: { tier: "front" } }, ingress: [{}] });

const OVN = {
  engine: "ovn",
  name: `reflex-deny-${ID}`,
  kind: "adminnetworkpolicies",
  namespace: "",
  path: `/apis/policy.networking.k8s.io/v1alpha1/adminnetworkpolicies/reflex-deny-${ID}`,
  cluster: ovnCluster,
};
const CALICO = {
  engine: "calico",
  name: `default.reflex-deny-${ID}`,
  kind: "networkpolicies.projectcalico.org",
  namespace: "shop",
  path: `/apis/projectcalico.org/v3/namespaces/shop/networkpolicies/default.reflex-deny-${ID}`,
  cluster: calicoCluster,
};

async function planned(
  of: { engine: string; cluster: () => object[] },
  ...more: object[]
): Promise<NetworkBench> {
  const b = await networkBench(
    isolatePod,
    [...of.cluster(), pod("web-1", { metadata: { labels } }), letsPodsIn, letsOut, ...more],
    { engine: of.engine },
  );
  opened.push(b);
  return b;
}

const specIn = (b: NetworkBench, { kind, namespace, name }: typeof OVN): Json | undefined =>
  b.cluster.read(kind, namespace, name)?.["spec"] as Json | undefined;
const labelsOf = (b: NetworkBench) => b.cluster.read("pods", "shop", "web-1")?.metadata["labels"];
const writesOf = ({ cluster }: NetworkBench): string[] =>
  cluster.requests
    .filter(({ method }) => method !== "GET")
    .map(
      ({ method, path }) =>
        `${method} ${path.replace(/^\/apis?\/(?:v1|([^/]+)\/[^/]+)\/(?:namespaces\/shop\/)?/, "$1 ")}`,
    );

describe.each([OVN, CALICO])("isolate-pod with the deny of $engine", (of) => {
  it("keeps the labels by which network policies let pods in and everything out, and is declared", async () => {
    const b = await planned(of, service("front", { tier: "front" }));
    expect(b.plan.data).toMatchObject({ letGoBy: null, deny: { by: of.engine, rank: 0 } });
    expect(b.plan.data).toHaveProperty("removed", {});
    expect(b.plan.limits.join(" ")).not.toMatch(/still allows|loses the pod|own kinds are not read/);
    await isolatePod.apply(b.plan, b.ports);
    expect(labelsOf(b)).toEqual({ ...labels, [INCIDENT_LABEL]: ID });
    // No such engine acknowledges what it enforces for a pod.
    expect(await isolatePod.verify(b.plan, b.ports)).toEqual({ verdict: "holds", proof: "declared" });
  });

  it("makes both policies first and labels the pod last, and takes the label off first", async () => {
    const b = await planned(of);
    await isolatePod.apply(b.plan, b.ports);
    await isolatePod.apply(b.plan, b.ports);
    expect(await isolatePod.revert(b.plan, b.ports)).toEqual({ outcome: "restored" });
    expect(await isolatePod.revert(b.plan, b.ports)).toEqual({ outcome: "restored" });
    const [group = "", rest = ""] = [of.path.split("/")[2], of.kind.split(".")[0]];
    expect(writesOf(b)).toEqual([
      "POST networking.k8s.io networkpolicies",
      `POST ${group} ${rest}`,
      "PATCH  pods/web-1",
      "PATCH  pods/web-1",
      `DELETE ${group} ${rest}/${of.name}`,
      `DELETE networking.k8s.io networkpolicies/reflex-isolate-${ID}`,
    ]);
    expect(labelsOf(b)).toEqual(labels);
  });

  it("has nothing marked before both policies are there, whichever write fails", async () => {
    const b = await planned(of);
    b.cluster.faults.add({
      match: { method: "POST", path: of.path.replace(/\/[^/]+$/, "") },
      answer: { kind: "status", status: 503 },
    });
    await expect(isolatePod.apply(b.plan, b.ports)).rejects.toThrow(Retryable);
    expect(labelsOf(b)).toEqual(labels);
    await isolatePod.apply(b.plan, b.ports);
    expect(await isolatePod.verify(b.plan, b.ports)).toMatchObject({ verdict: "holds" });
  });

  it("is absent where its policy was changed or has gone, and says who changed it", async () => {
    const b = await planned(of);
    await isolatePod.apply(b.plan, b.ports);
    await b.patch(of.path, "argocd", { spec: { egress: [] } });
    expect(await isolatePod.verify(b.plan, b.ports)).toEqual({
      verdict: "absent",
      reason: expect.stringMatching(/it was changed \(set by argocd at /),
    });
    await expect(isolatePod.revert(b.plan, b.ports)).rejects.toThrow(Conflict);
    await expect(isolatePod.apply(b.plan, b.ports)).rejects.toThrow(Conflict);
    await b.remove(of.path);
    expect(await isolatePod.verify(b.plan, b.ports)).toMatchObject({
      verdict: "absent",
      reason: expect.stringContaining("it has gone"),
    });
    expect(await isolatePod.revert(b.plan, b.ports)).toEqual({ outcome: "restored" });
  });

  it("is planned the same again where its policy is there, and a foreign one of its name is a conflict", async () => {
    const b = await planned(of);
    await isolatePod.apply(b.plan, b.ports);
    await b.patch("/api/v1/namespaces/shop/pods/web-1", "x", {
      metadata: { labels: { [INCIDENT_LABEL]: null } },
    });
    const again = () =>
      isolatePod.plan(
        { target: b.plan.target as never, parameters: { engine: of.engine as never }, remediationId: ID },
        b.ports,
      );
    expect(await again()).toMatchObject({ draft: { data: b.plan.data, steps: b.plan.steps } });
    await b.patch(of.path, "somebody", { spec: { ingress: [] } });
    await expect(again()).rejects.toThrow(Conflict);
  });

  it("is a fault, and no absence, where the right to read its policy has gone", async () => {
    const b = await planned(of);
    await isolatePod.apply(b.plan, b.ports);
    b.cluster.faults.add({
      match: { method: "GET", path: of.path },
      answer: { kind: "status", status: 403 },
    });
    await expect(isolatePod.verify(b.plan, b.ports)).rejects.toThrow(Permanent);
  });

  it("goes on without it where the kind is not served, and says so", async () => {
    const agents = of.cluster().slice(0, 2);
    const b = await planned({ ...of, cluster: () => agents });
    expect(b.plan.limits.join(" ")).toMatch(
      /own deny was asked for, but the cluster does not serve \S+: the network policy alone/,
    );
    expect(b.plan.data).toMatchObject({ deny: false, removed: { app: "web" } });
    await isolatePod.apply(b.plan, b.ports);
    expect(await isolatePod.verify(b.plan, b.ports)).toEqual({ verdict: "holds", proof: "declared" });
  });

  it("goes on without it where our identity may not read it, and says so", async () => {
    const kept = isolatePod.permissions.kubernetes.filter(
      ({ apiGroup }) => !/^(policy\.networking|projectcalico)/.test(apiGroup),
    );
    const rules = kept.map(({ apiGroup, resource, verbs }) => ({
      apiGroups: [apiGroup],
      resources: [resource],
      verbs,
    }));
    const cluster = await startKubernetes({ controllers: false, rules });
    clusters.push(cluster);
    cluster.seed([...of.cluster(), pod("web-1", { metadata: { labels } }), letsOut]);
    const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;
    expect(
      await isolatePod.plan(
        { target, parameters: { engine: of.engine as never }, remediationId: ID },
        portsOf(cluster),
      ),
    ).toMatchObject({
      outcome: "change",
      draft: {
        limits: expect.arrayContaining([expect.stringContaining("our identity may not read")]),
        data: { deny: false },
      },
    });
  });
});

describe("the policy that OVN-Kubernetes is given", () => {
  it("denies, and does nothing else, for our label in that namespace alone", async () => {
    const b = await planned(OVN);
    await isolatePod.apply(b.plan, b.ports);
    expect(specIn(b, OVN)).toEqual({
      priority: 0,
      subject: {
        pods: {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "shop" } },
          podSelector: { matchLabels: { [INCIDENT_LABEL]: ID } },
        },
      },
      ingress: [{ name: "deny-all", action: "Deny", from: [{ namespaces: {} }] }],
      egress: [
        { name: "deny-all", action: "Deny", to: [{ namespaces: {} }, { networks: ["0.0.0.0/0", "::/0"] }] },
      ],
    });
  });

  it("covers nothing that comes from outside: labels come off by which that is allowed, and what is left is listed", async () => {
    const b = await planned(OVN, letsAllIn);
    expect(b.plan.data).toHaveProperty("removed", { tier: "front" });
    await isolatePod.apply(b.plan, b.ports);
    expect(await isolatePod.verify(b.plan, b.ports)).toEqual({ verdict: "holds", proof: "declared" });
    await b.create(
      "somebody",
      policy("late", { podSelector: {}, policyTypes: ["Ingress", "Egress"], ingress: [{}], egress: [{}] }),
    );
    expect(await isolatePod.verify(b.plan, b.ports)).toMatchObject({
      verdict: "partial",
      remains: [expect.stringMatching(/^Network policy shop\/late still allows ingress from everywhere/)],
    });
  });

  it.each<[string, object, boolean]>([
    ["everywhere", {}, true],
    ["addresses", { from: [{ ipBlock: { cidr: "10.0.0.0/8" } }] }, true],
    ["namespaces, which on OpenShift may stand for nodes", { from: [{ namespaceSelector: {} }] }, true],
    ["pods of namespaces", { from: [{ podSelector: {}, namespaceSelector: {} }] }, true],
    ["pods or addresses", { from: [{ podSelector: {} }, { ipBlock: { cidr: "10.0.0.0/8" } }] }, true],
    ["pods of its own namespace", { from: [{ podSelector: {} }] }, false],
  ])("leaves it to network policies what comes from %s: %j", (_who, rule, leaves) => {
    const peers = (rule as { from?: unknown[] }).from ?? [];
    const of = { policy: "shop/p", rule: 1, peers, ports: [] };
    expect(denyByOvn.leaves({ ...of, direction: "ingress" })).toBe(leaves);
    expect(denyByOvn.leaves({ ...of, direction: "egress" })).toBe(false);
  });

  it("takes the first priority that nobody has", async () => {
    const b = await planned(
      OVN,
      adminPolicy("a", 0, ["Deny"]),
      adminPolicy("b", 1, ["Deny"]),
      adminPolicy("c", 3, ["Allow"]),
    );
    expect(b.plan.data).toMatchObject({ deny: { rank: 2 } });
    await isolatePod.apply(b.plan, b.ports);
    expect(await isolatePod.verify(b.plan, b.ports)).toMatchObject({ verdict: "holds" });
  });

  it("is not made where all priorities are taken", async () => {
    const all = Array.from({ length: 100 }, (_none, at) => adminPolicy(`a${at}`, at, ["Deny"]));
    const b = await planned(OVN, ...all);
    expect(b.plan.data).toMatchObject({ deny: false });
    expect(b.plan.limits.join(" ")).toContain("no place is left among its policies");
  });

  it.each<[string, object, boolean]>([
    ["allows", adminPolicy("first", 0, ["Deny", "Allow"]), true],
    ["leaves it to network policies", adminPolicy("first", 0, ["Pass"]), true],
    ["denies", adminPolicy("first", 0, ["Deny"]), false],
    [
      "allows other namespaces",
      adminPolicy("first", 0, ["Allow"], {
        namespaces: { matchLabels: { "kubernetes.io/metadata.name": "db" } },
      }),
      false,
    ],
    [
      "allows other pods",
      adminPolicy("first", 0, ["Allow"], {
        pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: "db" } } },
      }),
      false,
    ],
    [
      "allows by our label",
      adminPolicy("first", 0, ["Allow"], {
        pods: {
          namespaceSelector: {},
          podSelector: { matchExpressions: [{ key: INCIDENT_LABEL, operator: "Exists" }] },
        },
      }),
      true,
    ],
    ["says what cannot be read", adminPolicy("first", 0, ["Deny"], { everybody: {} }), true],
  ])("is believed only so far as nobody is asked before it who %s", async (_what, first, opens) => {
    const b = await planned(OVN, first);
    expect(b.plan.data).toMatchObject({ deny: { rank: 1 } });
    expect(b.plan.data).toHaveProperty("removed", opens ? { app: "web" } : {});
    await isolatePod.apply(b.plan, b.ports);
    const before = "AdminNetworkPolicy first is asked before ours, and may let traffic of the pod through.";
    expect(b.plan.limits.includes(before)).toBe(opens);
    expect(await isolatePod.verify(b.plan, b.ports)).toEqual(
      opens ? { verdict: "partial", remains: [before] } : { verdict: "holds", proof: "declared" },
    );
  });

  it("is partial once somebody takes its priority, whatever he does, or OVN-Kubernetes says that it is not set up", async () => {
    const b = await planned(OVN);
    await isolatePod.apply(b.plan, b.ports);
    b.cluster.seed([adminPolicy("late", 0, ["Deny"])]);
    expect(await isolatePod.verify(b.plan, b.ports)).toMatchObject({
      verdict: "partial",
      remains: expect.arrayContaining([
        "AdminNetworkPolicy late has the place of ours: which of the two OVN-Kubernetes heeds is not defined.",
      ]),
    });
    await b.remove(OVN.path.replace(OVN.name, "late"));
    expect(await isolatePod.verify(b.plan, b.ports)).toMatchObject({ verdict: "holds" });
    const conditions = [
      { type: "Ready-In-Zone-n2", status: "False" },
      { type: "Ready-In-Zone-n1", status: "True" },
    ];
    expect(denyByOvn.complaints({ conditions }, "n1")).toEqual([]);
    expect(denyByOvn.complaints({ conditions }, "n2")).toEqual([
      "OVN-Kubernetes reports that our AdminNetworkPolicy is not set up (Ready-In-Zone-n2).",
    ]);
    expect(denyByOvn.complaints({ conditions: 7 }, "n2")).toEqual([]);
  });
});

describe("the policy that Calico is given", () => {
  it("denies both directions to everybody in the tier of the network policies, and allows nothing", async () => {
    const b = await planned(CALICO);
    await isolatePod.apply(b.plan, b.ports);
    const all = [{ action: "Deny", source: {}, destination: {} }];
    expect(specIn(b, CALICO)).toEqual({
      order: 0,
      selector: `${INCIDENT_LABEL} == '${ID}'`,
      types: ["Ingress", "Egress"],
      ingress: all,
      egress: all,
    });
  });

  it("is ours where Calico writes the tier that was meant, and not in another", async () => {
    const b = await planned(CALICO);
    await isolatePod.apply(b.plan, b.ports);
    await b.patch(CALICO.path, "calico-apiserver", { spec: { tier: "default" } });
    expect(await isolatePod.verify(b.plan, b.ports)).toMatchObject({ verdict: "holds" });
    await b.patch(CALICO.path, "somebody", { spec: { tier: "last" } });
    expect(await isolatePod.verify(b.plan, b.ports)).toMatchObject({ verdict: "absent" });
  });

  it("is covered by no rule of a network policy, wherever traffic comes from", async () => {
    const b = await planned(CALICO, letsAllIn);
    expect(b.plan.data).toHaveProperty("removed", {});
    await isolatePod.apply(b.plan, b.ports);
    expect(await isolatePod.verify(b.plan, b.ports)).toEqual({ verdict: "holds", proof: "declared" });
  });

  const allow = [{ action: "Allow" }];
  it.each<[string, number, object[]]>([
    [
      "those of an order after the network policies",
      0,
      [calicoPolicy("late", { order: 2000, egress: allow })],
    ],
    ["one without an order", 0, [calicoPolicy("last", { namespace: "shop", egress: allow })]],
    ["one at zero", -1, [calicoPolicy("zero", { namespace: "shop", order: 0, egress: allow })]],
    ["one below zero", -12, [calicoPolicy("below", { order: -10.5, egress: allow })]],
    ["one of another namespace", 0, [calicoPolicy("there", { namespace: "db", order: -5, egress: allow })]],
    [
      "a later tier",
      0,
      [tier("late", 2_000_000), calicoPolicy("x", { tier: "late", order: -7, egress: allow })],
    ],
  ])("is asked before the others of its tier: %s", async (_who, rank, others) => {
    const b = await planned(CALICO, ...others);
    expect(b.plan.data).toMatchObject({ deny: { rank } });
    expect(b.plan.data).toHaveProperty("removed", {});
    await isolatePod.apply(b.plan, b.ports);
    expect(await isolatePod.verify(b.plan, b.ports)).toEqual({ verdict: "holds", proof: "declared" });
  });

  it.each<[string, object, boolean]>([
    ["allows", calicoPolicy("x", { tier: "kube-admin", order: 1, egress: allow }), true],
    [
      "passes on",
      calicoPolicy("x", { tier: "kube-admin", namespace: "shop", ingress: [{ action: "Pass" }] }),
      true,
    ],
    [
      "denies and logs",
      calicoPolicy("x", { tier: "kube-admin", ingress: [{ action: "Log" }, { action: "Deny" }] }),
      false,
    ],
    ["says what cannot be read", calicoPolicy("x", { tier: "kube-admin", ingress: "all" }), true],
  ])(
    "is believed only so far as nobody in an earlier tier is asked before it who %s",
    async (_what, first, opens) => {
      const b = await planned(CALICO, first);
      expect(b.plan.data).toHaveProperty("removed", opens ? { app: "web" } : {});
      await isolatePod.apply(b.plan, b.ports);
      expect(await isolatePod.verify(b.plan, b.ports)).toEqual(
        opens
          ? {
              verdict: "partial",
              remains: [
                expect.stringMatching(
                  /^Calico .*kube-admin\.x (?:\(tier kube-admin\) )?is asked before ours, and may let/,
                ),
              ],
            }
          : { verdict: "holds", proof: "declared" },
      );
    },
  );

  it("finds those of an earlier tier that Calico has not labelled, and those of a tier that nobody lists", async () => {
    const bare = (of: string) => ({
      ...calicoPolicy("x", { tier: of, egress: allow }),
      metadata: { name: `${of}.x` },
    });
    const b = await planned(CALICO, bare("kube-admin"), bare("unknown"));
    expect(b.plan.limits.filter((limit) => limit.includes("is asked before ours"))).toHaveLength(2);
  });

  it("is partial once somebody is asked before it, or whom Calico asks cannot be read any more", async () => {
    const b = await planned(CALICO);
    await isolatePod.apply(b.plan, b.ports);
    b.cluster.seed([calicoPolicy("late", { order: -1, egress: allow })]);
    expect(await isolatePod.verify(b.plan, b.ports)).toMatchObject({ verdict: "partial" });
    await b.remove("/apis/projectcalico.org/v3/globalnetworkpolicies/default.late");
    b.cluster.faults.add({
      match: { method: "GET", path: "/tiers" },
      answer: { kind: "status", status: 403 },
    });
    expect(await isolatePod.verify(b.plan, b.ports)).toMatchObject({
      verdict: "partial",
      remains: expect.arrayContaining([expect.stringContaining("cannot be told")]),
    });
  });
});

describe("the engine of a rule", () => {
  it.each([
    ["Cilium", ciliumCluster, "cilium"],
    ["OVN-Kubernetes", ovnCluster, "ovn"],
    ["Calico", calicoCluster, "calico"],
  ])("is with `auto` the one that is found: %s", async (_engine, cluster, by) => {
    const b = await planned({ engine: "auto", cluster });
    expect(b.plan.data).toMatchObject({ deny: { by } });
  });

  it("is with `auto` none where none is found, and with a word never another", async () => {
    const none = await planned({ engine: "auto", cluster: () => [] });
    expect(none.plan.limits.join(" ")).toContain(
      "Cilium, OVN-Kubernetes, Calico's own deny was asked for, but no agent of them",
    );
    const other = await planned({ engine: "calico", cluster: ovnCluster });
    expect(other.plan.data).toMatchObject({ deny: false, engine: "OVN-Kubernetes" });
  });

  it("never has a rule that allows, whoever it is and whatever its place", () => {
    for (const by of [denyByCilium, denyByOvn, denyByCalico]) {
      for (const rank of [-3, 0, 99]) {
        const spec = JSON.stringify(by.specOf(ID, "shop", rank));
        expect(spec).not.toMatch(/Allow|Pass/);
        expect(spec).toMatch(/Deny/);
      }
    }
  });
});

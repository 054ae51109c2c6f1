import { describe, expect, it } from "vitest";
import { Conflict, Retryable } from "../../src/model/errors.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { Target } from "../../src/model/target.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { CLUSTER, pod, policy, workload } from "./cluster-objects.ts";
import { startCluster as start } from "./start-cluster.ts";

const ID = "a-1";
const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;

type PodTarget = Extract<Target, { kind: "pod" }>;
type Ports = Awaited<ReturnType<typeof start>>["ports"];

function propose(ports: Ports, of: PodTarget = target) {
  return isolatePod.plan({ target: of, parameters: {}, remediationId: ID }, ports);
}

async function planOf(ports: Ports): Promise<Plan> {
  const outcome = await propose(ports);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, { remediationId: ID, playbook: isolatePod.name, target });
}

const ours = (spec: object = {}, labels: Record<string, string> = { [INCIDENT_LABEL]: ID }) =>
  policy(
    `reflex-isolate-${ID}`,
    { podSelector: { matchLabels: { [INCIDENT_LABEL]: ID } }, policyTypes: ["Ingress", "Egress"], ...spec },
    labels,
  );

describe("what cannot be isolated", () => {
  it.each([
    [
      "being deleted",
      { metadata: { finalizers: ["x.example/keep"], deletionTimestamp: "2026-11-23T00:00:00Z" } },
    ],
    ["static pod", { metadata: { annotations: { "kubernetes.io/config.mirror": "abc" } } }],
    ["network of its node", { spec: { hostNetwork: true } }],
    ["remediation b-2", { metadata: { labels: { [INCIDENT_LABEL]: "b-2" } } }],
  ])("skips a pod for this reason: %s", async (reason, more) => {
    const { ports } = await start([pod("web-1", more)]);
    expect(await propose(ports)).toMatchObject({ outcome: "skip", reason: expect.stringContaining(reason) });
  });

  it.each([
    ["other rules", ours({ ingress: [{}] })],
    ["another selector", ours({ podSelector: {} })],
    ["one direction only", ours({ policyTypes: ["Ingress"] })],
    ["no mark of ours", ours({}, {})],
  ])("is a conflict over a policy of our name with %s, which is not touched", async (_what, foreign) => {
    const clean = await start([pod("web-1")]);
    const plan = await planOf(clean.ports);
    clean.cluster.seed([foreign]);
    clean.cluster.clear();
    await expect(propose(clean.ports)).rejects.toThrow(Conflict);
    await expect(isolatePod.apply(plan, clean.ports)).rejects.toThrow(Conflict);
    await expect(isolatePod.revert(plan, clean.ports)).rejects.toThrow(Conflict);
    expect(clean.cluster.effects).toEqual([]);
  });
});

describe("the plan", () => {
  it("names both changes with before and after, and what is not covered", async () => {
    const { ports } = await start([pod("web-1"), policy("allow-in", { podSelector: {}, ingress: [{}] })]);
    const plan = await planOf(ports);
    expect(plan.steps.map(({ before, after }) => ({ before, after }))).toEqual([
      { before: null, after: { deniesAllFor: { [INCIDENT_LABEL]: ID } } },
      { before: null, after: ID },
    ]);
    expect(plan.steps.flatMap(({ touches }) => touches)).toEqual([
      `${CLUSTER.toLowerCase()}/networkpolicies/shop/reflex-isolate-${ID}#spec`,
      `${CLUSTER.toLowerCase()}/pods/shop/web-1#metadata.labels.${INCIDENT_LABEL}`,
    ]);
    expect(plan.limits[0]).toBe(
      "Network policy shop/allow-in still allows ingress from everywhere on all ports (rule 1).",
    );
  });

  it("keeps its hash while only versions and other policies move, and loses it with the pod", async () => {
    const { cluster, ports } = await start([pod("web-1")]);
    const { hash } = await planOf(ports);
    cluster.seed([
      pod("web-1", { metadata: { annotations: { touched: "yes" } } }),
      policy("new", { podSelector: {}, egress: [{}], policyTypes: ["Egress"] }),
    ]);
    expect((await planOf(ports)).hash).toBe(hash);
    cluster.seed([pod("web-1", { metadata: { uid: "11111111-2222-3333-4444-555555555555" } })]);
    expect((await planOf(ports)).hash).not.toBe(hash);
  });
});

describe("isolating", () => {
  it("makes the policy first and labels the pod last, and takes the label off first", async () => {
    const { cluster, ports } = await start([pod("web-1")]);
    const plan = await planOf(ports);
    await isolatePod.apply(plan, ports);
    await isolatePod.revert(plan, ports);
    expect(cluster.effects.map(({ verb, plural }) => `${verb} ${plural}`)).toEqual([
      "create networkpolicies",
      "patch pods",
      "patch pods",
      "delete networkpolicies",
    ]);
  });

  it("finishes what a crash left between the two steps", async () => {
    const { cluster, ports } = await start([pod("web-1")]);
    const plan = await planOf(ports);
    cluster.faults.add({ match: { method: "PATCH" }, answer: { kind: "status", status: 503 } });
    await expect(isolatePod.apply(plan, ports)).rejects.toThrow(Retryable);
    expect(await isolatePod.verify(plan, ports)).toMatchObject({ verdict: "absent" });
    await isolatePod.apply(plan, ports);
    expect(await isolatePod.verify(plan, ports)).toEqual({ verdict: "holds", proof: "declared" });
    expect(cluster.readAll("networkpolicies")).toHaveLength(1);
  });

  it("leaves the pod with its owner, so that nothing takes its place", async () => {
    const { cluster, ports } = await start([workload("Deployment", "web", 2)]);
    const [first] = cluster.readAll("pods");
    const name = first?.metadata.name ?? "";
    const of = { ...target, name };
    const outcome = await propose(ports, of);
    if (outcome.outcome !== "change") throw new Error(outcome.reason);
    const plan = sealPlan(outcome.draft, { remediationId: ID, playbook: isolatePod.name, target: of });
    await isolatePod.apply(plan, ports);
    const pods = cluster.readAll("pods");
    expect(pods).toHaveLength(2);
    expect(pods.find(({ metadata }) => metadata.name === name)?.metadata["ownerReferences"]).toEqual(
      first?.metadata["ownerReferences"],
    );
  });
});

describe("verifying", () => {
  it("is partial while other policies let traffic through, one sentence for each direction", async () => {
    const { ports } = await start([
      pod("web-1"),
      policy("both", { podSelector: {}, ingress: [{}], egress: [{}], policyTypes: ["Ingress", "Egress"] }),
      policy("deny", { podSelector: {}, policyTypes: ["Ingress", "Egress"] }),
      policy("others", { podSelector: { matchLabels: { app: "db" } }, ingress: [{}] }),
    ]);
    const plan = await planOf(ports);
    await isolatePod.apply(plan, ports);
    expect(await isolatePod.verify(plan, ports)).toEqual({
      verdict: "partial",
      remains: [
        "Network policy shop/both still allows ingress from everywhere on all ports (rule 1).",
        "Network policy shop/both still allows egress to everywhere on all ports (rule 1).",
      ],
    });
  });

  it.each([
    ["the label is off", [pod("web-1")]],
    ["the policy allows again", [ours({ egress: [{}] })]],
  ])("is absent once %s", async (_what, change) => {
    const { cluster, ports } = await start([pod("web-1")]);
    const plan = await planOf(ports);
    await isolatePod.apply(plan, ports);
    cluster.seed(change);
    expect(await isolatePod.verify(plan, ports)).toMatchObject({ verdict: "absent" });
  });
});

describe("taking it back", () => {
  it("deletes the policy of a pod that has gone, also where another has its name", async () => {
    const { cluster, ports } = await start([pod("web-1")]);
    const plan = await planOf(ports);
    await isolatePod.apply(plan, ports);
    const uid = "11111111-2222-3333-4444-555555555555";
    cluster.seed([pod("web-1", { metadata: { uid, labels: { app: "web" } } })]);
    expect(await isolatePod.revert(plan, ports)).toMatchObject({ outcome: "gone" });
    expect(cluster.readAll("networkpolicies")).toEqual([]);
    expect(cluster.read("pods", "shop", "web-1")?.metadata.uid).toBe(uid);
  });

  it("does nothing at all where only half of it could be taken back", async () => {
    const { cluster, ports } = await start([pod("web-1")]);
    const plan = await planOf(ports);
    await isolatePod.apply(plan, ports);
    cluster.seed([ours({ egress: [{}] })]);
    cluster.clear();
    await expect(isolatePod.revert(plan, ports)).rejects.toMatchObject({
      remains: [expect.stringContaining(`shop/reflex-isolate-${ID}`)],
    });
    expect(cluster.effects).toEqual([]);
  });

  it("keeps what others changed on the pod meanwhile", async () => {
    const { cluster, ports } = await start([pod("web-1")]);
    const plan = await planOf(ports);
    await isolatePod.apply(plan, ports);
    cluster.seed([
      pod("web-1", { metadata: { labels: { app: "web", tier: "front", [INCIDENT_LABEL]: ID } } }),
    ]);
    expect(await isolatePod.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(cluster.read("pods", "shop", "web-1")?.metadata["labels"]).toEqual({ app: "web", tier: "front" });
  });
});

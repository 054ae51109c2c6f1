import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { listAt, stringAt, valueAt } from "../../local/kubernetes/json-value.ts";
import { Conflict } from "../../src/model/errors.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { selects } from "../../src/model/kubernetes-port.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { disableWebhook } from "../../src/playbooks/disable-webhook.ts";
import { CLUSTER } from "./cluster-objects.ts";
import { hook, webhooks } from "./rights-objects.ts";
import { startCluster as start } from "./start-cluster.ts";

const ID = "a-1";
const KIND = "ValidatingWebhookConfiguration";

type Ports = Awaited<ReturnType<typeof start>>["ports"];

const targetOf = (name: string) => ({ kind: "webhook", cluster: CLUSTER, webhookKind: KIND, name }) as const;

function propose(ports: Ports, name = "evil") {
  return disableWebhook.plan({ target: targetOf(name), parameters: {}, remediationId: ID }, ports);
}

async function planOf(ports: Ports): Promise<Plan> {
  const outcome = await propose(ports);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, {
    remediationId: ID,
    playbook: disableWebhook.name,
    target: targetOf("evil"),
  });
}

/** What each hook selects, in the order of the hooks. */
function selectors(cluster: KubernetesStandIn): unknown[] {
  const found = cluster.read("validatingwebhookconfigurations", "", "evil");
  return listAt(found, "webhooks").map((one) => [stringAt(one, "name"), valueAt(one, "objectSelector")]);
}

describe("what is not disabled", () => {
  it.each([
    "gatekeeper-validating-webhook-configuration",
    "azure-policy-validating-webhook-configuration",
    "aks-node-validating-webhook",
    "cert-manager-webhook",
    "openshift-something",
    "azure-arc-hook",
    "admission-controller-x",
    "kyverno-resource-validating-webhook-cfg",
    "ingress-nginx-admission",
    "defender-admission-controller",
  ])("skips what is called like a known one: %s", async (name) => {
    const { cluster, ports } = await start([webhooks(KIND, name)]);
    expect(await propose(ports, name)).toMatchObject({
      outcome: "skip",
      reason: expect.stringContaining("well-known"),
    });
    expect(cluster.effects).toEqual([]);
  });

  it.each([
    "addonmanager.kubernetes.io/mode",
    "kubernetes.azure.com/managedby",
    "gatekeeper.sh/system",
    "olm.owner",
  ])("skips what a platform labels as its own: %s", async (label) => {
    const { ports } = await start([webhooks(KIND, "evil", { labels: { [label]: "x" } })]);
    expect(await propose(ports)).toMatchObject({ outcome: "skip", reason: expect.stringContaining(label) });
  });

  it("has nothing to do without hooks, and overwrites no label of another remediation", async () => {
    const { cluster, ports } = await start([webhooks(KIND, "evil", { hooks: [] })]);
    expect(await propose(ports)).toMatchObject({ outcome: "no-op" });
    cluster.seed([webhooks(KIND, "evil", { labels: { [INCIDENT_LABEL]: "b-2" } })]);
    expect(await propose(ports)).toMatchObject({ outcome: "skip", reason: expect.stringContaining("b-2") });
  });
});

describe("the plan", () => {
  it("names every hook with whom it asks, and what passes that was refused where nobody answered", async () => {
    const service = { clientConfig: { service: { namespace: "ci", name: "hooks" } }, failurePolicy: "Fail" };
    const { ports } = await start([
      webhooks(KIND, "evil", {
        hooks: [hook("a.evil.example.org"), hook("b.evil.example.org", {}, service)],
      }),
    ]);
    const plan = await planOf(ports);
    expect(plan.steps[0]?.sentence).toContain(
      "a.evil.example.org (asks https://evil.example.org/look), b.evil.example.org (asks service ci/hooks)",
    );
    expect(plan.limits.join("\n")).toContain("passes now: b.evil.example.org.");
  });
});

describe("disabling", () => {
  it("has each hook select no object, whatever its labels, in one change that keeps all else", async () => {
    const { cluster, ports } = await start([webhooks(KIND, "evil")]);
    const before = cluster.read("validatingwebhookconfigurations", "", "evil");
    const plan = await planOf(ports);
    await disableWebhook.apply(plan, ports);
    expect(cluster.effects).toHaveLength(1);
    const none = {
      matchExpressions: [
        { key: "defender-reflex.dev/none", operator: "Exists" as const, values: [] },
        { key: "defender-reflex.dev/none", operator: "DoesNotExist" as const, values: [] },
      ],
      matchLabels: {},
    };
    const written = none.matchExpressions.map(({ key, operator }) => ({ key, operator }));
    expect(selectors(cluster)).toEqual([
      ["a.evil.example.org", { matchExpressions: written }],
      ["b.evil.example.org", { matchExpressions: written }],
    ]);
    for (const labels of [{}, { app: "web" }, { "defender-reflex.dev/none": "" }]) {
      expect(selects(none, labels)).toBe(false);
    }
    const bare = (hooks: unknown) =>
      JSON.stringify(hooks, (key, value) => (key === "objectSelector" ? 0 : value));
    const after = cluster.read("validatingwebhookconfigurations", "", "evil");
    expect(bare(after?.["webhooks"])).toBe(bare(before?.["webhooks"]));
    expect(await disableWebhook.verify(plan, ports)).toEqual({ verdict: "holds", proof: "declared" });
  });

  it("is partial once somebody adds a hook, which is not touched when it is taken back", async () => {
    const { cluster, ports } = await start([webhooks(KIND, "evil")]);
    const plan = await planOf(ports);
    await disableWebhook.apply(plan, ports);
    const now = cluster.read("validatingwebhookconfigurations", "", "evil");
    cluster.seed([{ ...now, webhooks: [...listAt(now, "webhooks"), hook("c.evil.example.org")] }]);
    expect(await disableWebhook.verify(plan, ports)).toMatchObject({
      verdict: "partial",
      remains: [expect.stringContaining("c.evil.example.org")],
    });
    expect(await disableWebhook.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(selectors(cluster)).toEqual([
      ["a.evil.example.org", {}],
      ["b.evil.example.org", { matchLabels: { app: "web" } }],
      ["c.evil.example.org", {}],
    ]);
  });

  it("brings no hook back that somebody took out meanwhile", async () => {
    const { cluster, ports } = await start([webhooks(KIND, "evil")]);
    const plan = await planOf(ports);
    await disableWebhook.apply(plan, ports);
    const now = cluster.read("validatingwebhookconfigurations", "", "evil");
    cluster.seed([{ ...now, webhooks: listAt(now, "webhooks").slice(1) }]);
    expect(await disableWebhook.verify(plan, ports)).toMatchObject({ verdict: "holds" });
    await disableWebhook.revert(plan, ports);
    expect(selectors(cluster)).toEqual([["b.evil.example.org", { matchLabels: { app: "web" } }]]);
  });

  it.each([
    [
      "another hook was added",
      [
        hook("a.evil.example.org"),
        hook("b.evil.example.org", { matchLabels: { app: "web" } }),
        hook("c.example.org"),
      ],
    ],
    ["a selector was changed", [hook("a.evil.example.org"), hook("b.evil.example.org")]],
  ])("is a conflict where, since the plan, %s", async (_what, hooks) => {
    const { cluster, ports } = await start([webhooks(KIND, "evil")]);
    const plan = await planOf(ports);
    cluster.seed([webhooks(KIND, "evil", { hooks })]);
    cluster.clear();
    await expect(disableWebhook.apply(plan, ports)).rejects.toThrow(Conflict);
    expect(cluster.effects).toEqual([]);
  });
});

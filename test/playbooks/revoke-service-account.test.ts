import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { Conflict, Retryable } from "../../src/model/errors.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { revokeServiceAccount } from "../../src/playbooks/revoke-service-account.ts";
import { CLUSTER, pod } from "./cluster-objects.ts";
import { account } from "./rights-objects.ts";
import { startCluster as start } from "./start-cluster.ts";

const ID = "a-1";

type Ports = Awaited<ReturnType<typeof start>>["ports"];

const targetOf = (name: string) =>
  ({ kind: "service-account", cluster: CLUSTER, namespace: "shop", name }) as const;

function propose(ports: Ports, name = "ci") {
  return revokeServiceAccount.plan({ target: targetOf(name), parameters: {}, remediationId: ID }, ports);
}

async function planOf(ports: Ports, name = "ci"): Promise<Plan> {
  const outcome = await propose(ports, name);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, {
    remediationId: ID,
    playbook: revokeServiceAccount.name,
    target: targetOf(name),
  });
}

const held = { labels: { a: "b" }, annotations: { c: "d" }, imagePullSecrets: [{ name: "reg" }] };
const stored = (cluster: KubernetesStandIn, name = "ci") => cluster.read("serviceaccounts", "shop", name);

describe("what is not made anew", () => {
  it("skips what a controller owns, which would not know ours", async () => {
    const owner = { apiVersion: "apps/v1", kind: "Operator", name: "op", uid: "u-1", controller: true };
    const { cluster, ports } = await start([account("ci", { ownerReferences: [owner] })]);
    expect(await propose(ports)).toMatchObject({
      outcome: "skip",
      reason: expect.stringContaining("belongs to Operator op"),
    });
    expect(cluster.effects).toEqual([]);
  });

  it("skips a default account that holds something, since the cluster makes it anew bare", async () => {
    for (const more of [
      { labels: { a: "b" } },
      { annotations: { a: "b" } },
      { imagePullSecrets: [{ name: "r" }] },
    ]) {
      const { ports } = await start([account("default", more)]);
      expect(await propose(ports, "default")).toMatchObject({
        outcome: "skip",
        reason: expect.stringContaining("made anew by the cluster itself"),
      });
    }
  });

  it("skips what is too large to be kept", async () => {
    const { ports } = await start([account("ci", { annotations: { a: "x".repeat(10_500) } })]);
    expect(await propose(ports)).toMatchObject({
      outcome: "skip",
      reason: expect.stringContaining("too large"),
    });
  });
});

describe("the plan", () => {
  it("names the pods that lose their tokens, at most twenty, and keeps its hash when they change", async () => {
    const names = Array.from({ length: 22 }, (_, index) => `web-${String(index).padStart(2, "0")}`);
    const runs = { spec: { serviceAccountName: "ci" } };
    const { cluster, ports } = await start([
      account("ci"),
      ...names.map((name) => pod(name, runs)),
      pod("db"),
    ]);
    const plan = await planOf(ports);
    const said = plan.limits.join("\n");
    expect(said).toContain("web-00, web-01");
    expect(said).toContain("web-19 and 2 more.");
    expect(said).not.toContain("db");
    cluster.seed([pod("web-99", runs)]);
    expect((await planOf(ports)).hash).toBe(plan.hash);
  });

  it("says what goes on in Azure", async () => {
    const annotations = { "azure.workload.identity/client-id": "1234" };
    const { ports } = await start([account("ci", { annotations }), account("bare")]);
    expect((await planOf(ports)).limits.join()).toContain("federated credential");
    expect((await planOf(ports, "bare")).limits.join()).not.toContain("federated credential");
    expect((await planOf(ports, "bare")).limits.join()).toContain("No pod of the namespace uses it.");
  });
});

describe("making it anew", () => {
  it("deletes that very account and makes one with the same labels, annotations and pull secrets, with our label", async () => {
    const { cluster, ports } = await start([account("ci", held)]);
    const before = stored(cluster);
    const plan = await planOf(ports);
    await revokeServiceAccount.apply(plan, ports);
    const after = stored(cluster);
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    expect(after).toMatchObject({
      metadata: { labels: { a: "b", [INCIDENT_LABEL]: ID }, annotations: { c: "d" } },
      imagePullSecrets: [{ name: "reg" }],
    });
    expect(cluster.effects.map(({ verb }) => verb)).toEqual(["delete", "create"]);
    expect(await revokeServiceAccount.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
  });

  it("goes on where the process died between the two writes", async () => {
    const { cluster, ports } = await start([account("ci", held)]);
    const plan = await planOf(ports);
    cluster.faults.add({ match: { method: "POST" }, answer: { kind: "status", status: 503 } });
    await expect(revokeServiceAccount.apply(plan, ports)).rejects.toThrow(Retryable);
    expect(stored(cluster)).toBeUndefined();
    expect(await revokeServiceAccount.verify(plan, ports)).toMatchObject({ verdict: "absent" });
    await revokeServiceAccount.apply(plan, ports);
    expect(stored(cluster)?.metadata["labels"]).toEqual({ a: "b", [INCIDENT_LABEL]: ID });
  });

  it("leaves one alone that somebody made in between, whose tokens are others", async () => {
    const { cluster, ports } = await start([account("ci", held)]);
    const plan = await planOf(ports);
    cluster.seed([account("ci", { uid: "11111111-2222-3333-4444-555555555555", labels: { mine: "1" } })]);
    cluster.clear();
    await revokeServiceAccount.apply(plan, ports);
    expect(cluster.effects).toEqual([]);
    expect(await revokeServiceAccount.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
  });

  it("only deletes the default account of a namespace, which the cluster makes anew", async () => {
    const { cluster, ports } = await start([account("default")]);
    const plan = await planOf(ports, "default");
    expect(plan.steps).toHaveLength(1);
    await revokeServiceAccount.apply(plan, ports);
    expect(cluster.effects.map(({ verb }) => verb)).toEqual(["delete"]);
    expect(await revokeServiceAccount.verify(plan, ports)).toMatchObject({ verdict: "holds" });
  });

  it("waits while a finalizer keeps the old one, and makes none beside it", async () => {
    const { cluster, ports } = await start([account("ci", { finalizers: ["a.example/b"] })]);
    const plan = await planOf(ports);
    await revokeServiceAccount.apply(plan, ports);
    expect(await revokeServiceAccount.verify(plan, ports)).toMatchObject({ verdict: "not-yet" });
    await expect(revokeServiceAccount.revert(plan, ports)).rejects.toThrow(Conflict);
    expect(cluster.effects).toHaveLength(1);
    expect(await propose(ports)).toMatchObject({ outcome: "no-op" });
  });
});

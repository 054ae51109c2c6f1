import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { revert } from "../../src/engine/revert.ts";
import { EGRESS_LABEL, INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { restrictEgress } from "../../src/playbooks/restrict-egress.ts";
import { parseConfiguration } from "../../src/rules/index.ts";
import { ROOMY } from "../engine/fixtures.ts";
import { alert, type Bench, bench } from "../engine/harness.ts";
import { sweepAfter } from "../engine/processes.ts";
import { CLUSTER } from "../engine/world.ts";
import { pod, policy, portsOf } from "./cluster-objects.ts";
import { startCluster } from "./start-cluster.ts";

const ANN = { who: "ann", id: "t/ann", why: "a drill" };
const TEXT = `
mode: enforce
clusters:
  - { name: prod, id: ${CLUSTER}, connect: { kubeconfig: kubeconfig.json } }
rules:
  - name: miners
    when: { kind: alert, key: "K8S.NODE_*" }
    playbooks: [ { name: restrict-egress, ttl: 8h, rungs: [ { name: isolate-pod, ttl: 8h } ] } ]
    mode: enforce
`;
/** Selects every pod by nothing that could be taken off. */
const letsOut = policy("open", { podSelector: {}, policyTypes: ["Egress"], egress: [{}] });

/** A pod that was restricted, partially, and therefore isolated. */
async function climbed(): Promise<{ b: Bench; cluster: KubernetesStandIn; state: () => object }> {
  const { cluster } = await startCluster(
    [
      pod("web-1", { metadata: { labels: { app: "web" }, creationTimestamp: "2026-01-01T00:00:00Z" } }),
      letsOut,
    ],
    { controllers: false, networkEngine: true },
  );
  const parsed = parseConfiguration(TEXT, "test.yaml", [restrictEgress, isolatePod]);
  if ("errors" in parsed) throw new Error(parsed.errors[0]?.message);
  const all = [restrictEgress, isolatePod];
  const b = bench({
    configuration: { ...parsed.configuration, budgets: ROOMY },
    engine: { playbooks: new Map(all.map((one) => [one.name, one])), ports: portsOf(cluster) },
  });
  await b.ingest(alert());
  await sweepAfter(b, 1);
  const state = (): object => ({
    labels: cluster.read("pods", "shop", "web-1")?.metadata["labels"],
    policies: cluster.readAll("networkpolicies", "shop").map(({ metadata }) => metadata.name),
  });
  return { b, cluster, state };
}

const idOf = (b: Bench, playbook: string): string =>
  b.records().find((record) => record.playbook === playbook)?.id ?? "";

describe("a restriction that stayed partial", () => {
  it("is followed by the isolation of the same pod, and stays in force beside it", async () => {
    const { b, state } = await climbed();
    expect(b.records()).toMatchObject([
      { playbook: "restrict-egress", state: "in-force", proof: "partial" },
      { playbook: "isolate-pod", state: "in-force", proof: "partial" },
    ]);
    expect(state()).toMatchObject({
      labels: { app: "web", [INCIDENT_LABEL]: idOf(b, "isolate-pod") },
      policies: [
        "open",
        `reflex-egress-${idOf(b, "restrict-egress")}`,
        `reflex-isolate-${idOf(b, "isolate-pod")}`,
      ],
    });
    expect(b.broken()).toEqual([]);
  });

  it.each([
    ["the isolation first", ["isolate-pod", "restrict-egress"]],
    ["the restriction first", ["restrict-egress", "isolate-pod"]],
  ])("leaves the pod as it was where both are taken back, %s", async (_which, order) => {
    const { b, state } = await climbed();
    for (const playbook of order) {
      await revert(b.engine, idOf(b, playbook), ANN);
      const rest = order.at(-1) === playbook ? [] : [idOf(b, order.at(-1) ?? "")];
      expect(JSON.stringify(state()).match(/"reflex-[a-z]+-[^"]+"/g)?.length ?? 0).toBe(rest.length);
    }
    expect(state()).toEqual({ labels: { app: "web" }, policies: ["open"] });
    expect(b.records().map((record) => record.state)).toEqual(["reverted", "reverted"]);
  });

  it("is not told as undone because the isolation took its mark off", async () => {
    const { b } = await climbed();
    const told = b.sent.length;
    await sweepAfter(b, 2, 15, 120);
    expect(b.sent.slice(told).map(({ kind }) => kind)).toEqual([]);
    expect(b.records()).toHaveLength(2);
  });

  it("has its mark on the pod again once the isolation is taken back", async () => {
    const { b, state } = await climbed();
    await revert(b.engine, idOf(b, "isolate-pod"), ANN);
    expect(state()).toMatchObject({ labels: { app: "web", [EGRESS_LABEL]: idOf(b, "restrict-egress") } });
    await sweepAfter(b, 15);
    expect(b.records()[0]).toMatchObject({
      playbook: "restrict-egress",
      state: "in-force",
      proof: "partial",
    });
  });
});

import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { valueAt } from "../../local/kubernetes/json-value.ts";
import { revert } from "../../src/engine/revert.ts";
import { drainNodeExcept } from "../../src/playbooks/drain-node-except.ts";
import { node, pod, portsOf, workload } from "../playbooks/cluster-objects.ts";
import { startCluster } from "../playbooks/start-cluster.ts";
import { approves, BOB, latest } from "./deciding.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { sweepAfter } from "./processes.ts";

const old = "2026-01-01T00:00:00Z";
const neighbours = ["web-1", "web-2"].map((name) => ({
  ...pod(name, {
    metadata: {
      labels: { app: "web" },
      creationTimestamp: old,
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "uid-of-web", controller: true },
      ],
    },
  }),
  status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
}));
const budget = (minAvailable: number) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { namespace: "shop", name: "web" },
  spec: { minAvailable, selector: { matchLabels: { app: "web" } } },
});

/** A rule that enforces, an alert about the pod `suspect`, and a node that it shares with two pods. */
async function alerted(config = ""): Promise<{ b: Bench; cluster: KubernetesStandIn }> {
  const { cluster } = await startCluster(
    [
      node("n1"),
      node("n2"),
      workload("ReplicaSet", "web", 2, { metadata: { uid: "uid-of-web" } }),
      pod("suspect", { metadata: { labels: { app: "suspect" }, creationTimestamp: old } }),
      ...neighbours,
      budget(2),
    ],
    { controllers: false },
  );
  // The time limit of planning is a real one: what is loaded with its first use is loaded here.
  await portsOf(cluster).read.kubernetes("").namespace("default");
  cluster.clear();
  const { read, write } = portsOf(cluster);
  const rules = configuration(
    "enforce",
    (text) => `${text.replace("name: quarantine", "name: drain-node-except")}\n${config}`,
    [drainNodeExcept],
  );
  const b = bench({
    configuration: rules,
    engine: {
      ports: { read: { kubernetes: read.kubernetes }, write },
      playbooks: new Map([[drainNodeExcept.name, drainNodeExcept]]),
    },
  });
  await b.ingest(alert({ pod: "suspect" }));
  return { b, cluster };
}

const onNode = (cluster: KubernetesStandIn) =>
  cluster
    .readAll("pods")
    .filter(({ spec }) => valueAt(Object(spec), "nodeName") === "n1")
    .map(({ metadata }) => metadata.name)
    .toSorted();
const written = (cluster: KubernetesStandIn) =>
  cluster.requests.filter(({ method, path }) => method !== "GET" && !path.includes("/events"));

describe("emptying a node, turn by turn", () => {
  it("asks a person though the rule enforces, and writes nothing before", async () => {
    const { b, cluster } = await alerted();
    expect(latest(b)).toMatchObject({
      state: "awaiting-approval",
      reason: expect.stringContaining("ends pods of others for good"),
    });
    expect(written(cluster)).toEqual([]);
  });

  it("goes on with what a budget held once it opens, and is proved", async () => {
    const { b, cluster } = await alerted();
    await approves(b);
    expect(latest(b)).toMatchObject({ state: "applying", touched: true });
    expect(onNode(cluster)).toEqual(["suspect", "web-1", "web-2"]);
    cluster.seed([budget(1)]);
    await sweepAfter(b, 1);
    expect(onNode(cluster)).toEqual(["suspect", "web-2"]);
    cluster.seed([budget(0)]);
    await sweepAfter(b, 1);
    expect(onNode(cluster)).toEqual(["suspect"]);
    expect(latest(b)).toMatchObject({ state: "in-force", proof: "proved", remains: [] });
    expect(b.broken()).toEqual([]);
  });

  it("leaves what a budget holds after some tries, and calls it partial", async () => {
    const { b, cluster } = await alerted();
    await approves(b);
    for (let turn = 0; turn < 10; turn++) await sweepAfter(b, 5);
    const record = latest(b);
    expect(record).toMatchObject({ state: "in-force", proof: "partial" });
    expect(record.remains.join(" ")).toContain("Pod shop/web-1 is left on the node");
    expect(onNode(cluster)).toEqual(["suspect", "web-1", "web-2"]);
    await revert(b.engine, record.id, BOB);
    expect(latest(b)).toMatchObject({ state: "reverted" });
    expect(cluster.read("nodes", "", "n1")?.["spec"]).not.toHaveProperty("unschedulable");
    expect(b.broken()).toEqual([]);
  });

  it("does not count who is protected by the configuration as left, and never asks for his eviction", async () => {
    const { b, cluster } = await alerted("scope: { deny: [ { labels: { app: web } } ] }");
    await approves(b);
    expect(latest(b)).toMatchObject({ state: "in-force", proof: "proved" });
    expect(written(cluster).map(({ method }) => method)).toEqual(["PATCH"]);
    expect(onNode(cluster)).toEqual(["suspect", "web-1", "web-2"]);
  });
});

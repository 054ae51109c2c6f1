import { afterEach, describe, expect, it } from "vitest";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { restrictEgress } from "../../src/playbooks/restrict-egress.ts";
import { budget, service } from "./cilium-objects.ts";
import { pod, policy, workload } from "./cluster-objects.ts";
import { type NetworkBench, networkBench } from "./network-bench.ts";

const open: NetworkBench[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ cluster }) => cluster.close()));
});

const labels = { app: "web", tier: "front" };
const ready = (name: string, is = "True", more: object = {}): object => ({
  ...pod(name, { metadata: { labels, ...more } }),
  status: { phase: "Running", conditions: [{ type: "Ready", status: is }] },
});
const opened = (label: string): object =>
  policy("open", {
    podSelector: { matchLabels: { [label]: labels[label as "app"] } },
    policyTypes: ["Ingress", "Egress"],
    egress: [{}],
  });

async function limits(objects: readonly object[], playbook = isolatePod): Promise<readonly string[]> {
  const b = await networkBench(playbook, objects);
  open.push(b);
  return [b.plan.impact, ...b.plan.limits];
}

describe("what a plan says of those who know the pod by its labels", () => {
  it("names services and budgets that lose it, and what stays behind them", async () => {
    const said = await limits([
      ready("web-1"),
      ready("web-2"),
      ready("web-3", "False"),
      ready("web-4", "True", { labels: { app: "web" } }),
      opened("tier"),
      service("front", { tier: "front" }),
      service("web", { app: "web" }),
      service("by-hand"),
      service("other", { app: "db" }),
      budget("front", labels),
      budget("web", { app: "web" }),
    ]);
    expect(said).toContain("Service shop/front loses the pod; 1 other ready pod stays behind it.");
    expect(said).toContain(
      "Service shop/web goes on sending to the pod as long as it is ready, and what it sends is lost.",
    );
    expect(said).toContain("PodDisruptionBudget shop/front no longer counts the pod.");
    expect(said.filter((one) => /by-hand|shop\/other|Budget shop\/web/.test(one))).toEqual([]);
  });

  it("says where nobody stays behind", async () => {
    const said = await limits([
      ready("web-1"),
      ready("web-2", "False"),
      opened("tier"),
      service("front", { tier: "front" }),
    ]);
    expect(said).toContain("Service shop/front loses the pod; no other ready pod stays behind it.");
  });

  it("says of a restriction that services go on, since ingress stays as it is", async () => {
    const said = await limits([ready("web-1"), service("web", { app: "web" })], restrictEgress);
    expect(said).toContain("Service shop/web goes on sending to the pod, which may answer.");
  });
});

describe("what a plan says of the pod's owner", () => {
  const uid = "0f0f0f0f-1111-4222-8333-666666666666";
  const owned = (kind: string, apiVersion = "apps/v1"): object[] => [
    ready("web-1", "True", { ownerReferences: [{ apiVersion, kind, name: "web", uid, controller: true }] }),
    ...(apiVersion === "apps/v1" ? [workload(kind, "web", 1, { metadata: { uid } })] : []),
  ];

  it.each<[string, readonly object[], string]>([
    ["bare", [ready("web-1")], "Nothing controls the pod: nothing takes its place."],
    [
      "a ReplicaSet's that keeps it",
      [...owned("ReplicaSet"), opened("tier")],
      "Its ReplicaSet web keeps it, and starts no other in its place.",
    ],
    [
      "a StatefulSet's",
      owned("StatefulSet"),
      "Its StatefulSet web keeps it with all labels of its selector: it could not replace it without harm.",
    ],
    [
      "an unknown operator's",
      owned("Database", "example.org/v1"),
      "Its Database web is of a kind that is not known here: it keeps the pod with all its labels, and may undo the change.",
    ],
  ])("%s", async (_what, objects, words) => {
    expect(await limits(objects)).toContain(words);
  });

  it("a ReplicaSet's that lets it go: in the impact", async () => {
    const [impact] = await limits([...owned("ReplicaSet"), opened("app")]);
    expect(impact).toContain(
      "Its ReplicaSet web lets it go and starts another pod of the same image in its place.",
    );
  });
});

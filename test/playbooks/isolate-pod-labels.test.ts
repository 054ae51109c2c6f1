import { describe, expect, it } from "vitest";
import { Conflict, Retryable } from "../../src/model/errors.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { CLUSTER, policy, workload } from "./cluster-objects.ts";
import { startCluster } from "./start-cluster.ts";

const ID = "a-1";
const letsIn = (labels: Record<string, string>): object =>
  policy("open", { podSelector: { matchLabels: labels }, ingress: [{ from: [{ podSelector: {} }] }] });

/** A workload of two pods, and the isolation of the first of them, planned. */
async function planned(kind: string, ...more: object[]) {
  const template = {
    metadata: { labels: { app: "web", tier: "front" } },
    spec: { containers: [{ name: "web", image: "reg.example/shop/web:1" }] },
  };
  const { cluster, ports } = await startCluster([workload(kind, "web", 2, { spec: { template } }), ...more]);
  const name = cluster.readAll("pods")[0]?.metadata.name ?? "";
  const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name } as const;
  const outcome = await isolatePod.plan({ target, parameters: {}, remediationId: ID }, ports);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  const plan: Plan = sealPlan(outcome.draft, { remediationId: ID, playbook: isolatePod.name, target });
  const pod = () => cluster.read("pods", "shop", name)?.metadata;
  return { cluster, ports, plan, pod, name };
}

describe("a pod that another policy lets traffic to", () => {
  it("loses the labels by which it does, in the patch that marks it, and is isolated", async () => {
    const { cluster, ports, plan, pod } = await planned("Deployment", letsIn({ app: "web", tier: "front" }));
    expect(plan.steps[1]).toMatchObject({ before: { tier: "front" }, after: ID });
    expect(plan.steps[1]?.sentence).toContain("take off tier");
    await isolatePod.apply(plan, ports);
    expect(cluster.effects.map(({ verb, plural }) => `${verb} ${plural}`)).toEqual([
      "create networkpolicies",
      "patch pods",
    ]);
    expect(pod()?.["labels"]).toMatchObject({ app: "web", [INCIDENT_LABEL]: ID });
    expect(pod()?.["labels"]).not.toHaveProperty("tier");
    // Its owner asks for app alone, and keeps it.
    expect(pod()?.["ownerReferences"]).toHaveLength(1);
    expect(cluster.readAll("pods")).toHaveLength(2);
    expect(await isolatePod.verify(plan, ports)).toEqual({ verdict: "holds", proof: "declared" });
    expect(await isolatePod.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(pod()?.["labels"]).toMatchObject({ app: "web", tier: "front" });
  });

  it("is let go by its ReplicaSet where nothing else helps, and taken back by it", async () => {
    const { cluster, ports, plan, pod } = await planned("Deployment", letsIn({ app: "web" }));
    expect(plan.impact).toContain("starts another pod of the same image");
    await isolatePod.apply(plan, ports);
    expect(pod()?.["ownerReferences"] ?? []).toEqual([]);
    expect(cluster.readAll("pods")).toHaveLength(3);
    expect(await isolatePod.verify(plan, ports)).toEqual({ verdict: "holds", proof: "declared" });
    expect(await isolatePod.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(pod()?.["ownerReferences"]).toHaveLength(1);
    expect(cluster.readAll("pods")).toHaveLength(2);
  });

  it.each(["StatefulSet", "DaemonSet"])(
    "keeps what its %s knows it by, and says what that leaves open",
    async (kind) => {
      const node = { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } };
      const { ports, plan, pod } = await planned(kind, node, letsIn({ app: "web" }));
      expect(plan.limits[0]).toBe(
        "Network policy shop/open still allows ingress from pods of any label of its namespace on all ports (rule 1).",
      );
      await isolatePod.apply(plan, ports);
      expect(pod()?.["ownerReferences"]).toHaveLength(1);
      expect(await isolatePod.verify(plan, ports)).toEqual({ verdict: "partial", remains: [plan.limits[0]] });
    },
  );

  it("is partial again once somebody opens a policy that selects it as it is", async () => {
    const { cluster, ports, plan } = await planned("Deployment", letsIn({ tier: "front" }));
    await isolatePod.apply(plan, ports);
    cluster.seed([
      policy("dns", {
        podSelector: {},
        policyTypes: ["Egress"],
        egress: [
          {
            to: [
              { ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } },
              { namespaceSelector: { matchLabels: { team: "net" } } },
            ],
            ports: [
              { protocol: "UDP", port: 53 },
              { protocol: "TCP", port: 8000, endPort: 8080 },
            ],
          },
        ],
      }),
    ]);
    expect(await isolatePod.verify(plan, ports)).toEqual({
      verdict: "partial",
      remains: expect.arrayContaining([
        "Network policy shop/dns still allows egress to 10.0.0.0/8 except 10.1.0.0/16 and all pods of namespaces with team=net on UDP 53, TCP 8000-8080 (rule 1).",
      ]),
    });
  });

  it("leaves nothing more open where the process dies between the two writes, and a rerun finishes", async () => {
    const { cluster, ports, plan, pod } = await planned("Deployment", letsIn({ app: "web" }));
    const before = pod()?.["labels"];
    cluster.faults.add({ match: { method: "PATCH" }, answer: { kind: "status", status: 503 } });
    await expect(isolatePod.apply(plan, ports)).rejects.toThrow(Retryable);
    expect(pod()?.["labels"]).toEqual(before);
    await isolatePod.apply(plan, ports);
    await isolatePod.apply(plan, ports);
    expect(await isolatePod.verify(plan, ports)).toMatchObject({ verdict: "holds" });
    expect(cluster.readAll("networkpolicies")).toHaveLength(2);
  });
});

describe("taking it back", () => {
  it("is refused where a rollout has emptied its ReplicaSet, which would delete the pod at once", async () => {
    const { cluster, ports, plan, pod } = await planned("Deployment", letsIn({ app: "web" }));
    await isolatePod.apply(plan, ports);
    const replicaSet = cluster.readAll("replicasets")[0]?.metadata.name ?? "";
    const patched = await fetch(`${cluster.url}/apis/apps/v1/namespaces/shop/deployments/web`, {
      method: "PATCH",
      headers: { authorization: "Bearer stand-in-token", "content-type": "application/merge-patch+json" },
      body: JSON.stringify({ spec: { template: { metadata: { annotations: { rolled: "out" } } } } }),
    });
    expect(patched.status).toBe(200);
    cluster.clear();
    await expect(isolatePod.revert(plan, ports)).rejects.toMatchObject({
      message: expect.stringContaining(`ReplicaSet ${replicaSet}`),
      remains: [expect.stringContaining("stays isolated, without an owner")],
    });
    expect(cluster.effects).toEqual([]);
    expect(pod()?.["labels"]).toMatchObject({ [INCIDENT_LABEL]: ID });
  });

  it("is refused over a label that somebody else has put on again otherwise, and says which", async () => {
    const { cluster, ports, plan, pod, name } = await planned("Deployment", letsIn({ tier: "front" }));
    await isolatePod.apply(plan, ports);
    const patched = await fetch(
      `${cluster.url}/api/v1/namespaces/shop/pods/${name}?fieldManager=kubectl-label`,
      {
        method: "PATCH",
        headers: { authorization: "Bearer stand-in-token", "content-type": "application/merge-patch+json" },
        body: JSON.stringify({ metadata: { labels: { tier: "back" } } }),
      },
    );
    expect(patched.status).toBe(200);
    cluster.clear();
    await expect(isolatePod.revert(plan, ports)).rejects.toThrow(Conflict);
    await expect(isolatePod.revert(plan, ports)).rejects.toMatchObject({
      remains: [expect.stringMatching(/has the label tier=back \(set by kubectl-label/)],
    });
    expect(cluster.effects).toEqual([]);
    expect(pod()?.["labels"]).toMatchObject({ tier: "back" });
  });

  it("does not begin where a label that it would take off was changed after the plan", async () => {
    const { cluster, ports, plan, name } = await planned("Deployment", letsIn({ tier: "front" }));
    const [first] = cluster.readAll("pods").filter(({ metadata }) => metadata.name === name);
    if (first === undefined) throw new TypeError("a pod is wanted");
    await fetch(`${cluster.url}/api/v1/namespaces/shop/pods/${name}`, {
      method: "PATCH",
      headers: { authorization: "Bearer stand-in-token", "content-type": "application/merge-patch+json" },
      body: JSON.stringify({ metadata: { labels: { tier: "back" } } }),
    });
    await expect(isolatePod.apply(plan, ports)).rejects.toThrow(/label tier .* is not as the plan saw it/);
  });
});

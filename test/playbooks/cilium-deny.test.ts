import { afterEach, describe, expect, it } from "vitest";
import { Conflict, Retryable } from "../../src/model/errors.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { ciliumCluster, endpoint, service } from "./cilium-objects.ts";
import { pod, policy } from "./cluster-objects.ts";
import { ID, type NetworkBench, networkBench } from "./network-bench.ts";

const OWN = `reflex-deny-${ID}`;
const PATH = `/apis/cilium.io/v2/namespaces/shop/ciliumnetworkpolicies/${OWN}`;
const labels = { app: "web", tier: "front" };
const open: NetworkBench[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ cluster }) => cluster.close()));
});

async function planned(...more: object[]): Promise<NetworkBench> {
  const b = await networkBench(
    isolatePod,
    [
      ...ciliumCluster(),
      pod("web-1", { metadata: { labels } }),
      policy("open", { podSelector: {}, policyTypes: ["Ingress", "Egress"], ingress: [{}], egress: [{}] }),
      service("front", { tier: "front" }),
      ...more,
    ],
    { engine: "cilium" },
  );
  open.push(b);
  return b;
}

const foreign = (spec: object): object => ({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNetworkPolicy",
  metadata: { namespace: "shop", name: OWN, labels: { [INCIDENT_LABEL]: ID } },
  spec,
});

describe("isolate-pod with Cilium's own deny", () => {
  it("takes off no label, also where a policy that selects all allows everything", async () => {
    const b = await planned(endpoint("web-1", ID));
    expect(b.plan.data).toMatchObject({ removed: {}, letGoBy: null });
    expect(b.plan.limits.join()).toContain("Cilium denies it all the same");
    expect(b.plan.limits.join()).not.toContain("loses the pod");
    await isolatePod.apply(b.plan, b.ports);
    expect(b.cluster.read("pods", "shop", "web-1")?.metadata["labels"]).toEqual({
      ...labels,
      [INCIDENT_LABEL]: ID,
    });
    expect(await isolatePod.verify(b.plan, b.ports)).toEqual({ verdict: "holds", proof: "proved" });
  });

  it("selects by our label alone, denies all that is sent, and all that comes but from the pod's own node", async () => {
    const b = await planned();
    await isolatePod.apply(b.plan, b.ports);
    const spec = b.cluster.read("ciliumnetworkpolicies", "shop", OWN)?.["spec"];
    expect(spec).toMatchObject({
      endpointSelector: { matchLabels: { [INCIDENT_LABEL]: ID } },
      egressDeny: [{ toEntities: ["all"] }],
      ingressDeny: [
        { fromEntities: expect.arrayContaining(["world", "remote-node"]) },
        { fromEndpoints: [{}] },
      ],
    });
    expect(JSON.stringify(spec)).not.toContain('"host"');
    expect(JSON.stringify(spec)).not.toMatch(/"(?:ingress|egress)":/);
    // Nobody reports anything of the pod: what the API holds is all that is known.
    expect(await isolatePod.verify(b.plan, b.ports)).toEqual({ verdict: "holds", proof: "declared" });
  });

  it("makes both policies first and labels the pod last, and takes the label off first", async () => {
    const b = await planned();
    await isolatePod.apply(b.plan, b.ports);
    await isolatePod.apply(b.plan, b.ports);
    expect(await isolatePod.revert(b.plan, b.ports)).toEqual({ outcome: "restored" });
    expect(await isolatePod.revert(b.plan, b.ports)).toEqual({ outcome: "restored" });
    expect(b.cluster.effects.map(({ verb, plural }) => `${verb} ${plural}`)).toEqual([
      "create networkpolicies",
      "create ciliumnetworkpolicies",
      "patch pods",
      "patch pods",
      "delete ciliumnetworkpolicies",
      "delete networkpolicies",
    ]);
    expect(b.cluster.read("pods", "shop", "web-1")?.metadata["labels"]).toEqual(labels);
  });

  it.each(["networkpolicies", "ciliumnetworkpolicies", "pods"])(
    "is finished by a rerun where the write to %s failed, and marks nothing before both are there",
    async (plural) => {
      const b = await planned();
      b.cluster.faults.add({
        match: { method: plural === "pods" ? "PATCH" : "POST", path: `/${plural}` },
        answer: { kind: "status", status: 503 },
      });
      await expect(isolatePod.apply(b.plan, b.ports)).rejects.toThrow(Retryable);
      expect(b.cluster.read("pods", "shop", "web-1")?.metadata["labels"]).toEqual(labels);
      await isolatePod.apply(b.plan, b.ports);
      expect(await isolatePod.verify(b.plan, b.ports)).toMatchObject({ verdict: "holds" });
    },
  );

  it("is absent where the deny was changed or has gone, and says who changed it", async () => {
    const b = await planned(endpoint("web-1", ID));
    await isolatePod.apply(b.plan, b.ports);
    await b.patch(PATH, "flux", { spec: { egressDeny: [{ toEntities: ["world"] }] } });
    expect(await isolatePod.verify(b.plan, b.ports)).toEqual({
      verdict: "absent",
      reason: expect.stringMatching(/^Cilium network policy .* it was changed \(set by flux at /),
    });
    await expect(isolatePod.revert(b.plan, b.ports)).rejects.toThrow(Conflict);
    await b.remove(PATH);
    expect(await isolatePod.verify(b.plan, b.ports)).toEqual({
      verdict: "absent",
      reason: expect.stringContaining("it has gone"),
    });
    expect(await isolatePod.revert(b.plan, b.ports)).toEqual({ outcome: "restored" });
  });

  it("never changes a policy of somebody that bears its name", async () => {
    const b = await planned();
    b.cluster.seed([foreign({ endpointSelector: {}, egress: [{ toEntities: ["all"] }] })]);
    b.cluster.clear();
    await expect(isolatePod.apply(b.plan, b.ports)).rejects.toThrow(Conflict);
    await expect(isolatePod.revert(b.plan, b.ports)).rejects.toThrow(Conflict);
    const { target } = b.plan;
    const again = isolatePod.plan({ target, parameters: { engine: "cilium" }, remediationId: ID }, b.ports);
    await expect(again).rejects.toThrow(Conflict);
    expect(b.cluster.effects).toEqual([]);
  });

  it("goes on without it where Cilium is not found, and says so", async () => {
    const b = await networkBench(isolatePod, [pod("web-1")], { engine: "cilium" });
    open.push(b);
    expect(b.plan.limits).toContain(
      "Cilium's own deny was asked for, but no agent of it was found there: the network policy alone isolates the pod.",
    );
    await isolatePod.apply(b.plan, b.ports);
    expect(b.cluster.effects.map(({ verb, plural }) => `${verb} ${plural}`)).toEqual([
      "create networkpolicies",
      "patch pods",
    ]);
    expect(await isolatePod.verify(b.plan, b.ports)).toEqual({ verdict: "holds", proof: "declared" });
  });

  it("goes by plans of earlier versions, which say no engine", async () => {
    const b = await planned();
    const data = { ...(b.plan.data as object), deny: true };
    const earlier = { ...b.plan, data };
    await isolatePod.apply(earlier, b.ports);
    expect(b.cluster.read("ciliumnetworkpolicies", "shop", OWN)).toBeDefined();
    expect(await isolatePod.verify(earlier, b.ports)).toMatchObject({ verdict: "holds" });
    expect(await isolatePod.revert(earlier, b.ports)).toEqual({ outcome: "restored" });
  });
});

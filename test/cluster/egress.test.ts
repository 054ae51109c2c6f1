import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Conflict } from "../../src/model/errors.ts";
import { EGRESS_LABEL, INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { AnyPlaybook, WritePorts } from "../../src/model/playbook.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { restrictEgress } from "../../src/playbooks/restrict-egress.ts";
import { agent, budget, endpoint, installed, service } from "../playbooks/cilium-objects.ts";
import { CLUSTER, manifest, pod, policy } from "../playbooks/cluster-objects.ts";
import { eventually, type Lab } from "./lab.ts";
import { asApp, labs } from "./labs.ts";

const places = labs("No policy of ours is tried on a real API server.");
const WAIT = 60_000;
const KEEP = {
  keep: [
    { cidr: "0.0.0.0/0", ports: [{ port: 443 }] },
    { cidr: "2001:db8::/32", ports: [{ protocol: "UDP", port: 5000, endPort: 5010 }] },
    { namespaces: { team: "db" }, pods: { app: "db" }, ports: [{ port: 5432 }] },
    { pods: {} },
  ],
};
let runs = 0;

/** A bare pod of the namespace shop. */
function bare(name: string, labels: Record<string, string>, nodeName?: string): object {
  const {
    spec: _spec,
    status: _status,
    ...rest
  } = pod(name, { metadata: { labels } }) as Record<string, unknown>;
  return {
    ...rest,
    spec: {
      containers: [{ name: "c", image: "reg.example/shop/web:1" }],
      ...(nodeName === undefined ? {} : { nodeName }),
    },
  };
}

describe.each(places)("policies of ours on $name", ({ open, isThere }) => {
  let lab: Lab;
  let ports: WritePorts;

  beforeAll(async () => {
    if (!isThere) return;
    lab = await open();
    const namespace = (name: string) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
    await lab.apply(namespace("shop"), ...["1-namespace.yaml", "4-access.yaml"].flatMap(manifest));
    const { reader, writer } = await asApp(lab);
    ports = { read: { kubernetes: () => reader }, write: { kubernetes: () => writer } };
    // A bare control plane has no account for pods yet when the namespace is new.
    await eventually(
      async () => lab.refusal(bare("probe", {})),
      (no) => no === null,
    );
  }, 120_000);
  afterAll(() => (isThere ? lab.close() : undefined));

  const propose = (playbook: AnyPlaybook, name: string, parameters: object) => {
    runs += 1;
    const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name } as const;
    const remediationId = `e-${runs}`;
    return { target, remediationId, asked: playbook.plan({ target, parameters, remediationId }, ports) };
  };
  async function planned(playbook: AnyPlaybook, name: string, parameters: object): Promise<Plan> {
    const { target, remediationId, asked } = propose(playbook, name, parameters);
    const outcome = await asked;
    if (outcome.outcome !== "change") throw new Error(outcome.reason);
    return sealPlan(outcome.draft, { remediationId, playbook: playbook.name, target });
  }
  const policies = () => lab.list("networkpolicies", "shop");
  const labelsOf = async (name: string) =>
    (await lab.list("pods", "shop")).find(({ metadata }) => metadata.name === name)?.metadata.labels;

  it.runIf(isThere)("are not made where nobody enforces them", { timeout: WAIT }, async () => {
    await lab.apply(bare("nobody", { app: "nobody" }));
    for (const playbook of [isolatePod, restrictEgress]) {
      expect(await propose(playbook, "nobody", {}).asked).toMatchObject({
        outcome: "skip",
        reason: expect.stringContaining("without a network policy engine"),
      });
    }
    expect(await policies()).toEqual([]);
  });

  it.runIf(isThere)(
    "restrict egress to the list, keep what others let in, and leave no trace",
    { timeout: WAIT },
    async () => {
      const labels = { app: "web", tier: "front" };
      await lab.apply(
        agent("kube-system", "azure-npm"),
        bare("web-1", labels),
        policy("in", { podSelector: { matchLabels: { app: "web" } }, ingress: [{}] }),
        policy("out", {
          podSelector: { matchLabels: { tier: "front" } },
          policyTypes: ["Egress"],
          egress: [{}],
        }),
        service("front", { tier: "front" }),
        budget("front", { tier: "front" }),
      );
      const before = await policies();
      const plan = await planned(restrictEgress, "web-1", KEEP);
      expect(plan.limits).toEqual(
        expect.arrayContaining([
          "Service shop/front loses the pod; no other ready pod stays behind it.",
          "PodDisruptionBudget shop/front no longer counts the pod.",
        ]),
      );
      await restrictEgress.apply(plan, ports);
      await restrictEgress.apply(plan, ports);
      expect(await restrictEgress.verify(plan, ports)).toEqual({ verdict: "holds", proof: "declared" });
      expect(await labelsOf("web-1")).toEqual({ app: "web", [EGRESS_LABEL]: plan.remediationId });
      const own = (await policies()).find(
        ({ metadata }) => metadata.name === `reflex-egress-${plan.remediationId}`,
      );
      expect(own?.spec).toMatchObject({ policyTypes: ["Egress"] });
      expect(JSON.stringify(own?.spec)).toContain('"except":["169.254.169.254/32"]');
      expect(await restrictEgress.revert(plan, ports)).toEqual({ outcome: "restored" });
      expect(await restrictEgress.revert(plan, ports)).toEqual({ outcome: "restored" });
      expect(await labelsOf("web-1")).toEqual(labels);
      expect(await policies()).toEqual(before);
    },
  );

  it.runIf(isThere)(
    "are denied nothing by the list that egress was not allowed, and a changed one is left alone",
    { timeout: WAIT },
    async () => {
      await lab.apply(
        bare("closed", { app: "closed" }),
        policy("closed", { podSelector: { matchLabels: { app: "closed" } }, policyTypes: ["Egress"] }),
      );
      const plan = await planned(restrictEgress, "closed", KEEP);
      expect(plan.data).toMatchObject({ egress: [] });
      await restrictEgress.apply(plan, ports);
      expect(await restrictEgress.verify(plan, ports)).toMatchObject({ verdict: "holds" });
      const name = `reflex-egress-${plan.remediationId}`;
      const spec = {
        podSelector: { matchLabels: { [INCIDENT_LABEL]: plan.remediationId } },
        policyTypes: ["Egress"],
      };
      await lab.apply(policy(name, { ...spec, egress: [{}] }, { [INCIDENT_LABEL]: plan.remediationId }));
      expect(await restrictEgress.verify(plan, ports)).toMatchObject({
        verdict: "absent",
        reason: expect.stringMatching(/it was changed/),
      });
      await expect(restrictEgress.revert(plan, ports)).rejects.toThrow(Conflict);
    },
  );

  it.runIf(isThere)("are proved by what Cilium reports of the pod", { timeout: WAIT }, async () => {
    await lab.apply(
      agent("kube-system", "cilium"),
      installed("cilium.io", "v2", "ciliumendpoints", "CiliumEndpoint"),
      {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: "n1", labels: { "kubernetes.azure.com/ebpf-dataplane": "cilium" } },
      },
      bare("seen", { app: "seen" }, "n1"),
    );
    const plan = await planned(isolatePod, "seen", {});
    expect(plan.data).toMatchObject({ engine: "Cilium" });
    await isolatePod.apply(plan, ports);
    expect(await isolatePod.verify(plan, ports)).toEqual({ verdict: "holds", proof: "declared" });
    await eventually(
      async () =>
        lab.apply(endpoint("seen", plan.remediationId)).then(
          () => true,
          () => false,
        ),
      (done) => done,
    );
    expect(await isolatePod.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    expect(await isolatePod.revert(plan, ports)).toEqual({ outcome: "restored" });
  });

  it.runIf(isThere)("are not needed to take labels off where Cilium denies", { timeout: WAIT }, async () => {
    const labels = { app: "denied", tier: "front" };
    await lab.apply(
      installed("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy"),
      bare("denied", labels, "n1"),
      policy("all", { podSelector: {}, policyTypes: ["Ingress", "Egress"], ingress: [{}], egress: [{}] }),
    );
    const propose = () => planned(isolatePod, "denied", { engine: "cilium" });
    // A new kind is served some moments after it was installed.
    const plan = await eventually(
      () => propose().catch(() => null),
      (found) => found !== null,
    );
    if (plan === null) throw new Error("the kind is never served");
    await isolatePod.apply(plan, ports);
    await isolatePod.apply(plan, ports);
    expect(await isolatePod.verify(plan, ports)).toEqual({ verdict: "holds", proof: "declared" });
    expect(await labelsOf("denied")).toEqual({ ...labels, [INCIDENT_LABEL]: plan.remediationId });
    const denies = () => lab.list("ciliumnetworkpolicies", "shop");
    expect((await denies()).map(({ metadata }) => metadata.name)).toEqual([
      `reflex-deny-${plan.remediationId}`,
    ]);
    expect(await isolatePod.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(await labelsOf("denied")).toEqual(labels);
    expect(await denies()).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Conflict } from "../../src/model/errors.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { AnyPlaybook, Verification, WritePorts } from "../../src/model/playbook.ts";
import type { Target } from "../../src/model/target.ts";
import { blockImage } from "../../src/playbooks/block-image.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { scaleToZero } from "../../src/playbooks/scale-to-zero.ts";
import { agent } from "../playbooks/cilium-objects.ts";
import { CLUSTER, manifest, policy, workload } from "../playbooks/cluster-objects.ts";
import { eventually, type Lab, type LabObject } from "./lab.ts";
import { asApp, labs } from "./labs.ts";

const places = labs("No playbook is tried on a real API server.");
const MANIFESTS = [
  "1-namespace.yaml",
  "1-admission-lists.yaml",
  "2-blocked-images.yaml",
  "3-block-images.yaml",
  "4-access.yaml",
];
const WAIT = 60_000;
let runs = 0;

/** A Deployment, StatefulSet or ReplicaSet whose pods have the labels app and tier; its selector asks for app alone. */
function web(kind: string, name: string, replicas: number, more: object = {}): object {
  const template = {
    metadata: { labels: { app: name, tier: "front" }, ...more },
    spec: { containers: [{ name: "web", image: "reg.example/shop/web:1" }] },
  };
  // Without a kubelet nothing becomes ready: the next pod must not wait for that.
  const all = kind === "StatefulSet" ? { podManagementPolicy: "Parallel" } : {};
  return workload(kind, name, replicas, { spec: { template, ...all } });
}

describe.each(places)("playbooks on $name", ({ open, isThere }) => {
  let lab: Lab;
  let ports: WritePorts;

  beforeAll(async () => {
    if (!isThere) return;
    lab = await open();
    const shop = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
    // Where nobody enforces network policies nothing is isolated.
    await lab.apply(shop, agent("kube-system", "azure-npm"), ...MANIFESTS.flatMap(manifest));
    // Everything is done with the rights of the manifest, and no others.
    const { reader, writer } = await asApp(lab);
    ports = { read: { kubernetes: () => reader }, write: { kubernetes: () => writer } };
  }, 120_000);
  afterAll(() => (isThere ? lab.close() : undefined));

  const podsOf = async (app: string): Promise<readonly LabObject[]> => {
    const pods = await lab.list("pods", "shop");
    return pods.filter(
      ({ metadata: { name, deletionTimestamp } }) =>
        name.startsWith(`${app}-`) && deletionTimestamp === undefined,
    );
  };
  const somePods = (app: string, count: number) =>
    eventually(
      () => podsOf(app),
      (pods) => pods.length === count,
    );
  const pod = async (name: string) =>
    (await lab.list("pods", "shop")).find(({ metadata }) => metadata.name === name);

  async function planned(playbook: AnyPlaybook, target: Target): Promise<Plan> {
    runs += 1;
    const remediationId = `a-${runs}`;
    const outcome = await playbook.plan({ target, parameters: {}, remediationId }, ports);
    if (outcome.outcome !== "change") throw new Error(outcome.reason);
    return sealPlan(outcome.draft, { remediationId, playbook: playbook.name, target });
  }

  /** Applied twice, since that must change nothing, and read back until it is judged. */
  async function applied(playbook: AnyPlaybook, plan: Plan): Promise<Verification> {
    await playbook.apply(plan, ports);
    await playbook.apply(plan, ports);
    return eventually(
      () => playbook.verify(plan, ports),
      ({ verdict }) => verdict !== "not-yet",
    );
  }

  async function isolationOf(
    app: string,
    kind: string,
    selector: object,
  ): Promise<{ plan: Plan; first: LabObject }> {
    await lab.apply(web(kind, app, 2), policy(`open-${app}`, { podSelector: selector, ingress: [{}] }));
    const [first] = await somePods(app, 2);
    if (first === undefined) throw new Error("no pod came up");
    const { name } = first.metadata;
    return {
      plan: await planned(isolatePod, { kind: "pod", cluster: CLUSTER, namespace: "shop", name }),
      first,
    };
  }

  it.runIf(isThere)(
    "isolate-pod takes off the label that lets traffic in; its owner keeps the pod",
    { timeout: WAIT },
    async () => {
      const { plan, first } = await isolationOf("kept", "Deployment", {
        matchLabels: { app: "kept", tier: "front" },
      });
      expect(await applied(isolatePod, plan)).toEqual({ verdict: "holds", proof: "declared" });
      const isolated = await pod(first.metadata.name);
      const { tier: _off, ...others } = first.metadata.labels ?? {};
      expect(isolated?.metadata.labels).toEqual({ ...others, [INCIDENT_LABEL]: plan.remediationId });
      expect(isolated?.metadata.ownerReferences).toEqual(first.metadata.ownerReferences);
      expect(await podsOf("kept")).toHaveLength(2);
      expect(await isolatePod.revert(plan, ports)).toEqual({ outcome: "restored" });
      expect(await isolatePod.revert(plan, ports)).toEqual({ outcome: "restored" });
      expect((await pod(first.metadata.name))?.metadata.labels).toEqual(first.metadata.labels);
      expect((await lab.list("networkpolicies", "shop")).map(({ metadata }) => metadata.name)).not.toContain(
        `reflex-isolate-${plan.remediationId}`,
      );
    },
  );

  it.runIf(isThere)(
    "isolate-pod is let go by its ReplicaSet where it must be, and comes back to it",
    { timeout: WAIT },
    async () => {
      const { plan, first } = await isolationOf("freed", "Deployment", { matchLabels: { app: "freed" } });
      expect(await applied(isolatePod, plan)).toEqual({ verdict: "holds", proof: "declared" });
      expect(await somePods("freed", 3)).toHaveLength(3);
      expect((await pod(first.metadata.name))?.metadata.ownerReferences ?? []).toEqual([]);
      expect(await isolatePod.revert(plan, ports)).toEqual({ outcome: "restored" });
      const back = await somePods("freed", 2);
      expect(back.map(({ metadata }) => metadata.uid)).toContain(first.metadata.uid);
      expect((await pod(first.metadata.name))?.metadata.ownerReferences).toHaveLength(1);
    },
  );

  it.runIf(isThere)(
    "isolate-pod is not taken back after a rollout, which would delete the pod",
    { timeout: WAIT },
    async () => {
      const { plan, first } = await isolationOf("rolled", "Deployment", { matchLabels: { app: "rolled" } });
      await isolatePod.apply(plan, ports);
      await somePods("rolled", 3);
      await lab.apply(web("Deployment", "rolled", 2, { annotations: { rolled: "out" } }));
      // Without a kubelet nothing becomes ready, and a rollout stops half-way: its old ReplicaSet is emptied by hand.
      const owner = first.metadata.ownerReferences?.[0]?.name ?? "";
      await eventually(
        () => lab.list("replicasets", "shop"),
        (sets) => sets.filter(({ metadata }) => metadata.name.startsWith("rolled-")).length === 2,
      );
      await lab.empty(owner);
      await expect(isolatePod.revert(plan, ports)).rejects.toThrow(Conflict);
      expect((await pod(first.metadata.name))?.metadata.uid).toBe(first.metadata.uid);
    },
  );

  it.runIf(isThere)(
    "isolate-pod leaves a StatefulSet its pod, and says what stays open",
    { timeout: WAIT },
    async () => {
      const { plan } = await isolationOf("state", "StatefulSet", { matchLabels: { app: "state" } });
      expect(await applied(isolatePod, plan)).toEqual({
        verdict: "partial",
        remains: [
          "Network policy shop/open-state still allows ingress from everywhere on all ports (rule 1).",
        ],
      });
      expect(await isolatePod.revert(plan, ports)).toEqual({ outcome: "restored" });
    },
  );

  it.runIf(isThere).each(["Deployment", "StatefulSet", "ReplicaSet"] as const)(
    "scale-to-zero ends the pods of a %s, and brings as many back",
    { timeout: WAIT },
    async (workloadKind) => {
      const name = `scaled-${workloadKind.toLowerCase()}`;
      await lab.apply(web(workloadKind, name, 2));
      await somePods(name, 2);
      const plan = await planned(scaleToZero, {
        kind: "workload",
        cluster: CLUSTER,
        namespace: "shop",
        workloadKind,
        name,
      });
      expect(await applied(scaleToZero, plan)).toEqual({ verdict: "holds", proof: "proved" });
      expect(await podsOf(name)).toEqual([]);
      expect(await scaleToZero.revert(plan, ports)).toEqual({ outcome: "restored" });
      expect(await somePods(name, 2)).toHaveLength(2);
    },
  );

  it.runIf(isThere)(
    "block-image keeps new pods of the image out, and lets others in",
    { timeout: WAIT },
    async () => {
      const bare = (image: string): object => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "probe", namespace: "shop" },
        spec: { containers: [{ name: "c", image }] },
      });
      const plan = await planned(blockImage, {
        kind: "image",
        cluster: CLUSTER,
        reference: "evil/miner:1",
        digest: null,
      });
      await eventually(
        () => lab.refusal(bare("evil/miner:1")),
        (no) => no === null,
      );
      await applied(blockImage, plan);
      for (const spelling of ["evil/miner:1", "docker.io/evil/miner:1", "index.docker.io/evil/miner:1"]) {
        const no = await eventually(
          () => lab.refusal(bare(spelling)),
          (answer) => answer !== null,
        );
        expect(no, spelling).toContain("reflex-blocked-image");
      }
      expect(await lab.refusal(bare("evil/miner:2"))).toBe(null);
      await blockImage.revert(plan, ports);
      expect(
        await eventually(
          () => lab.refusal(bare("evil/miner:1")),
          (answer) => answer === null,
        ),
      ).toBe(null);
    },
  );
});

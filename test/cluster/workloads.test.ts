import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Retryable } from "../../src/model/errors.ts";
import { BEFORE_LABEL, INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import type { WorkloadKind } from "../../src/model/kubernetes-objects.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { AnyPlaybook, RevertOutcome, Verification, WritePorts } from "../../src/model/playbook.ts";
import { holdWorkload } from "../../src/playbooks/hold-workload.ts";
import { KEDA_PAUSE } from "../../src/playbooks/keda-pause.ts";
import { scaleToZero } from "../../src/playbooks/scale-to-zero.ts";
import { manifest } from "../playbooks/cluster-objects.ts";
import { kedaInstalled, scaledObject } from "../playbooks/keda-objects.ts";
import { running, workloadTarget } from "../playbooks/workload-objects.ts";
import { eventually, type Lab, type LabObject } from "./lab.ts";
import { asApp, labs } from "./labs.ts";

const places = labs("No workload is stopped on a real API server.");
const MANIFESTS = [
  "1-admission-lists.yaml",
  "1-namespace.yaml",
  "4-access.yaml",
  "5-pin-identity.yaml",
  "6-hold-workloads.yaml",
];
const WAIT = 60_000;
let runs = 0;

describe.each(places)("workloads on $name", ({ open, isThere }) => {
  let lab: Lab;
  let ports: WritePorts;

  beforeAll(async () => {
    if (!isThere) return;
    lab = await open();
    const shop = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
    const n1 = { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } };
    await lab.apply(shop, n1, ...MANIFESTS.flatMap(manifest));
    // Everything is done with the rights of the manifests, under the policy that pins our identity.
    const { reader, writer } = await asApp(lab);
    ports = { read: { kubernetes: () => reader }, write: { kubernetes: () => writer } };
  }, 120_000);
  afterAll(() => (isThere ? lab.close() : undefined));

  const podsOf = async (app: string): Promise<readonly LabObject[]> =>
    (await lab.list("pods", "shop")).filter(
      ({ metadata: { name, deletionTimestamp } }) =>
        name.startsWith(`${app}-`) && deletionTimestamp === undefined,
    );
  const somePods = (app: string, count: number) =>
    eventually(
      () => podsOf(app),
      (pods) => pods.length === count,
    );
  const found = async (kind: string, name: string) =>
    (await lab.list(`${kind.toLowerCase()}s`, "shop")).find(({ metadata }) => metadata.name === name);

  async function planned(
    playbook: AnyPlaybook,
    kind: WorkloadKind,
    name: string,
    parameters: object = {},
  ): Promise<Plan> {
    runs += 1;
    const remediationId = `w-${runs}`;
    const target = workloadTarget(kind, name);
    const outcome = await playbook.plan({ target, parameters, remediationId }, ports);
    if (outcome.outcome !== "change") throw new Error(outcome.reason);
    return sealPlan(outcome.draft, { remediationId, playbook: playbook.name, target });
  }

  /** Asked again at once where the object moved meanwhile, as the engine does. */
  async function reverted(playbook: AnyPlaybook, plan: Plan): Promise<RevertOutcome> {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      try {
        return await playbook.revert(plan, ports);
      } catch (error) {
        if (!(error instanceof Retryable)) throw error;
      }
    }
    return playbook.revert(plan, ports);
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

  it.runIf(isThere).each([
    ["Deployment", 3, "3"],
    ["StatefulSet", 1, "3"],
    ["ReplicationController", 3, "3"],
    ["DaemonSet", 1, "none"],
    ["Job", 2, "false"],
  ] as const)(
    "scale-to-zero ends the pods of a %s and brings them back, with nothing of ours left",
    { timeout: WAIT },
    async (kind, count, before) => {
      const name = `stop-${kind.toLowerCase()}`;
      await lab.apply(running(kind, name));
      // Without a kubelet nothing becomes ready, and a StatefulSet waits for its first pod.
      const first = await eventually(
        () => podsOf(name),
        (pods) => pods.length >= count,
      );
      expect(first.length).toBeGreaterThanOrEqual(count);
      const original = await found(kind, name);
      const plan = await planned(scaleToZero, kind, name);
      expect(await applied(scaleToZero, plan)).toEqual({ verdict: "holds", proof: "proved" });
      expect(await podsOf(name)).toEqual([]);
      expect((await found(kind, name))?.metadata.labels).toMatchObject({
        [INCIDENT_LABEL]: plan.remediationId,
        [BEFORE_LABEL]: before,
      });
      expect(await reverted(scaleToZero, plan)).toEqual({ outcome: "restored" });
      expect(await reverted(scaleToZero, plan)).toEqual({ outcome: "restored" });
      await eventually(
        () => podsOf(name),
        (pods) => pods.length >= count,
      );
      const back = await found(kind, name);
      expect(back?.metadata.labels).toEqual(original?.metadata.labels);
      expect(back?.spec).toEqual(original?.spec);
    },
  );

  it.runIf(isThere)(
    "scale-to-zero suspends a CronJob and the Job that it has begun",
    { timeout: WAIT },
    async () => {
      await lab.apply(running("CronJob", "nightly"));
      const uid = (await found("CronJob", "nightly"))?.metadata.uid;
      const owner = { apiVersion: "batch/v1", kind: "CronJob", name: "nightly", uid, controller: true };
      await lab.apply(running("Job", "nightly-29000001", { ownerReferences: [owner] }));
      await somePods("nightly-29000001", 2);
      const plan = await planned(scaleToZero, "CronJob", "nightly");
      expect(await applied(scaleToZero, plan)).toEqual({ verdict: "holds", proof: "proved" });
      const both = [
        ["CronJob", "nightly"],
        ["Job", "nightly-29000001"],
      ] as const;
      for (const [kind, name] of both)
        expect((await found(kind, name))?.spec).toMatchObject({ suspend: true });
      expect(await podsOf("nightly-29000001")).toEqual([]);
      expect(await reverted(scaleToZero, plan)).toEqual({ outcome: "restored" });
      for (const [kind, name] of both)
        expect((await found(kind, name))?.spec).toMatchObject({ suspend: false });
      expect(await somePods("nightly-29000001", 2)).toHaveLength(2);
    },
  );

  it.runIf(isThere)(
    "scale-to-zero pauses KEDA's ScaledObject before it stops what that scales, and lets it go on after",
    { timeout: WAIT },
    async () => {
      await lab.apply(kedaInstalled(), running("Deployment", "queue"));
      await eventually(
        () => lab.refusal(scaledObject("queue", { name: "queue" })),
        (answer) => answer === null,
      );
      await lab.apply(scaledObject("queue", { name: "queue" }, { annotations: { note: "x" } }));
      await somePods("queue", 3);
      const original = await found("ScaledObject", "queue");
      const plan = await planned(scaleToZero, "Deployment", "queue");
      expect(plan.steps).toHaveLength(2);
      expect(await applied(scaleToZero, plan)).toEqual({ verdict: "holds", proof: "proved" });
      expect((await found("ScaledObject", "queue"))?.metadata).toMatchObject({
        annotations: { note: "x", [KEDA_PAUSE]: "0" },
        labels: { [INCIDENT_LABEL]: plan.remediationId },
      });
      expect(await ports.read.kubernetes("").marked()).toContainEqual({
        object: "ScaledObject shop/queue",
        remediationId: plan.remediationId,
      });
      expect(await reverted(scaleToZero, plan)).toEqual({ outcome: "restored" });
      expect(await reverted(scaleToZero, plan)).toEqual({ outcome: "restored" });
      const back = await found("ScaledObject", "queue");
      expect(back?.metadata.annotations).toEqual(original?.metadata.annotations);
      expect(back?.metadata.labels ?? {}).toEqual(original?.metadata.labels ?? {});
      expect(back?.spec).toEqual(original?.spec);
      await somePods("queue", 3);
    },
  );

  const podOf = (kind: string, name: string, labels: object = {}): object => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "probe",
      namespace: "shop",
      labels,
      ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid: "none", controller: true }],
    },
    spec: { containers: [{ name: "c", image: "web:1" }] },
  });

  it.runIf(isThere)(
    "hold-workload refuses new pods of a Deployment, through whichever ReplicaSet, and of nothing else",
    { timeout: WAIT },
    async () => {
      await lab.apply(running("Deployment", "held"));
      await somePods("held", 3);
      const plan = await planned(holdWorkload, "Deployment", "held");
      expect(plan.data).toEqual({ keys: ["shop_Deployment.apps_held"] });
      expect(await applied(holdWorkload, plan)).toEqual({ verdict: "holds", proof: "declared" });
      const ofTomorrow = podOf("ReplicaSet", "held-5d9", { "pod-template-hash": "5d9" });
      const no = await eventually(
        () => lab.refusal(ofTomorrow),
        (answer) => answer !== null,
      );
      expect(no).toContain("reflex-held-workload: shop_Deployment.apps_held");
      expect(
        await lab.refusal(podOf("ReplicaSet", "held-too-5d9", { "pod-template-hash": "5d9" })),
      ).toBeNull();
      expect(await lab.refusal(podOf("StatefulSet", "held"))).toBeNull();
      await lab.scale("held", 5);
      await eventually(
        async () => (await lab.list("deployments", "shop")).find(({ metadata }) => metadata.name === "held"),
        (one) => JSON.stringify(one).includes("reflex-held-workload"),
      );
      expect(await podsOf("held")).toHaveLength(3);
      expect(await reverted(holdWorkload, plan)).toEqual({ outcome: "restored" });
      expect(await reverted(holdWorkload, plan)).toEqual({ outcome: "restored" });
      expect(
        await eventually(
          () => lab.refusal(ofTomorrow),
          (answer) => answer === null,
        ),
      ).toBeNull();
      // Its controller tries again by itself; whoever changes the number again need not wait for that.
      await lab.scale("held", 4);
      expect(await somePods("held", 4)).toHaveLength(4);
    },
  );

  it.runIf(isThere)(
    "scale-to-zero with hold gives whoever starts it again no pods, and lets them come back afterwards",
    { timeout: WAIT },
    async () => {
      await lab.apply(running("Deployment", "both"));
      await somePods("both", 3);
      const plan = await planned(scaleToZero, "Deployment", "both", { hold: true });
      expect(await applied(scaleToZero, plan)).toEqual({ verdict: "holds", proof: "declared" });
      await lab.scale("both", 3);
      await eventually(
        async () =>
          (await lab.list("replicasets", "shop")).find(({ metadata }) => metadata.name.startsWith("both-")),
        (one) => JSON.stringify(one).includes("reflex-held-workload"),
      );
      expect(await podsOf("both")).toEqual([]);
      expect(await scaleToZero.verify(plan, ports)).toMatchObject({ verdict: "absent" });
      await lab.scale("both", 0);
      expect(await reverted(scaleToZero, plan)).toEqual({ outcome: "restored" });
      expect(await somePods("both", 3)).toHaveLength(3);
    },
  );
});

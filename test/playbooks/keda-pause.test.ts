import { describe, expect, it } from "vitest";
import { OPT_OUT } from "../../src/engine/guard.ts";
import { Conflict, Retryable } from "../../src/model/errors.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { WritePorts } from "../../src/model/playbook.ts";
import { KEDA_PAUSE } from "../../src/playbooks/keda-pause.ts";
import { scaleToZero } from "../../src/playbooks/scale-to-zero.ts";
import { CLUSTER, portsOf, workload } from "./cluster-objects.ts";
import { kedaInstalled, scaledObject } from "./keda-objects.ts";
import { startCluster } from "./start-cluster.ts";
import { workloadTarget } from "./workload-objects.ts";

const ID = "a-1";

const target = workloadTarget("Deployment", "web");
const AUTOSCALER = {
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { namespace: "shop", name: "keda-hpa-queue", labels: { "scaledobject.keda.sh/name": "queue" } },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
    minReplicas: 1,
    maxReplicas: 5,
  },
};

/** A Deployment of three pods, which KEDA scales by a ScaledObject with this metadata. */
async function scaled(more: object = {}, replicas = 3) {
  const { cluster } = await startCluster([
    kedaInstalled(),
    workload("Deployment", "web", replicas),
    scaledObject("queue", { name: "web" }, more),
    scaledObject("other", { kind: "StatefulSet", name: "web" }),
    AUTOSCALER,
  ]);
  const ports = portsOf(cluster);
  const propose = () => scaleToZero.plan({ target, parameters: {}, remediationId: ID }, ports);
  const planned = async (): Promise<Plan> => {
    const outcome = await propose();
    if (outcome.outcome !== "change") throw new Error(outcome.reason);
    return sealPlan(outcome.draft, { remediationId: ID, playbook: scaleToZero.name, target });
  };
  const queue = () => Object(cluster.read("scaledobjects", "shop", "queue")?.metadata);
  const web = () => Object(cluster.read("deployments", "shop", "web"));
  /** Somebody else, or KEDA, changes an object. */
  const meddle = (path: string, body: object) =>
    fetch(`${cluster.url}${path}?fieldManager=keda`, {
      method: "PATCH",
      headers: { authorization: "Bearer stand-in-token", "content-type": "application/merge-patch+json" },
      body: JSON.stringify(body),
    });
  cluster.clear();
  return { cluster, ports, propose, planned, queue, web, meddle };
}

const WEB = "/apis/apps/v1/namespaces/shop/deployments/web";
const QUEUE = "/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects/queue";
const annotated = (value: string | null) => ({ metadata: { annotations: { [KEDA_PAUSE]: value } } });

describe("a workload that KEDA scales", () => {
  it("is stopped after KEDA was paused by its own annotation, under our mark, and the other way round", async () => {
    const { cluster, ports, planned, queue, web } = await scaled();
    const plan = await planned();
    expect(plan.steps.map(({ sentence }) => sentence)).toEqual([
      `pause KEDA's ScaledObject shop/queue at 0 pods, by its annotation ${KEDA_PAUSE}`,
      "scale Deployment shop/web from 3 to 0",
    ]);
    expect(plan.limits).toContain(
      "KEDA's ScaledObject shop/queue would start it again, and is paused at 0; KEDA takes over again when this is taken back.",
    );
    // The autoscaler that KEDA made is not told of apart from it.
    expect(plan.limits.join(" ")).not.toContain("keda-hpa");
    await scaleToZero.apply(plan, ports);
    const order = () => cluster.effects.map(({ verb, plural }) => `${verb} ${plural}`);
    expect(order()).toEqual(["patch scaledobjects", "patch deployments"]);
    expect(queue()).toMatchObject({ annotations: { [KEDA_PAUSE]: "0" }, labels: { [INCIDENT_LABEL]: ID } });
    expect(await scaleToZero.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    cluster.clear();
    expect(await scaleToZero.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(order()).toEqual(["patch deployments", "patch scaledobjects"]);
    expect(queue().annotations ?? {}).not.toHaveProperty(KEDA_PAUSE);
    expect(queue().labels ?? {}).not.toHaveProperty(INCIDENT_LABEL);
    expect(web().spec.replicas).toBe(3);
  });

  it("is marked also where KEDA is faster to set the zero than we, and comes back", async () => {
    const { ports, planned, web, meddle } = await scaled();
    const plan = await planned();
    const writer = ports.write.kubernetes(CLUSTER);
    const racing: WritePorts = {
      ...ports,
      write: {
        ...ports.write,
        kubernetes: () => ({
          ...writer,
          annotateScaledObject: async (...named) => {
            const done = await writer.annotateScaledObject(...named);
            await meddle(WEB, { spec: { replicas: 0 } });
            return done;
          },
        }),
      },
    };
    await expect(scaleToZero.apply(plan, racing)).rejects.toThrow(Retryable);
    await scaleToZero.apply(plan, ports);
    expect(web().metadata.labels).toMatchObject({ [INCIDENT_LABEL]: ID });
    expect(await scaleToZero.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(web().spec.replicas).toBe(3);
  });

  it("comes back where the process died in between and KEDA had set the zero once more", async () => {
    const { ports, planned, queue, web, meddle } = await scaled();
    const plan = await planned();
    await scaleToZero.apply(plan, ports);
    const writer = ports.write.kubernetes(CLUSTER);
    const dying: WritePorts = {
      ...ports,
      write: {
        ...ports.write,
        kubernetes: () => ({
          ...writer,
          annotateScaledObject: () => Promise.reject(new Retryable("died", "Nothing.", { retryAfterMs: 0 })),
        }),
      },
    };
    await expect(scaleToZero.revert(plan, dying)).rejects.toThrow(Retryable);
    await meddle(WEB, { spec: { replicas: 0 } });
    expect(await scaleToZero.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(web().spec.replicas).toBe(3);
    expect(web().metadata.labels ?? {}).not.toHaveProperty(INCIDENT_LABEL);
    expect(queue().annotations ?? {}).not.toHaveProperty(KEDA_PAUSE);
  });

  it("is a change also where KEDA has it at zero for now, and is not scaled up later", async () => {
    const { ports, planned, queue, web } = await scaled({}, 0);
    const plan = await planned();
    expect(plan.steps).toHaveLength(1);
    expect(await scaleToZero.verify(plan, ports)).toMatchObject({ verdict: "absent" });
    await scaleToZero.apply(plan, ports);
    expect(await scaleToZero.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    await scaleToZero.revert(plan, ports);
    expect(queue().annotations ?? {}).not.toHaveProperty(KEDA_PAUSE);
    expect(web().spec.replicas).toBe(0);
  });

  it("is partial once somebody lifts the pause, and what they set stays", async () => {
    const { ports, planned, queue, meddle } = await scaled();
    const plan = await planned();
    await scaleToZero.apply(plan, ports);
    await meddle(QUEUE, annotated(null));
    expect(await scaleToZero.verify(plan, ports)).toMatchObject({
      verdict: "partial",
      remains: [
        expect.stringMatching(
          /^KEDA's ScaledObject shop\/queue is not paused at 0 under our mark.*: it may start it again\.$/,
        ),
      ],
    });
    await meddle(QUEUE, annotated("2"));
    await scaleToZero.revert(plan, ports);
    expect(queue().annotations).toMatchObject({ [KEDA_PAUSE]: "2" });
    expect(queue().labels ?? {}).not.toHaveProperty(INCIDENT_LABEL);
  });

  it("is not taken back where our mark was taken off a pause", async () => {
    const { cluster, ports, planned, meddle } = await scaled();
    const plan = await planned();
    await scaleToZero.apply(plan, ports);
    await meddle(QUEUE, { metadata: { labels: { [INCIDENT_LABEL]: null } } });
    cluster.clear();
    await expect(scaleToZero.revert(plan, ports)).rejects.toThrow(Conflict);
    expect(cluster.effects).toEqual([]);
  });

  it("is not stopped over a pause that somebody set after the plan", async () => {
    const { cluster, ports, planned, meddle } = await scaled();
    const plan = await planned();
    await meddle(QUEUE, annotated("2"));
    cluster.clear();
    await expect(scaleToZero.apply(plan, ports)).rejects.toThrow(Conflict);
    expect(cluster.effects).toEqual([]);
  });

  it("is skipped where somebody keeps it at another number", async () => {
    const { propose } = await scaled({ annotations: { [KEDA_PAUSE]: "2" } });
    expect(await propose()).toMatchObject({
      outcome: "skip",
      reason: expect.stringContaining(
        `Deployment shop/web is kept at another number of pods by KEDA, as somebody told it: ScaledObject shop/queue has ${KEDA_PAUSE}: "2"`,
      ),
    });
  });

  it.each([
    ["is paused at zero", { annotations: { [KEDA_PAUSE]: "0" } }, "is paused at 0 already, by somebody"],
    [
      "leaves the number alone",
      { annotations: { "autoscaling.keda.sh/paused": "true" } },
      "is paused already, by somebody (autoscaling.keda.sh/paused)",
    ],
    ["belongs to somebody who opted out", { labels: { [OPT_OUT]: "true" } }, "has opted out"],
  ])("leaves a ScaledObject alone that %s, and says so", async (_what, metadata, words) => {
    const { cluster, ports, planned } = await scaled(metadata);
    const plan = await planned();
    expect(plan.limits.join(" ")).toContain(words);
    const before = JSON.stringify(cluster.read("scaledobjects", "shop", "queue"));
    await scaleToZero.apply(plan, ports);
    await scaleToZero.revert(plan, ports);
    expect(JSON.stringify(cluster.read("scaledobjects", "shop", "queue"))).toBe(before);
  });

  it("comes back where its ScaledObject has gone meanwhile", async () => {
    const { cluster, ports, planned, web } = await scaled();
    const plan = await planned();
    await scaleToZero.apply(plan, ports);
    await fetch(`${cluster.url}${QUEUE}`, {
      method: "DELETE",
      headers: { authorization: "Bearer stand-in-token" },
    });
    expect(await scaleToZero.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    expect(await scaleToZero.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(web().spec.replicas).toBe(3);
  });

  it("is found by its mark, for whoever looks for marks that nobody owns", async () => {
    const { ports, planned } = await scaled();
    await scaleToZero.apply(await planned(), ports);
    expect(await ports.read.kubernetes(CLUSTER).marked()).toContainEqual({
      object: "ScaledObject shop/queue",
      remediationId: ID,
    });
  });
});

describe("where our identity may not read ScaledObjects", () => {
  it("the workload is stopped all the same, and the plan says what is not known", async () => {
    const rules = [
      ...scaleToZero.permissions.kubernetes.map(({ apiGroup, resource, verbs }) => ({
        apiGroups: [apiGroup],
        resources: [resource],
        verbs: [...verbs],
      })),
    ].filter(({ apiGroups }) => apiGroups[0] !== "keda.sh");
    const { cluster } = await startCluster([kedaInstalled(), workload("Deployment", "web", 3), AUTOSCALER], {
      rules,
    });
    const outcome = await scaleToZero.plan({ target, parameters: {}, remediationId: ID }, portsOf(cluster));
    expect(outcome).toMatchObject({
      outcome: "change",
      draft: {
        limits: expect.arrayContaining([
          "Whether KEDA scales it is not known: our identity may not list ScaledObjects (keda.sh), so that none is paused.",
          expect.stringContaining("KEDA's ScaledObject queue starts it again when its trigger says so"),
        ]),
      },
    });
  });
});

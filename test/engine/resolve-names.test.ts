import { afterEach, describe, expect, it, vi } from "vitest";
import { resolve } from "../../src/engine/resolve.ts";
import { signalIdentity, signalTime, summarize } from "../../src/engine/signal-identity.ts";
import type { KubernetesReader } from "../../src/model/kubernetes-port.ts";
import type { Signal } from "../../src/model/signal.ts";
import { type TargetKind, targetKey, targetSchema } from "../../src/model/target.ts";
import { aSignal, CLUSTER, OTHER_CLUSTER } from "../rules/rule-fixtures.ts";
import { noEvidence } from "./no-evidence.ts";

const KINDS: readonly TargetKind[] = ["alert", "pod", "workload", "namespace", "node", "image", "cluster"];
const TIMES = { startedAt: null, endedAt: null, generatedAt: null, statusChangedAt: null };

const untouched = (): KubernetesReader => {
  throw new Error("nobody should ask the cluster");
};

describe("what a signal names", () => {
  it("is taken as it is where nothing has to be looked up", async () => {
    const target = async (kind: TargetKind): Promise<unknown> =>
      resolve(aSignal(), kind, null, untouched, []);
    expect(await target("pod")).toMatchObject({
      target: { kind: "pod", namespace: "shop", name: "web-front-1" },
    });
    expect(await target("namespace")).toMatchObject({ target: { kind: "namespace", name: "shop" } });
    expect(await target("cluster")).toMatchObject({ target: { kind: "cluster", cluster: CLUSTER } });
    expect(await target("alert")).toMatchObject({ target: { kind: "alert", id: "2517184898549829577_1" } });
  });

  it("gives no target where a part is missing, with a reason, and never a guess", async () => {
    const bare: Partial<Signal> = { namespace: null, pod: null, workload: null, image: null, digest: null };
    for (const kind of KINDS.filter((one) => one !== "alert" && one !== "cluster")) {
      const resolution = await resolve(aSignal(bare), kind, null, untouched, []);
      expect(resolution).toEqual({ outcome: "none", reason: expect.stringMatching(/^the signal names no /) });
    }
    const only = aSignal({ ...bare, pod: "web-front-1" });
    expect(await resolve(only, "pod", null, untouched, [])).toMatchObject({ outcome: "none" });
  });

  it("gives no target without a cluster, except the alert itself", async () => {
    const nowhere = aSignal({ cluster: null });
    for (const kind of KINDS.filter((one) => one !== "alert")) {
      expect(await resolve(nowhere, kind, null, untouched, [])).toMatchObject({ outcome: "none" });
    }
    expect(await resolve(nowhere, "alert", null, untouched, [])).toMatchObject({ outcome: "target" });
  });

  it("gives no target that a row could not hold", async () => {
    const long = "x".repeat(3_000);
    for (const [kind, signal] of [
      ["pod", aSignal({ pod: long })],
      ["namespace", aSignal({ namespace: long })],
      ["image", aSignal({ image: long, digest: "sha256:0" })],
      ["cluster", aSignal({ cluster: { resourceId: long } })],
    ] as const) {
      const resolution = await resolve(signal, kind, null, untouched, []);
      expect(resolution).toEqual({ outcome: "none", reason: expect.stringContaining("too long") });
    }
  });

  it.each(["a".repeat(50_000), "\ud800", "a\u0000b", "\udfff\n", " ", "/subscriptions/#?\\"])(
    "gives the alert itself a target and a key, whatever its id: %#",
    async (id) => {
      const resolution = await resolve(aSignal({ id }), "alert", null, untouched, []);
      if (resolution.outcome !== "target") throw new Error("a target is wanted");
      expect(targetSchema.safeParse(resolution.target).success).toBe(true);
      expect(targetKey(resolution.target)).toMatch(/^alert\|/);
    },
  );
});

describe("a cluster that a rule names", () => {
  it("has no pod or namespace of the signal: those are of the signal's own cluster", async () => {
    const on = (kind: TargetKind): Promise<unknown> => resolve(aSignal(), kind, OTHER_CLUSTER, untouched, []);
    expect(await on("pod")).toEqual({ outcome: "none", reason: "the signal names no single pod" });
    expect(await on("namespace")).toEqual({ outcome: "none", reason: "the signal names no namespace" });
    expect(await on("workload")).toEqual({ outcome: "none", reason: "the signal names no namespace" });
    expect(await on("image")).toEqual({
      outcome: "target",
      target: { kind: "image", cluster: OTHER_CLUSTER, reference: aSignal().image, digest: null },
    });
  });

  it("is the signal's own in any casing", async () => {
    const cluster = CLUSTER.toUpperCase();
    expect(await resolve(aSignal(), "pod", cluster, untouched, [])).toEqual({
      outcome: "target",
      target: { kind: "pod", cluster, namespace: "shop", name: "web-front-1" },
    });
  });

  it("is the only one where the signal has none", async () => {
    const found = await resolve(aSignal({ cluster: null }), "image", OTHER_CLUSTER, untouched, []);
    expect(found).toMatchObject({ target: { kind: "image", cluster: OTHER_CLUSTER } });
  });
});

describe("a cluster that does not answer", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is waited for three seconds; then the entity stands as named", async () => {
    vi.useFakeTimers();
    const never = (): Promise<never> => new Promise(() => {});
    const silent: KubernetesReader = {
      pod: never,
      pods: never,
      nodes: never,
      podsOnNode: never,
      namespace: never,
      node: never,
      workload: never,
      workloadState: never,
      ownedWorkloads: never,
      autoscalers: never,
      scaledObject: never,
      scaledObjects: never,
      holdList: never,
      networkPolicy: never,
      networkPolicies: never,
      roleBinding: never,
      sessionList: never,
      webhooks: never,
      service: never,
      serviceAccount: never,
      blockList: never,
      tryPods: never,
      eachPod: never,
      podRules: never,
      marked: never,
      ...noEvidence,
      enginePolicy: never,
      enginePolicies: never,
      services: never,
      daemonSet: never,
      disruptionBudgets: never,
      apiGroups: never,
      ciliumEndpoint: never,
    };
    const resolving = resolve(aSignal(), "workload", null, () => silent, []);
    await vi.advanceTimersByTimeAsync(2_999);
    const early = await Promise.race([resolving, Promise.resolve("still waiting")]);
    await vi.advanceTimersByTimeAsync(1);
    expect(early).toBe("still waiting");
    expect(await resolving).toMatchObject({ outcome: "later", target: { kind: "pod", name: "web-front-1" } });
  });
});

describe("the identity of a signal", () => {
  it("is the alert's id in any casing, however its times go on", () => {
    const first = aSignal({ id: "A-1", times: { ...TIMES, endedAt: "2026-03-02T07:00:00.000Z" } });
    const again = aSignal({ id: "a-1", times: { ...TIMES, endedAt: "2026-03-02T08:00:00.000Z" } });
    expect(signalIdentity(first)).toBe("a-1");
    expect(signalIdentity(again)).toBe("a-1");
  });

  it("is the assessment with the date of its state, else of its making", () => {
    const of = (times: Partial<Signal["times"]>): string =>
      signalIdentity(
        aSignal({ kind: "recommendation", id: "/Sub/Assessments/K", times: { ...TIMES, ...times } }),
      );
    const changed = "2026-03-01T00:00:00.000Z";
    const made = "2026-03-02T00:00:00.000Z";
    expect(of({ statusChangedAt: changed, generatedAt: made })).toBe(`/sub/assessments/k@${changed}`);
    expect(of({ generatedAt: made })).toBe(`/sub/assessments/k@${made}`);
    expect(of({})).toBe("/sub/assessments/k@");
  });

  it("stays distinct where it has to be cut or cleaned", () => {
    const long = "x".repeat(5_000);
    const ids = [long, `${long}y`, "\ud800", "\ud801", "a\u0000", "a\u0001", "a ", "a\ufffd"];
    const identities = ids.map((id) => signalIdentity(aSignal({ id })));
    expect(new Set(identities).size).toBe(ids.length);
    for (const identity of identities) {
      expect(identity.length).toBeLessThan(1_100);
      expect(identity.isWellFormed()).toBe(true);
    }
  });
});

describe("what a record keeps of a signal", () => {
  it("is what the signal says, with the latest of its times", () => {
    const times = {
      startedAt: "2026-03-02T07:00:00.000Z",
      endedAt: "2026-03-02T07:10:00.000Z",
      generatedAt: "2026-03-02T07:05:00.000Z",
      statusChangedAt: null,
    };
    expect(summarize(aSignal({ times }))).toMatchObject({
      id: "2517184898549829577_1",
      kind: "alert",
      key: "K8S.NODE_CryptoCoinMinerExecution",
      title: "A miner",
      at: times.endedAt,
      startedAt: times.startedAt,
      resourceIds: [CLUSTER],
    });
    expect(signalTime(aSignal({ times: TIMES }))).toBeNull();
  });

  it("names the host where there is no pod, since that finds the node: Defender has to name the same", () => {
    const entities = [
      { type: "host", name: null, asset: false, attributes: { hostName: "POOL-vmss000007" } },
    ];
    expect(summarize(aSignal({ pod: null, entities })).named).toMatchObject({ host: "pool-vmss000007" });
    expect(summarize(aSignal({ entities })).named).not.toHaveProperty("host");
    expect(summarize(aSignal({ pod: null, entities: [] })).named).not.toHaveProperty("host");
  });

  it("is never more than a cell can hold", () => {
    const hostile = `"\u0000\ud800${"\\".repeat(60_000)}`;
    const kept = summarize(
      aSignal({
        id: hostile,
        key: hostile,
        title: hostile,
        subscriptionId: hostile,
        resourceIds: Array.from({ length: 500 }, () => hostile),
      }),
    );
    expect(JSON.stringify(kept).length).toBeLessThan(20_000);
    expect(kept.title?.startsWith('" \ufffd\\')).toBe(true);
  });
});

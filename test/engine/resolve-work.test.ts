import { describe, expect, it } from "vitest";
import { collectWork, type Wanted, wantedOf } from "../../src/engine/collect-work.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { Permanent, Refused, Retryable } from "../../src/model/errors.ts";
import type { Mode } from "../../src/model/mode.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import type { Decision } from "../../src/model/rule.ts";
import type { Signal } from "../../src/model/signal.ts";
import type { TargetKind } from "../../src/model/target.ts";
import { aSignal, CLUSTER, OTHER_CLUSTER } from "../rules/rule-fixtures.ts";
import { UNLIMITED } from "./fixtures.ts";
import { bench, notice } from "./harness.ts";
import { World } from "./world.ts";

const TIMES = { startedAt: null, endedAt: null, generatedAt: null, statusChangedAt: null };

/** A playbook of which only name and target are asked here. */
function named(name: string, target: TargetKind): AnyPlaybook {
  return { ...notice, name, target };
}

function decision(
  playbook: string,
  more: { rule?: string; mode?: Mode; clusters?: string[] } = {},
): Decision {
  const { rule = "r", mode = "enforce", clusters = null } = more;
  return {
    playbook,
    mode,
    clusters,
    rule: {
      name: rule,
      mode,
      ttlMs: null,
      cooldownMs: 0,
      maxAgeMs: 0,
      notify: [],
      labels: {},
      parameters: {},
      releaseWhenResolved: false,
      ...UNLIMITED,
      configuration: "",
    },
  };
}

/** An engine over a world in which the pods web-1 and web-2 are of one Deployment. */
function engineOf(reader: Partial<ReturnType<Engine["ports"]["read"]["kubernetes"]>> = {}): Engine {
  const world = new World();
  const controller = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "d-1" };
  world.addPod("web-1", { controller });
  const pod = world.addPod("web-2", { controller });
  const here = world.ports().read.kubernetes(CLUSTER);
  const web = {
    ...pod,
    kind: "Deployment" as const,
    name: "web",
    uid: "d-1",
    controller: null,
    replicas: 2,
    selector: null,
    templateLabels: {},
    claimsWhenScaled: null,
  };
  const all = { ...here, workload: async () => web, ...reader };
  const ports = { ...world.ports(), read: { kubernetes: () => all } };
  const playbooks = [named("pods", "pod"), named("zero", "workload"), named("block", "image"), notice];
  return bench({ engine: { ports, playbooks: new Map(playbooks.map((one) => [one.name, one])) } }).engine;
}

function wants(signal: Partial<Signal>, ...decisions: Decision[]): Wanted[] {
  return wantedOf({ signal: aSignal(signal), body: null }, decisions);
}

describe("what several signals want of one target", () => {
  it("is one piece of work with all of them: two pods of one Deployment", async () => {
    const both = [
      ...wants({ id: "a-1", pod: "web-1" }, decision("zero")),
      ...wants({ id: "a-2", pod: "web-2" }, decision("zero")),
    ];
    const works = await collectWork(engineOf(), both);
    expect(works).toHaveLength(1);
    expect(works[0]?.target).toMatchObject({ kind: "workload", workloadKind: "Deployment", name: "web" });
    expect(works[0]?.signals.map(({ summary }) => summary.identity)).toEqual(["a-1", "a-2"]);
  });

  it("is one for each playbook and each pod where the pods are meant", async () => {
    const both = [
      ...wants({ id: "a-1", pod: "web-1" }, decision("pods"), decision("notice")),
      ...wants({ id: "a-2", pod: "web-2" }, decision("pods")),
    ];
    const works = await collectWork(engineOf(), both);
    expect(works.map(({ playbook, target }) => [playbook, target.kind])).toEqual([
      ["pods", "pod"],
      ["notice", "alert"],
      ["pods", "pod"],
    ]);
  });

  it("holds a signal once, however often it came", async () => {
    const one = wants({ id: "a-1", pod: "web-1" }, decision("pods"));
    const works = await collectWork(engineOf(), [
      ...one,
      ...one,
      ...wants({ id: "A-1", pod: "WEB-1" }, decision("pods")),
    ]);
    expect(works.map(({ signals }) => signals.length)).toEqual([1]);
  });

  it("goes most severe first, by the severest of its signals", async () => {
    const severities = [null, "Low", "Critical", "Informational", "High", "Medium"] as const;
    const wanted = severities.flatMap((severity, index) =>
      wants({ id: `a-${index}`, pod: `p-${index}`, severity }, decision("pods")),
    );
    const late = wants({ id: "late", pod: "p-1", severity: "Critical" }, decision("pods"));
    const works = await collectWork(engineOf(), [...wanted, ...late]);
    expect(works.map(({ target }) => (target.kind === "pod" ? target.name : ""))).toEqual([
      "p-1",
      "p-2",
      "p-4",
      "p-5",
      "p-3",
      "p-0",
    ]);
  });

  it("is cut where one transaction could not take all signals, and none is lost", async () => {
    const ids = Array.from({ length: 201 }, (_none, index) => `a-${index}`);
    const works = await collectWork(
      engineOf(),
      ids.flatMap((id) => wants({ id, pod: "web-1" }, decision("pods"))),
    );
    expect(works.map(({ signals }) => signals.length)).toEqual([80, 80, 41]);
    expect(works.flatMap(({ signals }) => signals.map(({ summary }) => summary.id))).toEqual(ids);
  });
});

describe("which decision counts", () => {
  it("is the first of the file for one signal, playbook and target", async () => {
    const decisions = [
      decision("pods", { rule: "first", mode: "observe" }),
      decision("pods", { rule: "second" }),
    ];
    const works = await collectWork(engineOf(), wants({ pod: "web-1" }, ...decisions));
    expect(works.map(({ rule, mode }) => [rule.name, mode])).toEqual([["first", "observe"]]);
  });

  it("is each rule's own where they name different clusters", async () => {
    const finding = {
      kind: "finding",
      cluster: null,
      digest: "sha256:1",
      pod: null,
      namespace: null,
    } as const;
    const decisions = [
      decision("block", { rule: "one", clusters: [CLUSTER] }),
      decision("block", { rule: "both", clusters: [OTHER_CLUSTER, CLUSTER] }),
    ];
    const works = await collectWork(engineOf(), wants(finding, ...decisions));
    const seen = works.map(({ rule, target, clusterByRule }) => [
      rule.name,
      target.kind === "image" ? target.cluster : target.kind,
      clusterByRule,
    ]);
    expect(seen).toEqual([
      ["one", CLUSTER, true],
      ["both", OTHER_CLUSTER, true],
    ]);
  });

  it("is the strongest among several signals, then the latest, as if they had come one by one", async () => {
    const at = (endedAt: string): Partial<Signal> => ({ pod: "web-1", times: { ...TIMES, endedAt } });
    const wanted = [
      ...wants(
        { ...at("2026-03-02T07:00:00.000Z"), id: "seen" },
        decision("pods", { mode: "observe", rule: "o" }),
      ),
      ...wants({ ...at("2026-03-01T07:00:00.000Z"), id: "old" }, decision("pods", { rule: "e" })),
      ...wants({ ...at("2026-03-02T06:00:00.000Z"), id: "new" }, decision("pods", { rule: "e" })),
      ...wants({ pod: "web-1", id: "undated" }, decision("pods", { rule: "e" })),
    ];
    for (const order of [wanted, wanted.toReversed()]) {
      const [work] = await collectWork(engineOf(), order);
      expect(work).toMatchObject({ mode: "enforce", rule: { name: "e" } });
      expect(work?.signals.map(({ summary }) => summary.id)).toEqual(["new", "old", "undated", "seen"]);
    }
  });

  it("is no rule's word about another subscription where it names the signal's own cluster", async () => {
    const own = decision("block", { clusters: [CLUSTER.toUpperCase()] });
    const [work] = await collectWork(engineOf(), wants({ digest: "sha256:1" }, own));
    expect(work?.clusterByRule).toBe(false);
    const [plain] = await collectWork(engineOf(), wants({ digest: "sha256:1" }, decision("block")));
    expect(plain?.clusterByRule).toBe(false);
  });
});

describe("what cannot be resolved", () => {
  const itself = { kind: "alert", id: "2517184898549829577_1" };
  const failing = (fault: Error): Engine => engineOf({ pod: () => Promise.reject(fault) });

  it("is decided on the alert itself, with the reason", async () => {
    const [none] = await collectWork(engineOf(), wants({ namespace: null }, decision("zero")));
    expect(none).toMatchObject({
      target: itself,
      decided: { state: "skipped", reason: "the signal names no namespace" },
    });
    const no = failing(new Refused("not ours", "Add it."));
    const [refused] = await collectWork(no, wants({}, decision("zero")));
    expect(refused).toMatchObject({
      target: itself,
      decided: { state: "refused", reason: "not ours. Add it." },
    });
    const [failed] = await collectWork(failing(new Permanent("403", "Grant.")), wants({}, decision("zero")));
    expect(failed).toMatchObject({ target: itself, decided: { state: "failed", reason: "403. Grant." } });
  });

  it("is claimed as named where it may be told later", async () => {
    const busy = failing(new Retryable("busy", "Wait.", { retryAfterMs: 1 }));
    const [work] = await collectWork(busy, wants({ pod: "web-1" }, decision("zero")));
    expect(work).toMatchObject({ target: { kind: "pod", name: "web-1" }, unresolved: true, decided: null });
  });

  it("is claimed as named, without asking, once the batch's time is up", async () => {
    let asked = 0;
    const engine = engineOf({
      pod: async () => {
        asked += 1;
        return null;
      },
    });
    const onFault = (_one: Wanted, fault: unknown): Promise<void> => Promise.reject(fault);
    const until = engine.clock.now();
    const [work] = await collectWork(engine, wants({ pod: "web-1" }, decision("zero")), { until, onFault });
    expect(work).toMatchObject({ target: { kind: "pod", name: "web-1" }, unresolved: true });
    expect(asked).toBe(0);
  });

  it("stops nothing else where it was a fault of ours", async () => {
    const engine = engineOf({
      pod: async (_namespace, name) => {
        if (name === "bad") throw new TypeError("a fault");
        return null;
      },
    });
    const wanted = [
      ...wants({ id: "a", pod: "bad" }, decision("zero")),
      ...wants({ id: "b" }, decision("zero")),
    ];
    const told: unknown[] = [];
    const onFault = async ({ from }: Wanted, fault: unknown): Promise<void> => {
      told.push([from.signal.id, String(fault)]);
    };
    const works = await collectWork(engine, wanted, { until: null, onFault });
    expect(works.map(({ signals }) => signals[0].summary.id)).toEqual(["b"]);
    expect(told).toEqual([["a", "TypeError: a fault"]]);
    await expect(collectWork(engine, wanted)).rejects.toThrow("a fault");
  });
});

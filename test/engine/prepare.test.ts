import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Engine } from "../../src/engine/engine.ts";
import { readTarget } from "../../src/engine/held-target.ts";
import { type Intended, prepare, touchesOf } from "../../src/engine/prepare.ts";
import { readFacts } from "../../src/engine/target-facts.ts";
import { Permanent, Refused, Retryable } from "../../src/model/errors.ts";
import { MODES } from "../../src/model/mode.ts";
import type { AnyPlaybook, PlanOutcome } from "../../src/model/playbook.ts";
import type { State } from "../../src/model/remediation.ts";
import type { Target } from "../../src/model/target.ts";
import { targetHash } from "../../src/store/row-keys.ts";
import type { TargetEntry, TargetRow } from "../../src/store/target-row.ts";
import { UNLIMITED } from "./fixtures.ts";
import { alert, bench, configuration, notice, summaryOf } from "./harness.ts";
import { quarantine } from "./quarantine.ts";
import { CLUSTER, World } from "./world.ts";

const POD = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;

function intended(more: Partial<Intended> = {}): Intended {
  return {
    id: "r-1",
    playbook: "quarantine",
    target: POD,
    mode: "enforce",
    clusterByRule: false,
    unresolved: false,
    evidence: [],
    attempts: 0,
    approval: null,
    requestedBy: null,
    rule: {
      name: "miners",
      mode: "enforce",
      ttlMs: null,
      cooldownMs: 0,
      maxAgeMs: 86_400_000,
      notify: [],
      labels: {},
      parameters: {},
      releaseWhenResolved: false,
      ...UNLIMITED,
      configuration: "",
    },
    signal: summaryOf(alert()),
    createdAt: "2026-03-02T08:00:00.000Z",
    ...more,
  };
}

function engineWith(
  playbook: Partial<AnyPlaybook> = {},
  ceiling = "enforce",
): Engine & { readonly world: World } {
  const b = bench({
    configuration: configuration("enforce", (text) => text.replace("mode: enforce", `mode: ${ceiling}`)),
  });
  const playbooks = new Map([quarantine, notice].map((one) => [one.name, one]));
  playbooks.set("quarantine", { ...quarantine, ...playbook });
  return { ...b.engine, playbooks, world: b.world };
}

const answering = (outcome: PlanOutcome): Partial<AnyPlaybook> => ({ plan: () => Promise.resolve(outcome) });
const raising = (error: Error): Partial<AnyPlaybook> => ({ plan: () => Promise.reject(error) });

/** A target row with entries like that of a quarantine in force, changed. */
async function rowOf(entries: Record<string, Partial<TargetEntry>>): Promise<TargetRow> {
  const b = bench();
  await b.ingest(alert());
  const like = (await readTarget(b.table, targetHash(POD)))?.row.entries["quarantine"];
  if (like === undefined) throw new Error("an entry to copy is wanted");
  const all = Object.entries(entries).map(([name, more]) => [
    name,
    { ...like, id: "r-0", touches: [], ...more },
  ]);
  return { target: POD, lease: null, entries: Object.fromEntries(all) };
}

describe("the verdict of plan and guard", () => {
  it("follows the mode", async () => {
    const states: Record<string, State> = {
      off: "skipped",
      observe: "observed",
      approve: "awaiting-approval",
      enforce: "applying",
    };
    for (const mode of MODES) {
      const prepared = await prepare(engineWith(), intended({ mode }), null);
      expect(prepared).toMatchObject({
        state: states[mode],
        mode,
        identity: expect.stringMatching(/^uid-web-1/),
      });
      expect(prepared.plan?.target).toEqual(POD);
    }
  });

  it("is held down by the ceiling", async () => {
    const prepared = await prepare(engineWith({}, "observe"), intended(), null);
    expect(prepared).toMatchObject({
      state: "observed",
      mode: "observe",
      reason: "would have done: label web-1",
    });
  });

  it("says why it asks a person", async () => {
    const old = intended({ signal: { ...intended().signal, at: "2026-01-01T00:00:00.000Z" } });
    expect(await prepare(engineWith(), old, null)).toMatchObject({
      state: "awaiting-approval",
      reason: "the signal is older than the rule allows",
    });
    expect(await prepare(engineWith(), intended({ mode: "approve" }), null)).toMatchObject({
      state: "awaiting-approval",
      reason: "the rule wants a person's word",
    });
  });

  it("asks a person from the third episode on, which the target row tells", async () => {
    const episodes = (count: number, at: string): Promise<TargetRow> =>
      rowOf({ quarantine: { episodes: Array.from({ length: count }, () => at) } });
    const today = "2026-03-02T07:00:00.000Z";
    expect(await prepare(engineWith(), intended(), await episodes(1, today))).toMatchObject({
      state: "applying",
    });
    expect(await prepare(engineWith(), intended(), await episodes(2, today))).toMatchObject({
      state: "awaiting-approval",
    });
    // What was done before the last day is forgiven.
    const before = await episodes(5, "2026-03-01T07:59:59.000Z");
    expect(await prepare(engineWith(), intended(), before)).toMatchObject({ state: "applying" });
  });

  it("is no where the guard says no, without planning", async () => {
    const engine = engineWith(raising(new TypeError("must not be asked")));
    engine.world.change("web-1", { priorityClass: "system-node-critical" });
    expect(await prepare(engine, intended(), null)).toMatchObject({
      state: "refused",
      reason: "its priority class is system-node-critical",
      plan: null,
    });
  });

  it("is what the playbook says of nothing to do", async () => {
    const done = answering({ outcome: "no-op", reason: "it is so already", identity: "u" });
    expect(await prepare(engineWith(done), intended(), null)).toMatchObject({
      state: "no-op",
      identity: "u",
      plan: null,
    });
    const skip = answering({ outcome: "skip", reason: "it cannot be done here" });
    expect(await prepare(engineWith(skip), intended(), null)).toMatchObject({
      state: "skipped",
      reason: "it cannot be done here",
    });
  });

  it("is skipped where the target has gone, is none of ours to plan, or never got a name", async () => {
    const gone = { ...POD, name: "web-9" };
    expect(await prepare(engineWith(), intended({ target: gone }), null)).toMatchObject({
      state: "skipped",
      reason: "the target has gone",
    });
    const alert: Target = { kind: "alert", id: "a-1" };
    expect(await prepare(engineWith(), intended({ target: alert }), null)).toMatchObject({
      state: "skipped",
      reason: "quarantine acts on a pod",
    });
    expect(await prepare(engineWith(), intended({ target: alert, unresolved: true }), null)).toMatchObject({
      reason: "the target has gone before it could be resolved",
    });
  });

  it("is failed where this version has not the playbook, or refuses its parameters", async () => {
    expect(await prepare(engineWith(), intended({ playbook: "lost" }), null)).toMatchObject({
      state: "failed",
      reason: "there is no playbook lost in this version",
    });
    const strict = { parameters: z.strictObject({ tags: z.boolean() }) };
    expect(await prepare(engineWith(strict), intended(), null)).toMatchObject({
      state: "failed",
      plan: null,
    });
  });

  it("is on record for errors that last, and raised for those that pass", async () => {
    const verdict = (error: Error) => prepare(engineWith(raising(error)), intended(), null);
    expect(await verdict(new Refused("no", "Do so."))).toMatchObject({
      state: "refused",
      reason: "no. Do so.",
    });
    expect(await verdict(new Permanent("403", "Grant."))).toMatchObject({
      state: "failed",
      reason: "403. Grant.",
    });
    const passing = new Retryable("busy", "Wait.", { retryAfterMs: 1 });
    await expect(verdict(passing)).rejects.toBe(passing);
    await expect(verdict(new TypeError("a fault"))).rejects.toThrow("a fault");
  });

  it("is asked again where the object was made anew between guard and plan", async () => {
    const engine = engineWith();
    let reads = 0;
    engine.world.before = async (call) => {
      if (call === "read web-1" && ++reads === 2) engine.world.addPod("web-1");
    };
    await expect(prepare(engine, intended(), null)).rejects.toBeInstanceOf(Retryable);
    expect(await prepare(engine, intended(), null)).toMatchObject({ state: "applying" });
  });
});

describe("one holder for one field", () => {
  const field = "pod/shop/web-1#labels.quarantine";

  it("skips a plan that touches what another remediation in force holds, naming it", async () => {
    const row = await rowOf({ other: { touches: ["x", field] }, quarantine: { touches: [] } });
    expect(await prepare(engineWith(), intended(), row)).toMatchObject({
      state: "skipped",
      reason: "remediation r-0 (other) already holds what it would touch",
    });
  });

  it("is not held by its own playbook, by what has ended, or by other fields", async () => {
    for (const entries of [
      { quarantine: { touches: [field] } },
      { other: { touches: [field], state: "reverted" as const } },
      { other: { touches: [`${field}.other`] } },
    ]) {
      expect(await prepare(engineWith(), intended(), await rowOf(entries))).toMatchObject({
        state: "applying",
      });
    }
  });

  it("lists each touched field once", async () => {
    const { plan } = await prepare(engineWith(), intended(), null);
    expect(touchesOf(plan)).toEqual([field]);
    expect(touchesOf(plan === null ? null : { ...plan, steps: [...plan.steps, ...plan.steps] })).toEqual([
      field,
    ]);
    expect(touchesOf(null)).toEqual([]);
  });
});

describe("a notification", () => {
  const target: Target = { kind: "alert", id: "a-1" };

  it("is done with its message, unless the ceiling is off", async () => {
    const told = intended({ playbook: "notice", target });
    expect(await prepare(engineWith(), told, null)).toMatchObject({ state: "done", proof: "declared" });
    expect(await prepare(engineWith({}, "observe"), told, null)).toMatchObject({ state: "done" });
    expect(await prepare(engineWith({}, "off"), told, null)).toMatchObject({ state: "skipped", mode: "off" });
  });
});

describe("the facts of a target", () => {
  it("are none where it has gone, or is in no cluster", async () => {
    const ports = new World().ports();
    expect(await readFacts(POD, ports.read.kubernetes)).toBeNull();
    expect(await readFacts({ kind: "alert", id: "a" }, ports.read.kubernetes)).toBeNull();
  });

  it("are those of a node, whose labels are all that there are; one that came back is another", async () => {
    const world = new World();
    const reads = world.ports().read.kubernetes;
    const target = { kind: "node", cluster: CLUSTER, name: "n1" } as const;
    expect(await readFacts(target, reads)).toBeNull();
    world.nodes.push({
      name: "n1",
      uid: "uid-n1",
      resourceVersion: "7",
      labels: { pool: "a" },
      annotations: { "defender-reflex.dev/protected": "true" },
      createdAt: "2026-02-01T00:00:00Z",
      managers: [],
      unschedulable: false,
      ready: true,
      operatingSystem: "linux",
      osImage: null,
      providerId: null,
    });
    expect(await readFacts(target, reads)).toEqual({
      resource: CLUSTER,
      tags: null,
      managementGroups: null,
      namespace: null,
      name: "n1",
      uid: "uid-n1",
      labels: { pool: "a" },
      annotations: { "defender-reflex.dev/protected": "true" },
      namespaceLabels: {},
      namespaceAnnotations: {},
      priorityClass: null,
      createdAt: "2026-02-01T00:00:00Z",
    });
  });

  it("are those of the object and of its namespace", async () => {
    const world = new World();
    world.addPod("web-1", { labels: { a: "1" }, annotations: { b: "2" }, priorityClass: "high" });
    const reader = world.ports().read.kubernetes(CLUSTER);
    const around = { name: "shop", uid: "n", labels: { c: "3" }, annotations: { d: "4" } };
    const facts = await readFacts(POD, () => ({ ...reader, namespace: async () => around }));
    expect(facts).toEqual({
      resource: CLUSTER,
      tags: null,
      managementGroups: null,
      namespace: "shop",
      name: "web-1",
      uid: "uid-web-1-1",
      labels: { a: "1" },
      annotations: { b: "2" },
      namespaceLabels: { c: "3" },
      namespaceAnnotations: { d: "4" },
      priorityClass: "high",
      createdAt: "2026-03-01T00:00:00Z",
    });
    expect(await readFacts(POD, () => ({ ...reader, namespace: async () => null }))).toBeNull();
    const itself = await readFacts({ kind: "namespace", cluster: CLUSTER, name: "shop" }, () => ({
      ...reader,
      namespace: async () => around,
    }));
    expect(itself).toMatchObject({
      namespace: "shop",
      uid: "n",
      namespaceLabels: { c: "3" },
      createdAt: null,
    });
  });
});

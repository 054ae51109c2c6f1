import { describe, expect, it } from "vitest";
import { COMMAND_TIMES } from "../../src/clients/run-command/run-command-connection.ts";
import { approve } from "../../src/engine/approve.ts";
import { paceOf } from "../../src/engine/pace.ts";
import { revert } from "../../src/engine/revert.ts";
import { slowSweep } from "../../src/engine/slow-sweep.ts";
import { sweep } from "../../src/engine/sweep.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import type { Target } from "../../src/model/target.ts";
import { decodeTargetRow } from "../../src/store/target-row.ts";
import { ANN, latest, MINUTE, yes } from "./deciding.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { quarantine } from "./quarantine.ts";
import { CLUSTER } from "./world.ts";

const OTHER = `${CLUSTER}-2`;
const QUICK = `${CLUSTER}-3`;

/** A bench whose cluster is reached by run command, as is another one; a third is not. */
function slowBench(mode = "enforce", more: Parameters<typeof bench>[0] = {}): Bench {
  const others = [
    `  - { name: other, id: ${OTHER}, connect: { runCommand: true } }`,
    `  - { name: quick, id: ${QUICK}, connect: { aks: entra } }`,
  ];
  const settings = configuration(mode, (text) =>
    text.replace(
      "connect: { kubeconfig: none } }\n",
      `connect: [{ aks: entra }, { runCommand: true }] }\n${others.join("\n")}\n`,
    ),
  );
  return bench({ configuration: settings, ...more });
}

/** What the clusters were asked meanwhile. */
async function askedBy(b: Bench, act: () => Promise<unknown>): Promise<readonly string[]> {
  const { before } = b.world;
  const calls: string[] = [];
  b.world.before = async (call) => void calls.push(call);
  await act();
  b.world.before = before;
  return calls;
}

const states = (b: Bench) => b.records().map(({ state }) => state);

describe("an alert about a cluster by run command", () => {
  it("is only claimed where it comes in, and driven by the sweep of slow clusters", async () => {
    const b = slowBench();
    expect(await askedBy(b, () => b.ingest(alert()))).toEqual([]);
    expect(latest(b)).toMatchObject({
      state: "pending",
      reason: "its cluster is reached by run command, and planned by the sweep",
      dueAt: b.clock.now().toISOString(),
    });
    // The daily search for marks in the one cluster that is not slow.
    expect(await askedBy(b, () => sweep(b.engine))).toEqual(["marked"]);
    expect(states(b)).toEqual(["pending"]);
    expect(await slowSweep(b.engine)).toBe(1);
    expect(latest(b)).toMatchObject({ state: "in-force", proof: "proved" });
    expect(b.world.effects).toHaveLength(1);
    expect(b.sent.map(({ kind }) => kind)).toContain("in-force");
    expect(b.broken()).toEqual([]);
  });

  it("is only claimed also where its target is known already", async () => {
    const b = slowBench();
    await b.ingest(alert());
    await slowSweep(b.engine);
    b.world.pods.clear();
    b.world.addPod("web-1");
    expect(await askedBy(b, () => b.ingest(alert({ id: "a-2" })))).toEqual([]);
    expect(states(b)).toEqual(["in-force"]);
    // The pod came back under its name: what was joined has it looked at, and contained.
    await slowSweep(b.engine);
    expect(b.world.labelsOf("web-1")).toHaveProperty("quarantine");
    expect(b.broken()).toEqual([]);
  });

  it("is resolved where it is driven", async () => {
    const planned: Target[] = [];
    const playbook: AnyPlaybook = {
      ...quarantine,
      target: "workload",
      plan: ({ target }) => {
        planned.push(target);
        return Promise.resolve({ outcome: "skip", reason: "seen" });
      },
    };
    const b = slowBench("enforce", { engine: { playbooks: new Map([["quarantine", playbook]]) } });
    const owner = { apiVersion: "apps/v1", kind: "DaemonSet", name: "web", uid: "uid-web" } as const;
    b.world.addPod("web-2", { controller: owner });
    b.world.workloads.push({
      ...(b.world.pods.get("shop/web-2") ?? b.world.addPod("web-2")),
      ...owner,
      controller: null,
      replicas: 1,
      selector: null,
      templateLabels: {},
      claimsWhenScaled: null,
    });
    expect(await askedBy(b, () => b.ingest(alert({ pod: "web-2" })))).toEqual([]);
    expect(latest(b)).toMatchObject({ state: "pending", unresolved: true, target: { kind: "pod" } });
    await slowSweep(b.engine);
    expect(planned).toMatchObject([{ kind: "workload", workloadKind: "DaemonSet", name: "web" }]);
    expect(states(b).toSorted()).toEqual(["skipped", "superseded"]);
  });

  it("ends with Defender's word that it is over, without the cluster being asked", async () => {
    const b = slowBench();
    const asked = await askedBy(b, async () => {
      await b.ingest(alert());
      await b.ingest(alert({ status: "Resolved", at: "2026-03-02T07:55:00.000Z" }));
    });
    expect(asked).toEqual([]);
    expect(states(b)).toEqual(["superseded"]);
  });
});

describe("a person's word on a slow cluster", () => {
  it("approves at once, and the sweep does it", async () => {
    const b = slowBench("approve");
    await b.ingest(alert());
    await slowSweep(b.engine);
    expect(states(b)).toEqual(["awaiting-approval"]);
    expect(await askedBy(b, () => approve(b.engine, latest(b).id, yes(b)))).toEqual([]);
    expect(latest(b)).toMatchObject({ state: "awaiting-approval", approval: { who: ANN.who } });
    await slowSweep(b.engine);
    expect(states(b)).toEqual(["in-force"]);
    expect(b.broken()).toEqual([]);
  });

  it("reverts at once, and the sweep does it", async () => {
    const b = slowBench();
    await b.ingest(alert());
    await slowSweep(b.engine);
    expect(await askedBy(b, () => revert(b.engine, latest(b).id, ANN))).toEqual([]);
    expect(states(b)).toEqual(["reverting"]);
    await slowSweep(b.engine);
    expect(states(b)).toEqual(["reverted"]);
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
  });
});

describe("a slow cluster that does not answer", () => {
  it("holds up neither the alerts nor the sweep of the others, nor another slow one", async () => {
    const b = slowBench();
    for (const [id, cluster] of [
      ["s", CLUSTER],
      ["o", OTHER],
    ] as const) {
      b.world.addPod(`p-${id}`);
      await b.ingest(alert({ id, cluster, pod: `p-${id}` }));
    }
    const silence = Promise.withResolvers<void>();
    b.world.before = (call) => (call.endsWith("p-s") ? silence.promise : Promise.resolve());
    const sweeping = slowSweep(b.engine);
    b.world.addPod("p-q");
    await b.ingest(alert({ id: "q", cluster: QUICK, pod: "p-q" }));
    await sweep(b.engine);
    const contained = () => b.world.effects.map(({ object }) => object).toSorted();
    await expect.poll(contained).toEqual(["shop/p-o", "shop/p-q"]);
    silence.resolve();
    await sweeping;
    expect(contained()).toEqual(["shop/p-o", "shop/p-q", "shop/p-s"]);
  });
});

describe("the pace", () => {
  const pod = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;

  it("is slow for a cluster one of whose ways is run command, in any case of its id, and as it was for all others", () => {
    const { engine } = slowBench();
    expect(paceOf(engine, pod).isSlow).toBe(true);
    expect(paceOf(engine, { ...pod, cluster: CLUSTER.toUpperCase() }).isSlow).toBe(true);
    const quick = { isSlow: false, planMs: 3_000, workMs: 30_000, leaseMs: 120_000, noteMs: 2_000 };
    expect(paceOf(engine, { ...pod, cluster: QUICK })).toEqual(quick);
    expect(paceOf(engine, { kind: "alert", id: "a" })).toEqual(quick);
  });

  it("leaves a lease over a minute after the last change that may land", () => {
    const { engine } = slowBench();
    const { waitMs, beginMs, callMs } = COMMAND_TIMES;
    const slow = paceOf(engine, pod);
    expect(slow.leaseMs - (slow.workMs + waitMs + beginMs + 3 * callMs)).toBeGreaterThan(MINUTE);
    expect(slow.workMs).toBeGreaterThan(slow.planMs);
  });

  it("lets a driver work for ten minutes of a lease of twenty, and begin nothing after", async () => {
    const b = slowBench();
    await b.ingest(alert());
    const leases: number[] = [];
    b.world.before = async (call) => {
      const [target] = b.table.snapshot().filter(({ key }) => key.startsWith("t!"));
      if (target === undefined || !call.startsWith("read")) return;
      const until = decodeTargetRow({ ...target, etag: "" }).lease?.until ?? "";
      leases.push((new Date(until).getTime() - b.clock.now().getTime()) / MINUTE);
      b.clock.pass(4 * MINUTE);
    };
    await slowSweep(b.engine);
    expect(leases.slice(0, 2)).toEqual([20, 16]);
    expect(latest(b)).toMatchObject({ state: "applying", attempts: 0 });
    expect(b.world.effects).toEqual([]);
    b.world.before = () => Promise.resolve();
    b.clock.pass(2_000);
    await slowSweep(b.engine);
    expect(states(b)).toEqual(["in-force"]);
  });
});

import { describe, expect, it } from "vitest";
import { runManually } from "../../src/engine/manual-run.ts";
import { revert } from "../../src/engine/revert.ts";
import { Refused, Retryable } from "../../src/model/errors.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { sweepAfter } from "./processes.ts";
import { CLUSTER } from "./world.ts";

const MINUTE = 60_000;
const ANN = { who: "ann", id: "t/ann", why: "a drill" };

function latest(b: Bench): Remediation | undefined {
  return b.records().toSorted((one, other) => (one.createdAt > other.createdAt ? -1 : 1))[0];
}

let alerts = 0;
async function alertNow(b: Bench): Promise<void> {
  alerts += 1;
  await b.ingest(alert({ id: `e-${alerts}`, at: b.clock.now().toISOString() }));
}

describe("the cooldown", () => {
  it("keeps what a person took back from beginning again for an hour", async () => {
    const b = bench();
    await alertNow(b);
    await revert(b.engine, latest(b)?.id ?? "", ANN);
    b.clock.pass(59 * MINUTE);
    await alertNow(b);
    expect(b.records()).toHaveLength(1);
    b.clock.pass(2 * MINUTE);
    await alertNow(b);
    expect(b.records()).toHaveLength(2);
    expect(latest(b)).toMatchObject({ state: "in-force" });
  });

  it("follows a person's rejection too", async () => {
    const b = bench({ mode: "approve" });
    await alertNow(b);
    await revert(b.engine, latest(b)?.id ?? "", ANN);
    expect(latest(b)).toMatchObject({ state: "rejected" });
    await alertNow(b);
    expect(b.records()).toHaveLength(1);
  });

  it("does not follow an end by deadline", async () => {
    const b = bench();
    await alertNow(b);
    await sweepAfter(b, 8 * 60);
    expect(latest(b)).toMatchObject({ state: "reverted", revertedBy: null });
    b.clock.pass(1_000);
    await alertNow(b);
    expect(latest(b)).toMatchObject({ state: "in-force" });
    expect(b.records()).toHaveLength(2);
  });
});

describe("an alert while the deadline comes", () => {
  it("moves the deadline by the time that the rule gives, and is warned of anew", async () => {
    const b = bench();
    await alertNow(b);
    b.clock.pass(7 * 60 * MINUTE);
    await alertNow(b);
    await sweepAfter(b, 60);
    expect(latest(b)).toMatchObject({ state: "in-force" });
    await sweepAfter(b, 6 * 60 + 50);
    expect(b.sent.map(({ kind }) => kind)).toEqual(["in-force", "deadline-warning"]);
    await sweepAfter(b, 10);
    expect(latest(b)).toMatchObject({ state: "reverted" });
  });
});

describe("the third episode in a day", () => {
  const short = configuration("enforce", (text) => text.replace("ttl: 8h", "ttl: 1h"));

  it("waits for approval: somebody is pulling the other way", async () => {
    const b = bench({ configuration: short });
    for (const [nth, state] of ["in-force", "in-force", "awaiting-approval"].entries()) {
      await alertNow(b);
      expect(b.records()).toHaveLength(nth + 1);
      expect(latest(b)).toMatchObject({ state });
      await sweepAfter(b, 60);
      b.clock.pass(1_000);
    }
    expect(latest(b)?.reason).toBe("it is the third time in a day: somebody is pulling the other way");
    expect(b.world.effects).toHaveLength(4);
  });

  it("is not lifted by the next alert of the same rule, and does not ask twice", async () => {
    const b = bench({ configuration: short });
    for (let nth = 0; nth < 3; nth += 1) {
      await alertNow(b);
      await sweepAfter(b, 60);
      b.clock.pass(1_000);
    }
    await alertNow(b);
    await sweepAfter(b, 1);
    expect(latest(b)).toMatchObject({ state: "awaiting-approval" });
    expect(b.sent.filter(({ kind }) => kind === "awaiting-approval")).toHaveLength(1);
  });

  it("does not count what only looked", async () => {
    const b = bench();
    const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;
    const look = { playbook: "quarantine", target, parameters: {}, mode: "observe", ttlMs: null } as const;
    for (const key of ["1", "2", "3", "4"]) {
      await runManually(b.engine, {
        ...look,
        notify: [],
        by: { ...ANN, why: "a look" },
        idempotencyKey: key,
      });
    }
    b.clock.pass(MINUTE);
    await alertNow(b);
    expect(latest(b)).toMatchObject({ state: "in-force", rule: { name: "miners" } });
  });

  it("is the first again a day later", async () => {
    const b = bench({ configuration: short });
    for (let nth = 0; nth < 2; nth += 1) {
      await alertNow(b);
      await sweepAfter(b, 60);
    }
    b.clock.pass(24 * 60 * MINUTE);
    await alertNow(b);
    expect(latest(b)).toMatchObject({ state: "in-force" });
  });
});

describe("a person's revert", () => {
  it("of what left nothing is refused, and holds nobody up", async () => {
    const b = bench({ mode: "observe" });
    await alertNow(b);
    await expect(revert(b.engine, latest(b)?.id ?? "", ANN)).rejects.toThrow(Refused);
    const row = b.table.snapshot().find(({ key }) => key.startsWith("t!"));
    expect(row?.cells["lease"]).toBe("");
  });

  it("and the deadline's race: one wins, the other reads what became of it", async () => {
    const b = bench();
    await alertNow(b);
    await sweepAfter(b, 8 * 60);
    const record = await revert(b.engine, latest(b)?.id ?? "", ANN);
    expect(record).toMatchObject({ state: "reverted", revertedBy: null });
    expect(b.world.effects).toHaveLength(2);
  });

  it("of an earlier episode names the later one in its place", async () => {
    const b = bench();
    await alertNow(b);
    const first = latest(b)?.id ?? "";
    b.world.change("web-1", { labels: { quarantine: "mine" } });
    await sweepAfter(b, 8 * 60);
    b.world.change("web-1", { labels: {} });
    b.clock.pass(1_000);
    await alertNow(b);
    await expect(revert(b.engine, first, ANN)).rejects.toThrow(latest(b)?.id);
  });
});

describe("the breaker of a cluster", () => {
  it("leaves the rest of its records due after three failures in a row, and tells no cluster apart by luck", async () => {
    const b = bench();
    for (let n = 0; n < 12; n += 1) {
      b.world.addPod(`p-${n}`);
      await b.ingest(alert({ id: `p-${n}`, pod: `p-${n}` }));
    }
    const asked: string[] = [];
    b.world.before = async (call) => {
      if (!call.startsWith("label")) return;
      asked.push(call);
      throw new Retryable("503", "Wait.", { retryAfterMs: 1_000 });
    };
    b.clock.pass(8 * 60 * MINUTE);
    const lanes = 16;
    await sweepAfter(b, 0);
    expect(asked.length).toBeLessThanOrEqual(lanes);
    const deferred = b.records().filter(({ attempts }) => attempts > 0).length;
    await sweepAfter(b, 0);
    expect(b.records().filter(({ attempts }) => attempts > 0).length).toBeGreaterThanOrEqual(deferred);
    expect(b.broken()).toEqual([]);
    b.world.before = () => Promise.resolve();
    await sweepAfter(b, 5, 5);
    expect(new Set(b.records().map(({ state }) => state))).toEqual(new Set(["reverted"]));
  });
});

import { describe, expect, it } from "vitest";
import { ATTEMPTS } from "../../src/engine/engine.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { Conflict, Permanent, Retryable } from "../../src/model/errors.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import { alert, type Bench, bench } from "./harness.ts";
import { event, meanwhile, sweepAfter } from "./processes.ts";
import { podOf, quarantine } from "./quarantine.ts";

/** Two changes, one after the other; each alone is half of what is wanted. */
function inTwoSteps(kind: AnyPlaybook["kind"]): AnyPlaybook {
  return {
    ...quarantine,
    kind,
    async apply(plan, ports) {
      const { cluster, namespace, name } = podOf(plan);
      const pod = await ports.read.kubernetes(cluster).pod(namespace, name);
      if (pod === null) throw new Conflict("the pod has gone", "Nothing to do.");
      if (pod.labels["first"] === undefined) {
        await ports.write.kubernetes(cluster).labelPod(namespace, name, pod, { first: plan.remediationId });
      }
      await quarantine.apply(plan, ports);
    },
    async verify(plan, ports) {
      const { cluster, namespace, name } = podOf(plan);
      const pod = await ports.read.kubernetes(cluster).pod(namespace, name);
      const whole = await quarantine.verify(plan, ports);
      return whole.verdict === "absent" && pod?.labels["first"] !== undefined
        ? { verdict: "partial", remains: ["only the first label is there"] }
        : whole;
    },
    async revert(plan, ports) {
      const outcome = await quarantine.revert(plan, ports);
      const { cluster, namespace, name } = podOf(plan);
      const pod = await ports.read.kubernetes(cluster).pod(namespace, name);
      if (pod?.labels["first"] !== undefined) {
        await ports.write.kubernetes(cluster).labelPod(namespace, name, pod, { first: null });
      }
      return outcome;
    },
  };
}

function twoSteps(kind: AnyPlaybook["kind"]): Bench {
  return bench({ engine: { playbooks: new Map([["quarantine", inTwoSteps(kind)]]) } });
}

/** The n-th change of the pod, counted from 1, fails. */
function failAt(b: Bench, nth: number, fault: () => Error): void {
  let labels = 0;
  b.world.before = async (call) => {
    if (!call.startsWith("label")) return;
    labels += 1;
    if (labels === nth) throw fault();
  };
}

const forbidden = () => new Permanent("403 Forbidden", "Give the identity the right to patch pods.");
const foreign = () =>
  new Conflict("somebody else changed it", "Look who did.", { remains: ["label x stays"] });

describe("a permanent error", () => {
  it("before anything was written ends failed", async () => {
    const b = bench();
    b.world.before = (call) => (call.startsWith("label") ? Promise.reject(forbidden()) : Promise.resolve());
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "failed", touched: false }]);
    expect(b.records()[0]?.reason).toContain("403 Forbidden");
    expect(b.world.effects).toEqual([]);
    expect(b.broken()).toEqual([]);
  });

  it("after something was written leaves a containment in force, partial, with its deadline", async () => {
    const b = twoSteps("containment");
    failAt(b, 2, forbidden);
    await b.ingest(alert());
    const [record] = b.records();
    expect(record).toMatchObject({ state: "in-force", proof: "partial", touched: true });
    expect(record?.remains).toEqual([
      "only the first label is there",
      "403 Forbidden. Give the identity the right to patch pods.",
    ]);
    expect(record?.deadline).toBe(new Date(b.clock.now().getTime() + 8 * 3_600_000).toISOString());
    await sweepAfter(b, 8 * 60);
    expect(b.records()).toMatchObject([{ state: "reverted" }]);
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
    expect(b.broken()).toEqual([]);
  });

  it("after something was written takes everything else back and ends failed", async () => {
    const b = twoSteps("remediation");
    failAt(b, 2, forbidden);
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "failed", touched: false }]);
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
    expect(b.sent.map(({ kind }) => kind)).toEqual(["failed"]);
    expect(b.broken()).toEqual([]);
  });

  it("of a process that died after its write: what its owner forbids to touch by now stands, and that is told", async () => {
    const b = bench();
    const dying = meanwhile(b, /^after label/, () => new Promise(() => {}));
    void ingest(dying, [event()]);
    for (let turns = 0; turns < 9; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(b.world.effects).toHaveLength(1);
    b.world.change("web-1", { annotations: { "defender-reflex.dev/protected": "true" } });
    await sweepAfter(b, 2.1);
    const [record] = b.records();
    expect(record).toMatchObject({ state: "in-force", proof: "partial", deadline: expect.any(String) });
    expect(record?.remains).toEqual([expect.stringContaining("its owner opted out")]);
    expect(b.sent).toMatchObject([{ kind: "in-force", remediation: { proof: "partial" } }]);
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web", quarantine: record?.id });
    expect(b.broken()).toEqual([]);
  });

  it("while taking back is told once and tried again every hour, never given up", async () => {
    const b = bench();
    await b.ingest(alert());
    b.world.before = (call) => (call.startsWith("label") ? Promise.reject(forbidden()) : Promise.resolve());
    await sweepAfter(b, 8 * 60, 60, 60, 60);
    expect(b.records()).toMatchObject([{ state: "reverting" }]);
    expect(b.sent.filter(({ kind }) => kind === "failed")).toHaveLength(1);
    b.world.before = () => Promise.resolve();
    await sweepAfter(b, 60);
    expect(b.records()).toMatchObject([{ state: "reverted" }]);
    expect(b.broken()).toEqual([]);
  });
});

describe("a conflict", () => {
  it("before the first write ends superseded and leaves the foreign change alone", async () => {
    const b = bench();
    b.world.before = async (call) => {
      if (call === "label web-1") return;
      // Between plan and apply somebody else labels the pod.
      if (b.records().length === 1) b.world.change("web-1", { labels: { app: "web", quarantine: "mine" } });
    };
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "superseded", touched: false }]);
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web", quarantine: "mine" });
    expect(b.world.effects).toEqual([]);
  });

  it("after the first write takes back what was written and ends superseded", async () => {
    const b = twoSteps("containment");
    failAt(b, 2, foreign);
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "superseded" }]);
    expect(b.records()[0]?.reason).toContain("somebody else changed it");
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
    expect(b.broken()).toEqual([]);
  });

  it("of a revert ends superseded with the list of what is left, and a message", async () => {
    const b = bench();
    await b.ingest(alert());
    b.world.change("web-1", { labels: { app: "web", quarantine: "mine" } });
    await sweepAfter(b, 8 * 60);
    expect(b.records()).toMatchObject([{ state: "superseded", remains: ["quarantine=mine"] }]);
    expect(b.sent.map(({ kind }) => kind)).toContain("asks");
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web", quarantine: "mine" });
  });
});

describe("a passing fault", () => {
  it("is tried again with growing delays, and ends failed when it does not pass", async () => {
    const b = bench();
    b.world.before = (call) =>
      call.startsWith("label")
        ? Promise.reject(new Retryable("503", "Wait.", { retryAfterMs: 5_000 }))
        : Promise.resolve();
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "applying", attempts: 1 }]);
    await sweepAfter(b, ...Array(ATTEMPTS - 2).fill(6));
    expect(b.records()).toMatchObject([{ state: "applying", attempts: ATTEMPTS - 1 }]);
    await sweepAfter(b, 6);
    // It may have been written: reading back says that it was not.
    expect(b.records()).toMatchObject([{ state: "failed", reason: expect.stringContaining("503") }]);
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
    expect(b.broken()).toEqual([]);
  });

  it("that is only the time of a run used up costs no attempt, however often", async () => {
    const b = bench();
    let slow = true;
    b.world.before = async (call) => {
      if (slow && call.startsWith("namespace") && b.records().length > 0) b.clock.pass(31_000);
    };
    await b.ingest(alert());
    await sweepAfter(b, ...Array(2 * ATTEMPTS).fill(2));
    expect(b.records()).toMatchObject([{ state: "applying", attempts: 0, touched: false }]);
    expect(b.records()[0]?.reason).toContain("the time of this run is used up");
    slow = false;
    await sweepAfter(b, 2);
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
    expect(b.broken()).toEqual([]);
  });

  it("of what cannot be read back either leaves it in force, unverified, with its deadline", async () => {
    const b = bench();
    let wrote = false;
    b.world.before = (call) => {
      wrote ||= call.startsWith("label");
      return wrote
        ? Promise.reject(new Retryable("503", "Wait.", { retryAfterMs: 5_000 }))
        : Promise.resolve();
    };
    await b.ingest(alert());
    await sweepAfter(b, ...Array(ATTEMPTS).fill(6));
    expect(b.records()).toMatchObject([
      { state: "in-force", proof: "unverified", deadline: expect.any(String) },
    ]);
    expect(b.records()[0]?.remains[0]).toMatch(/^it could not be read back: 503/);
    expect(b.broken()).toEqual([]);
  });

  it("while planning waits its time: nobody tries again in the same breath", async () => {
    const b = bench({ mode: "observe" });
    await b.ingest(alert({ id: "a-1" }));
    b.world.before = () => Promise.reject(new Retryable("503", "Wait.", { retryAfterMs: 5_000 }));
    await b.ingest(alert({ id: "a-2" }));
    const open = b.records().filter(({ state }) => state === "pending");
    expect(open).toMatchObject([{ attempts: 1 }]);
    expect(b.broken()).toEqual([]);
  });

  it("passes unnoticed when the object only moved under us", async () => {
    const b = bench();
    let moves = 3;
    b.world.before = async (call) => {
      if (call.startsWith("label") && moves-- > 0) b.world.change("web-1", {});
    };
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "in-force", proof: "proved" }]);
    expect(b.world.effects).toHaveLength(1);
  });
});

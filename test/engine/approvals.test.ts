import { describe, expect, it, vi } from "vitest";
import { approve } from "../../src/engine/approve.ts";
import { OPT_OUT } from "../../src/engine/guard.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { runManually } from "../../src/engine/manual-run.ts";
import { pause, resume } from "../../src/engine/pauses.ts";
import { reject } from "../../src/engine/reject.ts";
import { retry } from "../../src/engine/retry.ts";
import { revert } from "../../src/engine/revert.ts";
import { Conflict, Refused, Retryable } from "../../src/model/errors.ts";
import { ANN, approves, asking, BOB, changed, HOUR, latest, MINUTE, yes } from "./deciding.ts";
import { historiesOf } from "./end-faults.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { another, event, meanwhile, sweepAfter } from "./processes.ts";
import { quarantine } from "./quarantine.ts";
import { CLUSTER } from "./world.ts";

vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

const POD = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;

function history(b: Bench): { who: string; what: string; details: Readonly<Record<string, unknown>> }[] {
  return (historiesOf(b.table)[0] ?? []).map(({ who, what, details }) => ({ who, what, details }));
}

/** The kinds of messages about remediations, once a sweep has sent what need not go out at once. */
async function told(b: Bench): Promise<string[]> {
  await sweepAfter(b, 0);
  return b.sent.flatMap(({ kind, remediation }) => (remediation === null ? [] : [kind]));
}

/** A plan that also says which version of the object it was made for. */
const drifting = changed({
  plan: async (input, ports) => {
    const outcome = await quarantine.plan(input, ports);
    const version = (await ports.read.kubernetes(CLUSTER).pod("shop", "web-1"))?.annotations["version"];
    return outcome.outcome === "change"
      ? { ...outcome, draft: { ...outcome.draft, impact: `version ${version ?? "1"}` } }
      : outcome;
  },
});

async function byHand(b: Bench): Promise<void> {
  await runManually(b.engine, {
    playbook: "quarantine",
    target: POD,
    parameters: {},
    mode: "enforce",
    ttlMs: HOUR,
    notify: [],
    by: ANN,
    idempotencyKey: "k-1",
  });
}

describe("an approval", () => {
  it("begins the very plan that was seen, with who, when and why on record", async () => {
    const b = await asking();
    const { planHash } = latest(b);
    b.clock.pass(20 * MINUTE);
    const record = await approves(b);
    const approval = { ...ANN, at: "2026-03-02T08:20:00.000Z", planHash };
    expect(record).toMatchObject({ state: "in-force", proof: "proved", planHash, approval });
    expect(b.world.labelsOf("web-1")["quarantine"]).toBe(record.id);
    expect(history(b)).toMatchObject([
      { who: "engine", what: "claimed" },
      { who: "ann", what: "approved", details: { approval } },
      { who: "engine", what: "approval used", details: { approval } },
      { who: "engine", what: "in-force" },
    ]);
    expect(await told(b)).toEqual(["awaiting-approval", "in-force"]);
    expect(b.broken()).toEqual([]);
  });

  it("carries out the plan as it was stored, and stores no second one", async () => {
    const b = await asking();
    await approves(b);
    expect(b.table.snapshot().filter(({ key }) => key.startsWith("p!"))).toHaveLength(1);
  });

  it("survives twenty minutes of status updates", async () => {
    const b = await asking();
    const seen = yes(b);
    for (let minute = 0; minute < 20; minute += 1) {
      b.world.change("web-1", {
        annotations: { beat: String(minute) },
        phase: minute % 2 ? "Running" : "Pending",
      });
      await sweepAfter(b, 1);
    }
    expect(await approve(b.engine, latest(b).id, seen)).toMatchObject({ state: "in-force" });
  });

  it("is void once the object is another, and the new plan is asked for with a time of its own", async () => {
    const b = await asking();
    const seen = yes(b);
    b.clock.pass(HOUR);
    b.world.addPod("web-1");
    const record = await approve(b.engine, latest(b).id, seen);
    expect(record).toMatchObject({
      state: "awaiting-approval",
      approval: null,
      askedAt: "2026-03-02T09:00:00.000Z",
      reason: "the plan has changed since ann approved it: look at the new one",
    });
    expect(record.planHash).not.toBe(seen.planHash);
    expect(b.world.effects).toEqual([]);
    expect(history(b).map(({ what }) => what)).toEqual(["claimed", "approved", "approval voided"]);
    expect(await told(b)).toEqual(["awaiting-approval", "awaiting-approval"]);
    await expect(approve(b.engine, record.id, seen)).rejects.toThrow(/changed since you looked/);
    await sweepAfter(b, 3 * 60 + 59);
    expect(latest(b)).toMatchObject({ state: "awaiting-approval" });
    expect(await approves(b)).toMatchObject({ state: "in-force", approval: { who: "ann" } });
    expect(b.broken()).toEqual([]);
  });

  it.each<[string, (b: Bench) => void, object]>([
    ["has gone", (b) => b.world.pods.clear(), { state: "skipped", reason: "the target has gone" }],
    [
      "is protected by now",
      (b) => b.world.change("web-1", { labels: { [OPT_OUT]: "true" } }),
      { state: "refused", reason: expect.stringContaining("opted out") },
    ],
    [
      "is as wanted by now",
      (b) => b.world.change("web-1", { labels: { quarantine: "by hand" } }),
      { state: "no-op" },
    ],
  ])("does nothing where the target %s, and says so", async (_name, happens, outcome) => {
    const b = await asking();
    happens(b);
    expect(await approves(b)).toMatchObject(outcome);
    expect(b.world.effects).toEqual([]);
    expect(await told(b)).toHaveLength(2);
    expect(b.broken()).toEqual([]);
  });

  it("is used up by what it began: the same again does nothing", async () => {
    const b = await asking();
    const seen = yes(b);
    const { id } = await approves(b);
    await expect(approve(b.engine, id, { ...seen, word: BOB })).rejects.toThrow(/already approved by ann/);
    await revert(b.engine, id, BOB);
    await expect(approve(b.engine, id, seen)).rejects.toThrow(Conflict);
    expect(b.world.effects).toHaveLength(2);
  });

  it("given during a pause is kept, and what it allows begins when that ends", async () => {
    const b = await asking();
    const all = { kind: "all" } as const;
    await pause(b.engine, all, BOB);
    expect(await approves(b)).toMatchObject({ state: "applying", approval: { who: "ann" } });
    expect(b.world.effects).toEqual([]);
    await sweepAfter(b, 60, 24 * 60);
    expect(b.world.effects).toEqual([]);
    await resume(b.engine, all, BOB);
    await sweepAfter(b, 1);
    expect(latest(b)).toMatchObject({ state: "in-force" });
    expect(b.broken()).toEqual([]);
  });

  it("does not lift the ceiling", async () => {
    const b = await asking();
    const low = { ...b.engine, configuration: { ...b.engine.configuration, ceiling: "observe" } as const };
    expect(await approves(b, {}, low)).toMatchObject({ state: "observed" });
    expect(b.world.effects).toEqual([]);
  });

  it("that was voided does not hold up a rule that enforces the same", async () => {
    const b = await asking({ engine: drifting });
    const seen = yes(b);
    b.world.change("web-1", { annotations: { version: "2" } });
    const enforcing = another(b, { configuration: configuration("enforce") });
    const approver = meanwhile(
      b,
      /before read web-1/,
      async () => {
        await ingest(enforcing, [event({ id: "a-2" })]);
      },
      drifting,
    );
    const record = await approve(approver, latest(b).id, seen);
    expect(record).toMatchObject({ state: "in-force", approval: null });
    expect(history(b).map(({ what }) => what)).toEqual([
      "claimed",
      "approved",
      "approval voided",
      "planned",
      "in-force",
    ]);
    expect(b.world.effects).toHaveLength(1);
    expect(b.sent.filter(({ kind }) => kind === "awaiting-approval")).toHaveLength(1);
  });
});

describe("an approval is refused", () => {
  it.each<[string, Parameters<typeof approves>[1], RegExp]>([
    ["from an application", { kind: "application" }, /an application decides nothing/],
    ["without the plan's hash", { planHash: "" }, /changed since you looked/],
    ["for another plan", { planHash: "0".repeat(64) }, /changed since you looked/],
  ])("%s", async (_name, more, sentence) => {
    const b = await asking();
    await expect(approves(b, more)).rejects.toThrow(sentence);
    expect(latest(b)).toMatchObject({ state: "awaiting-approval", approval: null });
    expect(b.world.effects).toEqual([]);
    // The same with the right caller and the right plan.
    expect(await approves(b)).toMatchObject({ state: "in-force" });
  });

  it("for what nobody knows", async () => {
    const b = await asking();
    await expect(approve(b.engine, "nonsense", yes(b))).rejects.toThrow(/no remediation nonsense/);
    const other = `${latest(b).id.slice(0, -1)}${latest(b).id.endsWith("0") ? "1" : "0"}`;
    await expect(approve(b.engine, other, yes(b))).rejects.toThrow(Refused);
  });

  it("for what does not wait for one", async () => {
    const b = bench();
    await b.ingest(alert());
    await expect(approves(b)).rejects.toThrow(/is in-force and does not wait/);
  });

  it("once its time has run out, before and after the sweep has seen that", async () => {
    const b = await asking();
    const seen = yes(b);
    b.clock.pass(4 * HOUR);
    await expect(approve(b.engine, latest(b).id, seen)).rejects.toThrow(
      /ran out at 2026-03-02T12:00:00.000Z/,
    );
    await sweepAfter(b, 0);
    expect(latest(b)).toMatchObject({ state: "expired" });
    await expect(approve(b.engine, latest(b).id, seen)).rejects.toThrow(/ran out/);
    expect(b.world.effects).toEqual([]);
  });

  it.each([
    ["harms more than its target", { highImpact: true }],
    ["cannot be taken back", { reversible: false }],
  ])("from who asked for what %s; a second person may", async (_name, more) => {
    const b = bench({ engine: changed(more) });
    await byHand(b);
    expect(latest(b)).toMatchObject({ state: "awaiting-approval", requestedBy: { who: "ann" } });
    await expect(approves(b)).rejects.toThrow(/wants a second person/);
    // A name can be changed, an id cannot.
    await expect(approves(b, { word: { ...ANN, who: "zoe" } })).rejects.toThrow(/wants a second person/);
    await expect(approves(b, { word: { ...BOB, id: "" } })).rejects.toThrow(/wants a second person/);
    expect(b.world.effects).toEqual([]);
    expect(await approves(b, { word: BOB })).toMatchObject({ state: "in-force" });
  });

  it("also from who asked at first, where an application asks again for it", async () => {
    const b = bench({ engine: changed({ highImpact: true }) });
    await byHand(b);
    await reject(b.engine, latest(b).id, BOB);
    b.clock.pass(1);
    const pipeline = { who: "a pipeline", id: "t/pipeline", why: "try again" };
    await retry(b.engine, latest(b).id, pipeline);
    expect(latest(b)).toMatchObject({ state: "awaiting-approval", requestedBy: pipeline });
    await expect(approves(b)).rejects.toThrow(/ann asked for this, and quarantine wants a second person/);
    expect(b.world.effects).toEqual([]);
    expect(await approves(b, { word: BOB })).toMatchObject({ state: "in-force" });
  });

  it("never from who approved before the plan changed: nobody has begun anything by that", async () => {
    const b = bench({ engine: changed({ highImpact: true }) });
    await byHand(b);
    b.world.addPod("web-1");
    expect(await approves(b, { word: BOB })).toMatchObject({ state: "awaiting-approval" });
    expect(await approves(b, { word: BOB })).toMatchObject({ state: "in-force" });
  });
});

describe("a question", () => {
  it("is recalled once, at half of its time, and expires as a normal end with its own message", async () => {
    const b = await asking();
    await sweepAfter(b, 119);
    expect(await told(b)).toEqual(["awaiting-approval"]);
    await sweepAfter(b, 1, 1, 60);
    expect(await told(b)).toEqual(["awaiting-approval", "approval-reminder"]);
    await sweepAfter(b, 58);
    expect(latest(b)).toMatchObject({ state: "awaiting-approval", reminded: true });
    await sweepAfter(b, 1);
    expect(latest(b)).toMatchObject({ state: "expired", touched: false });
    expect(await told(b)).toEqual(["awaiting-approval", "approval-reminder", "ended"]);
    expect(b.world.effects).toEqual([]);
    expect(b.broken()).toEqual([]);
  });

  it("is not moved by an alert that joins", async () => {
    const b = await asking();
    b.clock.pass(3 * HOUR);
    await b.ingest(alert({ id: "a-2", at: b.clock.now().toISOString() }));
    await sweepAfter(b, 60);
    expect(latest(b)).toMatchObject({ state: "expired" });
  });

  it("that follows a wait is a new one, with its whole time", async () => {
    const b = bench();
    const all = { kind: "all" } as const;
    await pause(b.engine, all, BOB);
    await b.ingest(alert());
    expect(latest(b)).toMatchObject({ state: "applying", askedAt: null });
    b.clock.pass(30 * HOUR);
    await resume(b.engine, all, BOB);
    await sweepAfter(b, 1);
    const asked = b.clock.now().toISOString();
    expect(latest(b)).toMatchObject({ state: "awaiting-approval", askedAt: asked, approval: null });
    await sweepAfter(b, 12 * 60);
    expect(await told(b)).toEqual(["awaiting-approval", "approval-reminder"]);
    await sweepAfter(b, 12 * 60);
    expect(latest(b)).toMatchObject({ state: "expired" });
  });
});

describe("a rejection", () => {
  it("ends what waits, tells it, and holds for the cooldown", async () => {
    const b = await asking();
    expect(await reject(b.engine, latest(b).id, ANN)).toMatchObject({
      state: "rejected",
      reason: "rejected: it is a miner",
      revertedBy: ANN,
    });
    expect(await told(b)).toEqual(["awaiting-approval", "ended"]);
    b.clock.pass(59 * MINUTE);
    await b.ingest(alert({ id: "a-2", at: b.clock.now().toISOString() }));
    expect(b.records()).toHaveLength(1);
    b.clock.pass(2 * MINUTE);
    await b.ingest(alert({ id: "a-3", at: b.clock.now().toISOString() }));
    expect(b.records()).toHaveLength(2);
    expect(b.broken()).toEqual([]);
  });

  it("again is no change", async () => {
    const b = await asking();
    const first = await reject(b.engine, latest(b).id, ANN);
    expect(await reject(b.engine, first.id, BOB)).toEqual(first);
  });

  it("of what has begun is too late, and says how to take it back", async () => {
    const b = await asking();
    const { id } = await approves(b);
    const refusal = reject(b.engine, id, BOB);
    await expect(refusal).rejects.toThrow(`${id} was approved by ann and is in-force`);
    await expect(refusal).rejects.toMatchObject({ advice: expect.stringContaining("reflex revert") });
    expect(latest(b)).toMatchObject({ state: "in-force" });
  });

  it("of what somebody drives has to wait a moment", async () => {
    const b = await asking();
    b.world.before = async () => {
      await expect(reject(b.engine, latest(b).id, BOB)).rejects.toThrow(Retryable);
    };
    expect(await approves(b)).toMatchObject({ state: "in-force" });
    expect.hasAssertions();
  });
});

import { describe, expect, it } from "vitest";
import { LEASE_MS } from "../../src/engine/engine.ts";
import { takeLease } from "../../src/engine/held-target.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { runManually } from "../../src/engine/manual-run.ts";
import { revert } from "../../src/engine/revert.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { targetHash } from "../../src/store/row-keys.ts";
import { alert, bench, configuration } from "./harness.ts";
import { another, event, meanwhile, skewed, sweepAfter } from "./processes.ts";
import { quarantine } from "./quarantine.ts";
import { CLUSTER } from "./world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const TARGET = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;
const ANN = { who: "ann", id: "t/ann", why: "a drill" };

describe("a process that is frozen longer than its lease", () => {
  it("changes nothing any more when another has taken over and done its work", async () => {
    const b = bench();
    const frozen = meanwhile(b, /^before label/, () => sweepAfter(b, 2.1));
    await ingest(frozen, [event()]);
    const [record] = b.records();
    expect(record).toMatchObject({ state: "in-force", proof: "proved", auditSequence: 2 });
    expect(b.world.effects).toHaveLength(1);
    expect(b.broken()).toEqual([]);
  });

  it("tells nobody what it could not write", async () => {
    const b = bench();
    const place = /^before transact replace t!\w+, replace r!/;
    const frozen = meanwhile(b, place, () => sweepAfter(b, 2.1));
    await ingest(frozen, [event()]);
    expect(b.records()).toMatchObject([{ state: "in-force", auditSequence: 2 }]);
    expect(b.sent.map(({ kind }) => kind)).toEqual(["in-force"]);
  });

  it("is waited for: after a takeover the change is read back once more, a lease later", async () => {
    const b = bench();
    const frozen = meanwhile(b, /^before label/, () => sweepAfter(b, 2.1));
    await ingest(frozen, [event()]);
    const [record] = b.records();
    expect(record?.dueAt).toBe(new Date(b.clock.now().getTime() + LEASE_MS).toISOString());
    await sweepAfter(b, 2);
    expect(b.records()[0]).toMatchObject({ state: "in-force", reason: "read back: proved" });
  });

  it("has its late write found and taken back before the end is written", async () => {
    const b = bench();
    const seen: string[] = [];
    const frozen = meanwhile(b, /^before label/, async () => {
      b.clock.pass(LEASE_MS + SECOND);
      const record = await revert(another(b), b.records()[0]?.id ?? "", ANN);
      seen.push(record.state);
    });
    await ingest(frozen, [event()]);
    expect(seen).toEqual(["reverting"]);
    expect(b.world.labelsOf("web-1")["quarantine"]).toBe(b.records()[0]?.id);
    await sweepAfter(b, 2);
    expect(b.records()).toMatchObject([{ state: "reverted", revertedBy: ANN }]);
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
    expect(b.broken()).toEqual([]);
  });

  it("is waited for before it is called failed, which then still says why", async () => {
    const absent = { verdict: "absent", reason: "nobody knows it" } as const;
    const failing = { ...quarantine, verify: () => Promise.resolve(absent) };
    const b = bench({ engine: { playbooks: new Map([["quarantine", failing]]) } });
    const frozen = meanwhile(b, /^before label/, () => sweepAfter(b, 2.1));
    await ingest(frozen, [event()]);
    const why = "the change was accepted but is not there: nobody knows it";
    const vanished = "a driver had vanished: it is read back once more before the end";
    expect(b.records()).toMatchObject([{ state: "reverting", reason: `${why}; ${vanished}` }]);
    await sweepAfter(b, 4);
    expect(b.records()).toMatchObject([
      { state: "failed", reason: `${why}; ${vanished}; what was touched is as it was` },
    ]);
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
  });

  it("is waited for before a remediation is called done", async () => {
    const b = bench({
      configuration: configuration("enforce", (text) => text.replace(", ttl: 8h", "")),
      engine: { playbooks: new Map([["quarantine", { ...quarantine, kind: "remediation" }]]) },
    });
    const states: unknown[] = [];
    const frozen = meanwhile(b, /^before label/, async () => {
      await sweepAfter(b, 2.1);
      states.push(b.records()[0]?.state);
    });
    await ingest(frozen, [event()]);
    await sweepAfter(b, 2);
    states.push(b.records()[0]?.state);
    expect(states).toEqual(["verifying", "done"]);
    expect(b.world.effects).toHaveLength(1);
  });

  it("is waited for also where the revert finds a foreign change", async () => {
    const b = bench();
    const states: string[] = [];
    const frozen = meanwhile(b, /^before label/, async () => {
      b.clock.pass(LEASE_MS + SECOND);
      b.world.change("web-1", { labels: { app: "web", quarantine: "mine" } });
      states.push((await revert(another(b), b.records()[0]?.id ?? "", ANN)).state);
    });
    await ingest(frozen, [event()]);
    await sweepAfter(b, 2);
    states.push(...b.records().map(({ state }) => state));
    expect(states).toEqual(["reverting", "superseded"]);
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web", quarantine: "mine" });
  });

  it("has a write that lands even after the end told by the daily search for marks", async () => {
    const b = bench();
    const frozen = meanwhile(b, /^before label/, async () => {
      b.clock.pass(LEASE_MS + SECOND);
      await revert(another(b), b.records()[0]?.id ?? "", ANN);
      await sweepAfter(b, 2);
      expect(b.records()).toMatchObject([{ state: "reverted" }]);
    });
    await ingest(frozen, [event()]);
    await sweepAfter(b, 24 * 60, 1);
    const told = b.sent.filter(({ kind }) => kind === "foreign-mark");
    expect(told).toHaveLength(1);
    expect(told[0]?.text).toContain(`pod shop/web-1 (${b.records()[0]?.id})`);
  });

  it("begins no outside write when it wakes before one, also where nobody has taken over", async () => {
    const b = bench();
    const frozen = meanwhile(b, /^after transact insert t!/, async () => b.clock.pass(LEASE_MS + SECOND));
    await ingest(frozen, [event()]);
    expect(b.world.effects).toEqual([]);
    expect(b.records()).toMatchObject([{ state: "applying" }]);
    expect(b.broken()).toEqual([]);
    await sweepAfter(b, 3);
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
  });

  it("counts its time from the lease and not from its waking, when a person asked for the run", async () => {
    const b = bench();
    const frozen = meanwhile(b, /^after transact insert t!/, async () => b.clock.pass(LEASE_MS + SECOND));
    const run = {
      playbook: "quarantine",
      target: TARGET,
      parameters: {},
      mode: "enforce",
      ttlMs: null,
    } as const;
    await runManually(frozen, { ...run, notify: [], by: ANN, idempotencyKey: "k" });
    expect(b.world.effects).toEqual([]);
    await sweepAfter(b, 3);
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
  });

  it("does not drive on the lease of another when it hears late that its claim was written", async () => {
    const b = bench();
    const hash = targetHash(TARGET);
    const leases: unknown[] = [];
    const claims = meanwhile(
      b,
      /^after transact insert t!/,
      async () => {
        b.clock.pass(LEASE_MS + SECOND);
        leases.push(await takeLease(another(b), hash));
      },
      { lose: true },
    );
    await ingest(claims, [event()]);
    expect(leases).toMatchObject([{ hash }]);
    expect(b.world.effects).toEqual([]);
    expect(b.records()).toMatchObject([{ state: "applying", auditSequence: 1 }]);
  });

  it("does not drive on the lease of another when it hears late that its step was written", async () => {
    const b = bench();
    await b.ingest(alert());
    b.clock.pass(8 * 60 * MINUTE);
    // The step that begins the revert is written; its answer comes when somebody else drives.
    const leases: Awaited<ReturnType<typeof takeLease>>[] = [];
    const sweeps = meanwhile(
      b,
      /^after transact replace t!\w+, replace r!/,
      async () => {
        b.clock.pass(LEASE_MS + SECOND);
        leases.push(await takeLease(another(b), targetHash(TARGET)));
      },
      { lose: true },
    );
    await sweep(sweeps);
    expect(b.records()).toMatchObject([{ state: "reverting", auditSequence: 3 }]);
    const row = b.table.snapshot().find(({ key }) => key.startsWith("t!"));
    const [other] = leases;
    expect(row?.etag).toBe(typeof other === "object" ? other.etag : "");
    expect(b.world.effects).toHaveLength(1);
    await sweepAfter(b, 2.1, 2.1);
    expect(b.records()).toMatchObject([{ state: "reverted" }]);
    expect(b.world.effects).toHaveLength(2);
  });
});

describe("a lease whose taking is not confirmed", () => {
  it("is known by its token, and used", async () => {
    const b = bench();
    await b.ingest(alert());
    b.clock.pass(8 * 60 * MINUTE);
    const lost = meanwhile(b, /^after transact replace t!\w+$/, async () => {}, { lose: true });
    expect(await sweep(lost)).toMatchObject({ driven: 1, left: 0 });
    expect(b.records()).toMatchObject([{ state: "reverted" }]);
  });
});

describe("a minute of clock skew", () => {
  it("lets a clock that is ahead take over only when the work of the lease must be over", async () => {
    const b = bench();
    const early: number[] = [];
    const frozen = meanwhile(b, /^before label/, async () => {
      const ahead = another(b, { clock: skewed(b, MINUTE) });
      b.clock.pass(55 * SECOND);
      early.push((await sweep(ahead)).driven);
      b.clock.pass(10 * SECOND);
      early.push((await sweep(ahead)).driven);
    });
    await ingest(frozen, [event()]);
    expect(early).toEqual([0, 1]);
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
    expect(b.world.effects).toHaveLength(1);
  });

  it("lets a clock that is behind wait longer, and loses nothing", async () => {
    const b = bench();
    const driven: number[] = [];
    const frozen = meanwhile(b, /^before label/, async () => {
      const behind = another(b, { clock: skewed(b, -MINUTE) });
      b.clock.pass(LEASE_MS + SECOND);
      driven.push((await sweep(behind)).driven);
      b.clock.pass(MINUTE);
      driven.push((await sweep(behind)).driven);
    });
    await ingest(frozen, [event()]);
    expect(driven).toEqual([0, 1]);
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
    expect(b.world.effects).toHaveLength(1);
    expect(b.broken()).toEqual([]);
  });
});

describe("a word that comes while somebody else drives", () => {
  it("of Defender, that it is over, is seen by whoever drives next", async () => {
    const b = bench({ mode: "approve" });
    await b.ingest(alert());
    await takeLease(another(b), targetHash(TARGET));
    await b.ingest(alert({ status: "Resolved" }));
    expect(b.records()).toMatchObject([{ state: "awaiting-approval" }]);
    await sweepAfter(b, 3);
    expect(b.records()).toMatchObject([{ state: "superseded" }]);
    expect(b.broken()).toEqual([]);
  });

  it("of a person is refused for now, and changes nothing", async () => {
    const b = bench();
    await b.ingest(alert());
    await takeLease(another(b), targetHash(TARGET));
    await expect(revert(another(b), b.records()[0]?.id ?? "", ANN)).rejects.toThrow("is being worked on");
    expect(b.records()).toMatchObject([{ state: "in-force", revertedBy: null }]);
  });
});

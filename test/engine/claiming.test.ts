import { describe, expect, it } from "vitest";
import { begin } from "../../src/engine/begin.ts";
import { type ClaimContext, composeClaim } from "../../src/engine/claim.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Prepared } from "../../src/engine/prepare.ts";
import { Retryable } from "../../src/model/errors.ts";
import type { Message } from "../../src/model/message.ts";
import { decodeAudit } from "../../src/store/record-rows.ts";
import { auditRowKey, dueRowKey, shardOf, targetRowKey } from "../../src/store/row-keys.ts";
import { RowConflict, StoreUnreachable } from "../../src/store/table.ts";
import { UNDECIDED } from "./fixtures.ts";
import { type Bench, bench } from "./harness.ts";
import {
  BEFORE,
  HASH,
  keysOf,
  NOW,
  POD,
  planOf,
  rowOf,
  signal,
  stand,
  verdict,
  work,
} from "./piece-of-work.ts";

const ID = `${HASH.slice(0, 1)}${"2".repeat(21)}`;
const AT_REST: ClaimContext = { pendingReason: "it waits", pendingDue: new Date(NOW), episodes: [] };
const LEASE_END = "2026-03-02T08:02:00.000Z";
/** Half of the time that a person has, for the reminder. */
const HALF_A_DAY = "2026-03-02T20:00:00.000Z";

/** A verdict without a plan. */
function bare(state: Prepared["state"]): Prepared {
  return verdict({ state, plan: null, identity: null, reason: `it is ${state}` });
}

function claimOf(prepared: Prepared | null, more: Parameters<typeof work>[0] = {}, b: Bench = bench()) {
  return composeClaim(b.engine, work(more), ID, prepared, AT_REST);
}

describe("a fresh record", () => {
  it("says everything that is known when it is claimed, and nothing more", () => {
    const plan = planOf(ID);
    const { record } = claimOf(verdict({ plan, proof: "declared" }));
    const { auditHash, ...rest } = record;
    expect(auditHash).toMatch(/^[0-9a-f]{64}$/);
    expect(rest).toEqual({
      id: ID,
      playbook: "quarantine",
      target: POD,
      state: "applying",
      proof: "declared",
      reason: "label web-1",
      remains: [],
      mode: "enforce",
      rule: work().rule,
      signal: signal().summary,
      unresolved: false,
      aside: false,
      evidence: [],
      clusterByRule: false,
      requestedBy: null,
      revertedBy: null,
      ...UNDECIDED,
      planNumber: 0,
      planHash: plan.hash,
      identity: "uid-1",
      touched: false,
      attempts: 0,
      createdAt: NOW,
      updatedAt: NOW,
      inForceSince: null,
      deadline: null,
      warned: false,
      dueRow: dueRowKey(new Date(LEASE_END), ID, 1),
      dueAt: LEASE_END,
      revertsTo: null,
      dueSequence: 1,
      auditSequence: 1,
      readBackAfter: null,
    });
  });

  it("has an entry in the target row that holds what it would touch", () => {
    const plan = planOf(ID);
    expect(claimOf(verdict({ plan })).entry).toEqual({
      id: ID,
      state: "applying",
      mode: "enforce",
      identity: "uid-1",
      planHash: plan.hash,
      lastSignalAt: NOW,
      cooldownUntil: null,
      episodes: [NOW],
      touches: ["pod/shop/web-1#labels.quarantine"],
      newerIdentity: null,
      lastSignal: null,
      lifted: false,
      closedAt: null,
      abandoned: false,
    });
  });

  it("that has ended holds nothing, is due never and is no episode", () => {
    const { record, entry } = claimOf(verdict({ state: "observed", mode: "observe" }));
    expect(record).toMatchObject({ state: "observed", dueRow: null, dueAt: null });
    expect(entry).toMatchObject({ touches: [], episodes: [], cooldownUntil: null });
  });

  it("that is pending holds nothing, since it has no plan", () => {
    expect(claimOf(null).entry).toMatchObject({ state: "pending", touches: [], planHash: null });
  });

  it("that is done cools down for as long as its rule says", () => {
    expect(claimOf(bare("done")).entry.cooldownUntil).toBe("2026-03-02T09:00:00.000Z");
  });

  it.each([
    ["pending", null, NOW],
    ["awaiting-approval", bare("awaiting-approval"), HALF_A_DAY],
    ["applying", bare("applying"), LEASE_END],
  ] as const)("that is %s is due at its own time", (state, prepared, dueAt) => {
    expect(claimOf(prepared).record).toMatchObject({ state, dueAt });
  });

  it("waits in the lane of its cluster", () => {
    const due = claimOf(bare("applying")).operations.find(({ key }) => key.startsWith("d!"));
    expect(due).toMatchObject({ do: "insert", cells: { lane: POD.cluster.toLowerCase() } });
  });
});

describe("the first line of a record's history", () => {
  const auditOf = (more: Parameters<typeof work>[0], prepared: Prepared | null) => {
    const row = claimOf(prepared, more).operations.find(({ key }) => key === auditRowKey(ID, 1));
    const cells = row === undefined || row.do === "delete" ? {} : row.cells;
    return decodeAudit({ partition: "", key: "", etag: "", cells });
  };

  it("says who claimed what, why, and by which rule and plan", () => {
    const plan = planOf(ID);
    const { hash, ...rest } = auditOf({}, verdict({ plan }));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(rest).toEqual({
      sequence: 1,
      at: NOW,
      who: "engine",
      what: "claimed",
      why: "label web-1",
      before: null,
      after: "applying",
      details: expect.objectContaining({ rule: "miners", configuration: "c0ffee", planHash: plan.hash }),
      previous: "",
    });
  });

  it("names the person who asked, and no plan where there is none", () => {
    const requestedBy = { who: "ann", id: "t/ann", why: "a drill" };
    expect(auditOf({ requestedBy }, null)).toMatchObject({
      who: "ann",
      why: "it waits",
      after: "pending",
      details: { planHash: null },
    });
  });
});

describe("the messages of a claim", () => {
  const kindsOf = (state: Prepared["state"], playbook = "quarantine") =>
    claimOf(bare(state), { playbook }).messages.map(({ message }) => message.kind);

  it.each(["awaiting-approval", "observed", "refused", "failed"] as const)(
    "tell each channel of %s",
    (state) => {
      expect(kindsOf(state)).toEqual([state, state]);
    },
  );

  it.each(["applying", "no-op", "skipped", "done"] as const)(
    "are none for a containment that is %s",
    (state) => {
      expect(kindsOf(state)).toEqual([]);
    },
  );

  it("are the notice itself where the playbook is a notification", () => {
    expect(kindsOf("done", "notice")).toEqual(["notice", "notice"]);
  });

  it("are sent too where this version does not know the playbook", () => {
    expect(kindsOf("failed", "of-a-later-version")).toEqual(["failed", "failed"]);
  });

  it("are counted after the drive row, channel by channel, and tell the record of the moment", () => {
    const { record, messages } = claimOf(bare("awaiting-approval"));
    const of = (channel: string, sequence: number): Message => ({
      kind: "awaiting-approval",
      channel,
      remediationId: ID,
      sequence,
      at: NOW,
      remediation: record,
      text: null,
    });
    expect(messages).toEqual([
      { key: dueRowKey(new Date(NOW), ID, 2), message: of("security", 2) },
      { key: dueRowKey(new Date(NOW), ID, 3), message: of("night", 3) },
    ]);
    expect(record.dueSequence).toBe(3);
  });
});

describe("beginning", () => {
  /** A table whose every transaction is refused; nobody is ever found to stand there. */
  function refusing(b: Bench, times: number): { readonly engine: Engine; readonly asked: () => number } {
    let asked = 0;
    const table: Engine["table"] = {
      ...b.table,
      transact: (partition, operations) => {
        // Budgets have a partition of their own.
        if (partition !== shardOf(HASH)) return b.table.transact(partition, operations);
        asked += 1;
        return asked <= times
          ? Promise.reject(new RowConflict(412, `refused ${asked}`))
          : b.table.transact(partition, operations);
      },
    };
    return { engine: { ...b.engine, table }, asked: () => asked };
  }

  it("in a hurry plans nothing and leaves it to the sweep", async () => {
    const b = bench();
    const begun = await begin(b.engine, work(), true);
    expect(begun).toMatchObject({ outcome: "recorded", drive: null, wake: false });
    expect(b.records()).toMatchObject([
      { state: "pending", reason: "the time of its batch was used up", dueAt: NOW },
    ]);
  });

  it("in a hurry still writes a verdict that needs no planning", async () => {
    const b = bench();
    await begin(b.engine, work({ decided: { state: "skipped", reason: "there is no pod" } }), true);
    expect(b.records()).toMatchObject([{ state: "skipped", reason: "there is no pod", planHash: null }]);
  });

  it("without a hurry plans, and hands on the lease and the plan", async () => {
    const b = bench();
    const begun = await begin(b.engine, work());
    expect(begun.drive?.record.state).toBe("applying");
    expect(begun.drive?.prepared?.identity).toBe(b.world.pods.get("shop/web-1")?.uid);
    expect(rowOf(b).lease).toEqual({ token: begun.drive?.held.token, until: LEASE_END });
  });

  it("where the target is not resolved yet waits for that, without planning", async () => {
    const b = bench();
    await begin(b.engine, work({ unresolved: true }));
    expect(b.records()).toMatchObject([
      { state: "pending", reason: "the target could not be resolved yet", identity: null },
    ]);
  });

  it("where the cluster does not answer says so and waits", async () => {
    const b = bench();
    b.world.before = () => Promise.reject(new Retryable("503 from prod", "Wait.", { retryAfterMs: 0 }));
    await begin(b.engine, work());
    expect(b.records()).toMatchObject([
      { state: "pending", reason: "it could not be planned yet: 503 from prod" },
    ]);
  });

  it("goes on where the table refused it for nothing", async () => {
    const b = bench();
    const { engine, asked } = refusing(b, 4);
    expect(await begin(engine, work())).toMatchObject({ outcome: "recorded" });
    expect(asked()).toBe(5);
  });

  it("gives up after five refusals, naming the row", async () => {
    const b = bench();
    const { engine, asked } = refusing(b, 100);
    const given = begin(engine, work());
    await expect(given).rejects.toThrow(StoreUnreachable);
    await expect(given).rejects.toThrow(`refused 5 times to take a claim on ${targetRowKey(HASH)}`);
    expect(asked()).toBe(5);
  });

  it("looks again where the row moved while it was entered", async () => {
    const b = bench();
    await stand(b, {});
    const { engine, asked } = refusing(b, 2);
    expect(await begin(engine, work())).toMatchObject({ outcome: "recorded" });
    expect(asked()).toBe(4);
  });

  it("writes every signal of the piece as decided by its record", async () => {
    const b = bench();
    const { id } = await begin(b.engine, work({ signals: [signal("a-1"), signal("a-2", BEFORE)] }));
    expect(keysOf(b, "s")).toHaveLength(2);
    expect((await b.table.range(shardOf(HASH), { from: "s!", to: "s!~" }, 10)).rows).toMatchObject(
      keysOf(b, "s").map(() => ({ cells: { id } })),
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ListQuery, listRemediations, showRemediation } from "../../src/engine/list-remediations.ts";
import {
  END_STATES,
  isOpen,
  OPEN_STATES,
  type Remediation,
  type State,
} from "../../src/model/remediation.ts";
import type { Target } from "../../src/model/target.ts";
import { createMemoryTable, type MemoryTable } from "../../src/store/memory-table.ts";
import { insertDrive, writeRecord } from "../../src/store/record-rows.ts";
import { newRemediationId, SHARDS, shardOf, signalRowKey, targetHash } from "../../src/store/row-keys.ts";
import type { Operation } from "../../src/store/table.ts";
import { NO_LANE, REAL, UNDECIDED, UNLIMITED } from "./fixtures.ts";
import { countingRandomness } from "./harness.ts";

const START = new Date("2026-03-02T00:00:00.000Z").getTime();

function podOf(name: string): Target {
  return { kind: "pod", cluster: "/subscriptions/s/c", namespace: "shop", name };
}

/** A record, closed unless told otherwise; its id tells target and time. */
function record(id: string, target: Target, at: Date, more: Partial<Remediation> = {}): Remediation {
  return {
    id,
    playbook: "quarantine",
    target,
    state: "done",
    proof: null,
    reason: "",
    remains: [],
    mode: "enforce",
    aside: false,
    evidence: [],
    rule: {
      name: "miners",
      mode: "enforce",
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
    signal: {
      identity: id,
      id: `alert-${id}`,
      kind: "alert",
      key: null,
      title: null,
      severity: null,
      subscriptionId: null,
      at: null,
      startedAt: null,
      resourceIds: [],
      ...REAL,
    },
    unresolved: false,
    clusterByRule: false,
    requestedBy: null,
    revertedBy: null,
    ...UNDECIDED,
    planNumber: null,
    planHash: null,
    identity: null,
    touched: false,
    attempts: 0,
    createdAt: at.toISOString(),
    updatedAt: at.toISOString(),
    inForceSince: null,
    deadline: null,
    warned: false,
    dueRow: null,
    dueAt: null,
    revertsTo: null,
    dueSequence: 0,
    auditSequence: 1,
    auditHash: "",
    readBackAfter: null,
    ...more,
  };
}

/** A table with records, the drive rows of the open ones, and the signal rows that name them. */
class Archive {
  readonly table: MemoryTable;
  readonly records: Remediation[] = [];
  readonly #waiting = new Map<string, Operation[]>();
  readonly #randomness = countingRandomness();

  constructor(longestPage = 1_000) {
    this.table = createMemoryTable({ longestPage });
  }

  async add(target: Target, at: Date, more: Partial<Remediation> = {}): Promise<Remediation> {
    const hash = targetHash(target);
    const made = record(newRemediationId(hash, at, this.#randomness), target, at, more);
    this.records.push(made);
    const signal = {
      do: "insert",
      key: signalRowKey(hash, made.playbook, made.id),
      cells: { id: made.id },
    } as const;
    await this.#write(shardOf(hash), [
      writeRecord(made, "insert"),
      signal,
      ...(isOpen(made.state) ? [insertDrive(at, made.id, 1, NO_LANE)] : []),
    ]);
    return made;
  }

  /** Rows go in by hundreds: `flush` writes the rest. */
  async #write(shard: string, rows: Operation[]): Promise<void> {
    const waiting = this.#waiting.get(shard) ?? [];
    waiting.push(...rows);
    this.#waiting.set(shard, waiting);
    if (waiting.length > 95) await this.#flush(shard);
  }

  async #flush(shard: string): Promise<void> {
    const rows = this.#waiting.get(shard) ?? [];
    this.#waiting.delete(shard);
    if (rows.length > 0) await this.table.transact(shard, rows);
  }

  async flush(): Promise<this> {
    for (const shard of SHARDS) await this.#flush(shard);
    return this;
  }

  /** All pages of a query, one after another. */
  async all(query: Omit<ListQuery, "after">): Promise<string[]> {
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await listRemediations(this.table, { ...query, after });
      expect(page.remediations.length).toBeLessThanOrEqual(query.limit);
      ids.push(...page.remediations.map(({ id }) => id));
      after = page.next ?? undefined;
    } while (after !== undefined);
    return ids;
  }

  /** Ids of the records that hold, newest first. */
  wanted(holds: (one: Remediation) => boolean): string[] {
    return this.records
      .filter(holds)
      .map(({ id }) => id)
      .sort((a, b) => (a.slice(1) + a[0] < b.slice(1) + b[0] ? -1 : 1));
  }
}

const at = (seconds: number): Date => new Date(START + seconds * 1_000);

describe("a list of remediations", () => {
  it("is newest first over all shards, and says where it goes on", async () => {
    const archive = new Archive();
    for (let n = 0; n < 40; n++) await archive.add(podOf(`p-${n}`), at(n));
    await archive.flush();
    expect(new Set(archive.records.map(({ id }) => shardOf(id))).size).toBeGreaterThan(8);
    const page = await listRemediations(archive.table, { limit: 15 });
    expect(page.remediations.map(({ target }) => target)).toEqual(
      Array.from({ length: 15 }, (_none, n) => podOf(`p-${39 - n}`)),
    );
    expect(page.next).toBe(page.remediations.at(-1)?.id);
    const whole = await listRemediations(archive.table, { limit: 40 });
    expect([whole.remediations.length, whole.next]).toEqual([40, null]);
  });

  it("filters by state, target, alert in any casing, playbook, rule and time; all must hold", async () => {
    const archive = new Archive();
    for (let n = 0; n < 24; n++) {
      await archive.add(podOf(`p-${n % 6}`), at(n), {
        state: n % 2 === 0 ? "done" : "in-force",
        playbook: n % 3 === 0 ? "notice" : "quarantine",
      });
    }
    await archive.flush();
    const [first] = archive.records;
    const signal = first?.signal.id.toUpperCase();
    const time = ({ createdAt }: Remediation): number => new Date(createdAt).getTime();
    const cases: [Omit<ListQuery, "limit">, (one: Remediation) => boolean][] = [
      [{}, () => true],
      [{ states: [] }, () => true],
      [{ states: ["done"] }, ({ state }) => state === "done"],
      [{ states: ["in-force"] }, ({ state }) => state === "in-force"],
      [{ states: ["in-force", "done"] }, () => true],
      [{ states: ["pending"] }, () => false],
      [{ signal }, ({ id }) => id === first?.id],
      [{ playbook: "notice" }, ({ playbook }) => playbook === "notice"],
      [{ rule: "miners", playbook: "notice" }, ({ playbook }) => playbook === "notice"],
      [{ rule: "other" }, () => false],
      [{ from: at(5), to: at(9) }, (one) => time(one) >= START + 5_000 && time(one) < START + 9_000],
      [
        { from: at(5), states: ["in-force"] },
        (one) => time(one) >= START + 5_000 && one.state === "in-force",
      ],
      [{ from: new Date(0) }, () => true],
      [{ from: new Date(-1) }, () => true],
      [{ to: new Date(0) }, () => false],
      [{ to: new Date(8e15) }, () => true],
      [{ from: new Date(8e15) }, () => false],
      [{ target: podOf("P-2") }, ({ target }) => target.kind === "pod" && target.name === "p-2"],
      [{ target: podOf("p-2"), to: at(9) }, (one) => [2, 8].includes((time(one) - START) / 1_000)],
      [{ target: podOf("none") }, () => false],
    ];
    for (const [query, holds] of cases) {
      for (const limit of [1, 5, 100]) {
        expect(await archive.all({ ...query, limit })).toEqual(archive.wanted(holds));
      }
    }
  });

  it("has neither gaps nor repetitions, whatever the records, pages and filters", async () => {
    const states: readonly State[] = [...OPEN_STATES, ...END_STATES];
    const made = fc.record({
      pod: fc.nat(20),
      seconds: fc.nat(30),
      state: fc.constantFrom<State>("done", "in-force", "pending", "refused"),
    });
    const filter = fc.record(
      {
        states: fc.subarray([...states], { maxLength: 8 }),
        target: fc.nat(20).map((n) => podOf(`p-${n}`)),
        from: fc.nat(30).map(at),
        to: fc.nat(31).map(at),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(made, { maxLength: 90 }),
        filter,
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom(1, 3, 1_000),
        async (all, query, limit, longestPage) => {
          const archive = new Archive(longestPage);
          for (const { pod, seconds, state } of all)
            await archive.add(podOf(`p-${pod}`), at(seconds), { state });
          await archive.flush();
          const { states: asked, target, from, to } = query;
          const holds = (one: Remediation): boolean =>
            (asked === undefined || asked.length === 0 || asked.includes(one.state)) &&
            (target === undefined || targetHash(one.target) === targetHash(target)) &&
            (from === undefined || new Date(one.createdAt) >= from) &&
            (to === undefined || new Date(one.createdAt) < to);
          expect(await archive.all({ ...query, limit })).toEqual(archive.wanted(holds));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("tells two of the same millisecond and suffix in different shards apart", async () => {
    const archive = new Archive();
    const tail = `${String(9_999_999_999_999 - START)}00000000`;
    const ids = ["0", "7", "f"].map((shard) => shard + tail);
    for (const id of ids) {
      await archive.table.transact(shardOf(id), [writeRecord(record(id, podOf(id), at(0)), "insert")]);
    }
    expect(await archive.all({ limit: 1 })).toEqual(ids);
  });

  it("goes by the time in the id, so that a record is in one window of time only", async () => {
    const archive = new Archive();
    // Planning takes time: the record says a little later than its id.
    await archive.add(podOf("slow"), at(9), { createdAt: at(11).toISOString() });
    await archive.flush();
    expect(await archive.all({ limit: 5, from: at(0), to: at(10) })).toHaveLength(1);
    expect(await archive.all({ limit: 5, from: at(10), to: at(20) })).toHaveLength(0);
    expect(await archive.all({ limit: 5, target: podOf("slow"), from: at(0), to: at(10) })).toHaveLength(1);
  });

  it("leaves out what a newer version wrote", async () => {
    const archive = new Archive();
    await archive.add(podOf("p-1"), at(1), { state: "in-force" });
    const newer = await archive.add(podOf("p-2"), at(2), { state: "in-force" });
    await archive.flush();
    const row = archive.table.snapshot().find(({ key }) => key === `r!${newer.id}`);
    const cells = { ...row?.cells, schema: 99 };
    await archive.table.transact(shardOf(newer.id), [{ do: "upsert", key: `r!${newer.id}`, cells }]);
    const known = archive.wanted(({ id }) => id !== newer.id);
    expect(await archive.all({ limit: 5 })).toEqual(known);
    expect(await archive.all({ limit: 5, states: ["in-force"] })).toEqual(known);
  });
});

describe("one remediation", () => {
  it("is none where there is none, or the text is no id", async () => {
    const { table } = new Archive();
    expect(await showRemediation(table, "0".repeat(22))).toBeNull();
    expect(await showRemediation(table, "../x")).toBeNull();
    expect(table.counts().reads).toBe(1);
  });
});

import { describe, expect, it } from "vitest";
import { ingest } from "../../src/engine/ingest.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Permanent, Refused } from "../../src/model/errors.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import type { Row, Table } from "../../src/store/table.ts";
import { StoreUnreachable } from "../../src/store/table.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { quarantine } from "./quarantine.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const records = (...bodies: Uint8Array[]): Uint8Array =>
  bytes(`[${bodies.map((body) => new TextDecoder().decode(body)).join(",")}]`);

/** One note for each parked piece; its bytes stand in rows beside. */
const parkedNotesOf = (b: Bench): readonly Row[] =>
  b.table.snapshot().filter(({ partition, key }) => partition === "parked" && key.startsWith("!"));

describe("a batch of many kinds", () => {
  it("is decided, joined, parked or unmatched, and the counts add up", async () => {
    const b = bench();
    b.world.addPod("web-2");
    await b.ingest(alert({ id: "a-0", pod: "web-2" }));
    const counts = await b.ingest(
      alert({ id: "a-1" }),
      alert({ id: "a-2", pod: "web-2" }),
      alert({ id: "a-3", key: "SQL.DB_Other" }),
      bytes("not json"),
      records(alert({ id: "a-1" }), bytes("nonsense"), bytes("{}"), alert({ id: "a-4", key: "VM_Other" })),
    );
    expect(counts).toEqual({ events: 5, records: 8, recorded: 3, joined: 1, parked: 3, unmatched: 1 });
    expect(b.records().map(({ playbook, state }) => [playbook, state])).toHaveLength(3);
    expect(b.broken()).toEqual([]);
    expect(b.log.find(({ event, facts }) => event === "batch" && facts["events"] === 5)?.facts).toEqual(
      counts,
    );
  });

  it("is nothing where it is empty", async () => {
    const b = bench();
    expect(await b.ingest()).toEqual({
      events: 0,
      records: 0,
      recorded: 0,
      joined: 0,
      parked: 0,
      unmatched: 0,
    });
    expect(b.table.counts().transactions).toBe(0);
  });

  it("costs nothing where it is unmatched, and nothing again where this process knows it", async () => {
    const b = bench();
    await b.ingest(alert({ key: "SQL.DB_Other" }), alert());
    const before = b.table.counts();
    expect(await b.ingest(alert({ key: "SQL.DB_Other" }), alert())).toMatchObject({
      joined: 1,
      unmatched: 1,
    });
    expect(b.table.counts()).toEqual(before);
  });

  it("begins with what is most severe", async () => {
    const b = bench();
    const severities = ["Low", "High", "Informational", "Medium"];
    for (const name of severities) b.world.addPod(name.toLowerCase());
    await b.ingest(
      ...severities.map((severity) => alert({ id: severity, pod: severity.toLowerCase(), severity })),
    );
    const began = b.records().toSorted((one, other) => (one.id.slice(14) < other.id.slice(14) ? -1 : 1));
    expect(began).toHaveLength(4);
    expect(b.world.effects.map(({ object }) => object)).toEqual([
      "shop/high",
      "shop/medium",
      "shop/low",
      "shop/informational",
    ]);
  });

  it("takes more alerts about one object than a transaction holds, and records each", async () => {
    const b = bench();
    const many = Array.from({ length: 170 }, (_none, index) => alert({ id: `a-${index}` }));
    const counts = await b.ingest(...many);
    expect(counts.recorded + counts.joined).toBe(170);
    expect(b.table.snapshot().filter(({ key }) => key.startsWith("s!"))).toHaveLength(170);
    expect(b.records()).toHaveLength(1);
    expect(b.world.effects).toHaveLength(1);
  });
});

describe("what cannot be acted upon", () => {
  it("is on record as skipped, with its reason, where the signal names no single pod", async () => {
    const b = bench();
    const nowhere = bytes(
      new TextDecoder().decode(alert()).replace('"Type":"K8s-pod"', '"Type":"K8s-other"'),
    );
    expect(await b.ingest(nowhere)).toMatchObject({ recorded: 1 });
    expect(b.records()).toMatchObject([
      { state: "skipped", reason: "the signal names no single pod", target: { kind: "alert", id: "a-1" } },
    ]);
  });

  it("is on record as refused where the cluster is not ours", async () => {
    const b = bench();
    const unknown = (): never => {
      throw new Refused("cluster prod is not configured", "Add it under `clusters`.");
    };
    const ports = { read: { kubernetes: unknown }, write: { kubernetes: unknown } };
    const elsewhere = bench({ engine: { ports, table: b.table } });
    expect(await elsewhere.ingest(alert())).toMatchObject({ recorded: 1 });
    expect(b.records()).toMatchObject([
      { state: "refused", reason: "cluster prod is not configured. Add it under `clusters`." },
    ]);
  });

  it("is on record as refused in a protected namespace, and nothing is written outside", async () => {
    const b = bench();
    b.world.addPod("web-1", { namespace: "kube-system" });
    await b.ingest(alert({ namespace: "kube-system" }));
    expect(b.records()).toMatchObject([{ state: "refused", reason: "namespace kube-system is protected" }]);
    expect(b.world.effects).toEqual([]);
  });
});

describe("words longer than a row holds", () => {
  const long = `"\u0000\ud800${"\\".repeat(40_000)}`;
  const told = (more: Partial<AnyPlaybook>) => {
    const playbooks = new Map([["quarantine", { ...quarantine, ...more }]]);
    return bench({ engine: { playbooks } });
  };

  it("are cut in the record, its history and its messages, and the way goes on", async () => {
    const refusing = told({ plan: () => Promise.reject(new Permanent(long, long)) });
    expect(await refusing.ingest(alert())).toMatchObject({ recorded: 1 });
    expect(refusing.records()).toMatchObject([{ state: "failed" }]);
    const failing = told({ apply: () => Promise.reject(new Permanent(long, long)) });
    expect(await failing.ingest(alert())).toMatchObject({ recorded: 1 });
    expect(failing.records()).toMatchObject([{ state: "failed" }]);
    const remains = Array.from({ length: 400 }, () => long);
    const partial = told({ verify: () => Promise.resolve({ verdict: "partial", remains }) });
    expect(await partial.ingest(alert())).toMatchObject({ recorded: 1 });
    const [record] = partial.records();
    expect(record).toMatchObject({ state: "in-force", proof: "partial" });
    expect(record?.remains.at(-1)).toBe("and 360 more");
    expect(partial.sent).toHaveLength(1);
    expect(partial.broken()).toEqual([]);
  });
});

describe("a fault of our own", () => {
  it("parks the event with its bytes, and the others go on", async () => {
    const b = bench();
    b.world.addPod("web-2");
    b.world.before = async (call) => {
      if (call === "read web-1") throw new TypeError("a fault");
    };
    const bad = alert({ id: "bad" });
    const counts = await b.ingest(bad, alert({ id: "good", pod: "web-2" }));
    expect(counts).toMatchObject({ recorded: 1, parked: 1, joined: 0 });
    expect(b.records()).toMatchObject([{ signal: { id: "good" }, state: "in-force" }]);
    const parked = parkedNotesOf(b);
    expect(parked.map(({ cells }) => cells["reason"])).toEqual([
      "the engine failed on it (TypeError: a fault)",
    ]);
    expect(b.log.some(({ event }) => event === "engine fault")).toBe(true);
  });

  it("parks an event of many records once, whole", async () => {
    const b = bench();
    b.world.before = async () => {
      throw new TypeError("a fault");
    };
    const body = records(
      alert({ id: "a-1" }),
      alert({ id: "a-2", pod: "web-2" }),
      alert({ id: "a-3", pod: "web-3" }),
    );
    expect(await b.ingest(body)).toMatchObject({ records: 3, parked: 3, recorded: 0 });
    expect(parkedNotesOf(b)).toHaveLength(1);
  });

  it("does not make this process forget to try again", async () => {
    const b = bench();
    b.world.before = async () => {
      throw new TypeError("a fault");
    };
    await b.ingest(alert());
    b.world.before = () => Promise.resolve();
    expect(await b.ingest(alert())).toMatchObject({ recorded: 1 });
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
  });
});

describe("a store that cannot be reached", () => {
  /** The table, of which call number `fails` of a kind is not answered: before it is done, or after. */
  function failing(table: Table, fails: number, lands: boolean): Table {
    let calls = 0;
    return {
      ...table,
      transact: async (partition, operations) => {
        calls += 1;
        const gone = calls === fails && partition !== "control";
        if (gone && !lands) throw new StoreUnreachable("nobody answered");
        const etags = await table.transact(partition, operations);
        if (gone) throw new StoreUnreachable("the answer was lost");
        return etags;
      },
      get: async (partition, key) => {
        if (calls === fails) throw new StoreUnreachable("nobody answers");
        return table.get(partition, key);
      },
    };
  }

  it.each([1, 2, 3, 4, 5, 6].flatMap((fails) => [true, false].map((lands) => [fails, lands] as const)))(
    "fails the batch, or it is done; redelivery doubles nothing (call %i, landed: %s)",
    async (fails, lands) => {
      const b = bench();
      b.world.addPod("web-2");
      const batch = [alert({ id: "a-1" }), alert({ id: "a-2", pod: "web-2" }), bytes("bad")];
      const events = batch.map((body, sequence) => ({ body, partition: "0", sequence, enqueuedAt: null }));
      const first = ingest({ ...b.engine, table: failing(b.table, fails, lands) }, events);
      await first.catch((error: unknown) => expect(error).toBeInstanceOf(StoreUnreachable));
      b.engine.recent.forget();
      b.clock.pass(3 * 60_000);
      await ingest(b.engine, events);
      await sweep(b.engine);
      expect(b.records().map(({ state }) => state)).toEqual(["in-force", "in-force"]);
      expect(b.world.effects).toHaveLength(2);
      expect(parkedNotesOf(b)).toHaveLength(1);
      expect(b.broken()).toEqual([]);
    },
  );

  it("is told to the host and never parked as a fault", async () => {
    const b = bench();
    const gone = async (): Promise<never> => {
      throw new StoreUnreachable("nobody answered");
    };
    const table = { ...b.table, transact: gone, get: gone };
    const event = { body: alert(), partition: "0", sequence: 1, enqueuedAt: null };
    await expect(ingest({ ...b.engine, table }, [event])).rejects.toBeInstanceOf(StoreUnreachable);
    expect(b.engine.recent.has("a-1", "quarantine", "")).toBe(false);
  });
});

describe("a batch that takes too long", () => {
  it("claims the rest without a plan after twenty seconds, and the sweep finishes it", async () => {
    const b = bench({ configuration: configuration("enforce") });
    const names = Array.from({ length: 40 }, (_none, index) => `p-${index}`);
    for (const name of names) b.world.addPod(name);
    let planned = 0;
    b.world.before = async (call) => {
      if (call.startsWith("read")) planned += 1;
      if (planned === 8) b.clock.pass(20_000);
    };
    const counts = await b.ingest(...names.map((name) => alert({ id: name, pod: name })));
    expect(counts).toMatchObject({ recorded: 40 });
    const waiting = b.records().filter(({ state }) => state === "pending");
    expect(waiting.length).toBeGreaterThan(20);
    expect(waiting.map(({ reason }) => reason)).toContain("the time of its batch was used up");
    expect(b.broken()).toEqual([]);
    b.world.before = () => Promise.resolve();
    b.clock.pass(3 * 60_000);
    await sweep(b.engine);
    expect(b.records().filter(({ state }) => state === "in-force")).toHaveLength(40);
    expect(b.world.effects).toHaveLength(40);
    expect(b.broken()).toEqual([]);
  });
});

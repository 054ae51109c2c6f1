import { describe, expect, it } from "vitest";
import { ingest } from "../../src/engine/ingest.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Retryable } from "../../src/model/errors.ts";
import type { Budgets } from "../../src/model/rule.ts";
import type { Target } from "../../src/model/target.ts";
import { createMemoryTable } from "../../src/store/memory-table.ts";
import { BUDGET } from "../../src/store/row-keys.ts";
import { RowConflict, StoreUnreachable, type Table } from "../../src/store/table.ts";
import { pod, takeFor, usedIn } from "./budget-takings.ts";
import { ROOMY } from "./fixtures.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { work } from "./piece-of-work.ts";
import { another, event } from "./processes.ts";
import { CLUSTER } from "./world.ts";

const HOUR = 3_600_000;

function limited(budgets: Partial<Budgets>, table?: Table): Bench {
  const rules = { ...configuration("enforce"), budgets: { ...ROOMY, ...budgets } };
  return bench({ configuration: rules, engine: table === undefined ? {} : { table } });
}

/** Pods of the shop with these numbers, and an alert about each. */
function alertsAbout(b: Bench, count: number, from = 0): Uint8Array[] {
  return Array.from({ length: count }, (_none, index) => {
    const name = `p-${from + index}`;
    b.world.addPod(name);
    return alert({ id: `a-${from + index}`, pod: name, at: b.clock.now().toISOString() });
  });
}

function states(b: Bench): Record<string, number> {
  const count: Record<string, number> = {};
  for (const { state } of b.records()) count[state] = (count[state] ?? 0) + 1;
  return count;
}

describe("the budgets of an hour", () => {
  it("let twenty targets go, and the twenty-first awaits a person, saying which budget is used up", async () => {
    const b = limited({ perRule: 20 });
    await b.ingest(...alertsAbout(b, 20));
    expect(states(b)).toEqual({ "in-force": 20 });
    await b.ingest(...alertsAbout(b, 1, 20));
    expect(states(b)).toEqual({ "in-force": 20, "awaiting-approval": 1 });
    expect(b.records().find(({ state }) => state === "awaiting-approval")).toMatchObject({
      mode: "approve",
      reason: "the budget of 20 targets an hour for rule miners is used up",
    });
    expect(b.world.effects).toHaveLength(20);
    expect(b.broken()).toEqual([]);
  });

  it("have room again in the next hour", async () => {
    const b = limited({ perPlaybook: 2 });
    await b.ingest(...alertsAbout(b, 3));
    expect(states(b)).toEqual({ "in-force": 2, "awaiting-approval": 1 });
    b.clock.pass(HOUR);
    await b.ingest(...alertsAbout(b, 3, 3));
    expect(states(b)).toEqual({ "in-force": 4, "awaiting-approval": 2 });
  });

  it.each<[keyof Budgets, Target, Partial<Parameters<typeof takeFor>[2]>]>([
    ["perPlaybook", { ...pod("b"), cluster: "/other" } as Target, { rule: { ...work().rule, name: "r" } }],
    ["perRule", { ...pod("b"), cluster: "/other" } as Target, { playbook: "p" }],
    ["perCluster", pod("b", "bank"), { playbook: "p", rule: { ...work().rule, name: "r" } }],
    ["perNamespace", pod("b"), { playbook: "p", rule: { ...work().rule, name: "r" } }],
    [
      "perSubscription",
      { ...pod("b"), cluster: CLUSTER.replace("/prod", "/test") } as Target,
      { playbook: "p", rule: { ...work().rule, name: "r" } },
    ],
  ])("are %s, and others are not touched by one", async (budget, second, more) => {
    const b = limited({ [budget]: 1 });
    expect(await takeFor(b.engine, pod("a"))).toBeNull();
    expect(await takeFor(b.engine, second, more)).toContain("the budget of 1 target an hour for");
    const free = limited(
      Object.fromEntries(
        Object.keys(ROOMY).flatMap((name) => (name === budget || !name.startsWith("per") ? [] : [[name, 2]])),
      ),
    );
    await takeFor(free.engine, pod("a"));
    expect(await takeFor(free.engine, second, more)).toBeNull();
  });

  it("count the same target once, whichever process asks and however it is written", async () => {
    const b = limited({ perPlaybook: 1 });
    for (let time = 0; time < 3; time += 1) {
      expect(await takeFor(b.engine, pod("a"))).toBeNull();
      expect(await takeFor(another(b), pod("A"))).toBeNull();
    }
    expect(usedIn(b.table)["playbook"]).toEqual([1]);
    expect(await takeFor(b.engine, pod("b"))).not.toBeNull();
  });

  it("take of all or of none: who finds no room in one leaves the others alone", async () => {
    const b = limited({ perNamespace: 1 });
    await takeFor(b.engine, pod("a"));
    await takeFor(b.engine, pod("b"));
    expect(usedIn(b.table)).toEqual({
      playbook: [1],
      rule: [1],
      cluster: [1],
      namespace: [1],
      subscription: [1],
    });
  });

  it("ask no cluster and namespace where the target is in none, and none of its namespace for an image", async () => {
    const b = limited({});
    await takeFor(b.engine, { kind: "alert", id: "a" });
    expect(Object.keys(usedIn(b.table)).sort()).toEqual(["playbook", "rule"]);
    await takeFor(b.engine, { kind: "image", cluster: CLUSTER, reference: "evil:1", digest: null });
    expect(Object.keys(usedIn(b.table)).sort()).toEqual(["cluster", "playbook", "rule", "subscription"]);
  });

  it("follow the rule's own number where it has one, also none at all", async () => {
    const b = limited({ perRule: 5 });
    const own = (perHour: number, name: string) => ({ rule: { ...work().rule, name, perHour } });
    expect(await takeFor(b.engine, pod("a"), own(1, "tight"))).toBeNull();
    expect(await takeFor(b.engine, pod("b"), own(1, "tight"))).toContain("1 target an hour for rule tight");
    expect(await takeFor(b.engine, pod("a"), own(0, "never"))).toContain("0 targets an hour for rule never");
  });

  it("give the last place to one of two processes that want it at the same moment", async () => {
    const b = limited({ perPlaybook: 3 });
    await takeFor(b.engine, pod("a"));
    await takeFor(b.engine, pod("b"));
    const [one, two] = [another(b), another(b)];
    // Both have seen the row with one place left.
    await Promise.all([takeFor(one, pod("b")), takeFor(two, pod("b"))]);
    const answers = await Promise.all([takeFor(one, pod("c")), takeFor(two, pod("d"))]);
    expect(answers.filter((answer) => answer === null)).toHaveLength(1);
    expect(usedIn(b.table)["playbook"]).toEqual([3]);
  });

  it("give the places that are left to the most severe of those that wait", async () => {
    const b = limited({ perPlaybook: 3 });
    const severities = ["Low", "Medium", "Low", "High", "Low", "High"] as const;
    const answers = await Promise.all(
      severities.map((severity, index) =>
        takeFor(b.engine, pod(`p-${index}`), { signal: { ...work().signals[0].summary, severity } }),
      ),
    );
    // The first was on its way before the others came.
    expect(answers.map((answer) => answer === null)).toEqual([true, false, false, true, false, true]);
  });
});

describe("a storm of 500 alerts", () => {
  it("changes what the budget allows, and costs few transactions of the budgets", async () => {
    const b = limited({ perPlaybook: 20 });
    const transactions: number[] = [];
    const { transact } = b.table;
    const table: Table = {
      ...b.table,
      transact: (partition, operations) => {
        if (partition === BUDGET) transactions.push(operations.length);
        return transact(partition, operations);
      },
    };
    await ingest(
      another(b, { table }),
      alertsAbout(b, 500).map((body) => ({ ...event(), body })),
    );
    expect(states(b)).toEqual({ "in-force": 20, "awaiting-approval": 480 });
    expect(b.world.effects).toHaveLength(20);
    expect(transactions.length).toBeLessThan(60);
  });

  it("is told in one message of the budget, and no remediation asks by itself", async () => {
    const b = limited({ perPlaybook: 20 });
    await b.ingest(...alertsAbout(b, 250));
    const other = another(b);
    await ingest(
      other,
      alertsAbout(b, 250, 250).map((body) => ({ ...event(), body })),
    );
    await sweep(b.engine);
    const kinds = b.sent.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "budget")).toHaveLength(1);
    expect(kinds).not.toContain("awaiting-approval");
    expect(b.sent.find(({ kind }) => kind === "budget")?.text).toBe(
      "The budget of 20 targets an hour for playbook quarantine is used up from 08:00 UTC on, until the next full hour. " +
        "What comes on top awaits a person: reflex list --state awaiting-approval",
    );
  });

  it("is told again in the next hour", async () => {
    const b = limited({ perPlaybook: 1 });
    for (const from of [0, 2]) {
      await b.ingest(...alertsAbout(b, 2, from));
      await sweep(b.engine);
      b.clock.pass(HOUR);
    }
    expect(b.sent.filter(({ kind }) => kind === "budget")).toHaveLength(2);
  });

  it("is told after all when who was first to tell it dies before noting that", async () => {
    const b = limited({ perPlaybook: 0 });
    const deaf: Table = {
      ...b.table,
      transact: (partition, operations) =>
        partition === BUDGET
          ? Promise.reject(new StoreUnreachable("it died"))
          : b.table.transact(partition, operations),
    };
    await expect(takeFor(another(b, { table: deaf }), pod("a"))).rejects.toThrow(StoreUnreachable);
    await takeFor(another(b), pod("a"));
    await takeFor(another(b), pod("b"));
    await sweep(b.engine);
    expect(b.sent.map(({ kind }) => kind)).toEqual(["budget"]);
  });
});

describe("a budget whose store misbehaves", () => {
  it("takes a refusal that was its own success for what it is", async () => {
    const inner = createMemoryTable();
    let lost = 1;
    const table: Table = {
      ...inner,
      transact: async (partition, operations) => {
        const etags = await inner.transact(partition, operations);
        if (partition === BUDGET && lost-- > 0) throw new RowConflict(409, "it is there already");
        return etags;
      },
    };
    const b = limited({ perPlaybook: 1 }, table);
    expect(await takeFor(b.engine, pod("a"))).toBeNull();
    expect(usedIn(inner)["playbook"]).toEqual([1]);
    expect(await takeFor(b.engine, pod("b"))).not.toBeNull();
  });

  it("lets a lost answer go up, and the repetition costs nothing", async () => {
    const inner = createMemoryTable();
    let lost = 1;
    const table: Table = {
      ...inner,
      transact: async (partition, operations) => {
        const etags = await inner.transact(partition, operations);
        if (partition === BUDGET && lost-- > 0) throw new StoreUnreachable("the answer was lost");
        return etags;
      },
    };
    const b = limited({ perPlaybook: 1 }, table);
    await expect(takeFor(b.engine, pod("a"))).rejects.toThrow(StoreUnreachable);
    expect(await takeFor(b.engine, pod("a"))).toBeNull();
    expect(usedIn(inner)["playbook"]).toEqual([1]);
  });

  it("gives up for now where others are always faster, and the alert is claimed to be planned later", async () => {
    const inner = createMemoryTable();
    const table: Table = {
      ...inner,
      transact: (partition, operations) =>
        partition === BUDGET
          ? Promise.reject(new RowConflict(412, "it has moved"))
          : inner.transact(partition, operations),
    };
    const b = limited({}, table);
    await expect(takeFor(b.engine, pod("a"))).rejects.toThrow(Retryable);
    await ingest(b.engine, [event()]);
    expect(b.world.effects).toEqual([]);
    const stored = inner.snapshot().find(({ key }) => key.startsWith("r!"));
    expect(stored?.cells["state"]).toBe("pending");
  });

  it("leaves rows of a newer version alone, and waits for it", async () => {
    const b = limited({});
    await takeFor(b.engine, pod("a"));
    for (const { partition, key, cells } of b.table.snapshot()) {
      await b.table.transact(partition, [{ do: "upsert", key, cells: { ...cells, schema: 99 } }]);
    }
    await expect(takeFor(another(b), pod("b"))).rejects.toThrow("a newer version keeps the budgets");
  });
});

describe("rows of budgets", () => {
  it("hold a thousand targets within the limits of a cell", async () => {
    const b = limited({});
    const names = Array.from({ length: 1_001 }, (_none, index) => `p-${index}`);
    const answers = await Promise.all(names.map((name) => takeFor(b.engine, pod(name))));
    expect(answers.filter((answer) => answer === null)).toHaveLength(1_000);
    expect(usedIn(b.table)["rule"]).toEqual([1_000]);
  });

  it("go a day after their hour", async () => {
    const b = limited({});
    await takeFor(b.engine, pod("a"));
    await sweep(b.engine);
    b.clock.pass(23 * HOUR);
    await sweep(b.engine);
    expect(usedIn(b.table)["playbook"]).toEqual([1]);
    b.clock.pass(2 * HOUR);
    await sweep(b.engine);
    expect(usedIn(b.table)).toEqual({});
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClusterBreaker } from "../../src/engine/cluster-breaker.ts";
import { inLanes } from "../../src/engine/in-lanes.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Retryable } from "../../src/model/errors.ts";
import type { WritePorts } from "../../src/model/playbook.ts";
import { decodeDue, insertDrive } from "../../src/store/record-rows.ts";
import { dueRows } from "../../src/store/row-keys.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { another } from "./processes.ts";
import { CLUSTER } from "./world.ts";

const SEVERITIES = ["Informational", "Low", "Medium", "High"] as const;

/** Records that wait to be planned, one for each severity named, since the cluster did not answer when they came. */
async function waiting(b: Bench, severities: readonly string[]): Promise<void> {
  const before = b.world.before;
  b.world.before = async () => {
    throw new Retryable("the cluster did not answer", "It is tried again.", { retryAfterMs: 1_000 });
  };
  for (const [index, severity] of severities.entries()) {
    b.world.addPod(`p-${index}`);
    await b.ingest(alert({ id: `a-${index}`, pod: `p-${index}`, severity }));
    b.clock.pass(10);
  }
  b.world.before = before;
  b.clock.pass(60_000);
}

/** Numbers of the pods in the order in which they were changed. */
function changed(b: Bench): number[] {
  return b.world.effects.map(({ object }) => Number(object.split("-").at(-1)));
}

describe("a sweep", () => {
  it("drives the most severe first, and of the same severity the oldest", async () => {
    const b = bench();
    const severities = Array.from({ length: 40 }, (_none, index) => SEVERITIES[(index * 7) % 4] ?? "Low");
    await waiting(b, severities);
    await sweep(b.engine);
    const order = changed(b);
    expect(order).toHaveLength(40);
    // The first record of a cluster goes alone, the others side by side: told apart by groups, not to the place.
    const ranks = order.map((index) => SEVERITIES.indexOf(severities[index] as (typeof SEVERITIES)[number]));
    expect(ranks).toEqual(ranks.toSorted((x, y) => y - x));
    const high = order.filter((index) => severities[index] === "High");
    expect(high).toEqual(high.toSorted((x, y) => x - y));
  });

  it("finds the severe one behind a thousand others of its shard", async () => {
    const b = bench();
    await waiting(b, ["Low", "High"]);
    const due = b.table.snapshot().filter(({ key }) => key.startsWith("d!"));
    const shard = due.at(-1)?.partition ?? "";
    // Rows of records that are gone: they cost a look each, as long as they are there.
    for (let start = 0; start < 1_200; start += 100) {
      const rows = Array.from({ length: 100 }, (_none, index) =>
        insertDrive(
          new Date("2026-03-01T00:00:00Z"),
          `${shard}${String(start + index).padStart(21, "0")}`,
          1,
          {
            cluster: "",
            urgency: 3,
          },
        ),
      );
      await b.table.transact(shard, rows);
    }
    await sweep(b.engine);
    expect(changed(b).sort()).toEqual([0, 1]);
  });

  it("takes no more than 2,000 due rows of a shard", async () => {
    const b = bench();
    for (let start = 0; start < 2_500; start += 100) {
      const rows = Array.from({ length: 100 }, (_none, index) =>
        insertDrive(new Date("2026-03-01T00:00:00Z"), `0${String(start + index).padStart(21, "0")}`, 1, {
          cluster: "",
          urgency: 5,
        }),
      );
      await b.table.transact("0", rows);
    }
    const before = b.table.counts().rowsRead;
    await sweep(b.engine);
    expect(b.table.counts().rowsRead - before).toBeLessThan(2_100);
  });

  it("keeps the urgency of a record with each of its drive rows", async () => {
    const b = bench();
    await b.ingest(alert({ severity: "Medium" }));
    const shards = new Set(b.table.snapshot().map(({ partition }) => partition));
    const drives = [];
    for (const shard of shards) {
      const { rows } = await b.table.range(shard, dueRows(), 100);
      drives.push(...rows.map(decodeDue).filter(({ kind }) => kind === "drive"));
    }
    expect(drives).toMatchObject([{ lane: { cluster: CLUSTER.toLowerCase(), urgency: 2 } }]);
  });
});

describe("a fleet of forty clusters, five of which do not answer", () => {
  const names = Array.from({ length: 40 }, (_none, index) => `c-${index}`);
  const idOf = (name: string): string => CLUSTER.replace(/prod$/, name);
  const silent = (cluster: string): boolean => /c-[0-4]$/.test(cluster);

  it("is driven without the others waiting for these", async () => {
    const clusters = names.map(
      (name) => `  - { name: ${name}, id: ${idOf(name)}, connect: { kubeconfig: none } }`,
    );
    const rules = configuration("enforce", (text) =>
      text.replace(/ {2}- \{ name: prod.*\n/, `${clusters.join("\n")}\n`),
    );
    const b = bench({ configuration: rules });
    const effects: string[] = [];
    let answers = false;
    const released: (() => void)[] = [];
    const asked: string[] = [];
    const ports = b.world.ports();
    const guarded = (cluster: string) => {
      const reader = ports.read.kubernetes(cluster);
      return {
        ...reader,
        pod: async (namespace: string, name: string) => {
          if (!answers) throw new Retryable("not now", "It is tried again.", { retryAfterMs: 1_000 });
          if (silent(cluster)) {
            asked.push(cluster);
            await new Promise<void>((resolve) => released.push(resolve));
            throw new Retryable("nobody answered", "It is tried again.", { retryAfterMs: 1_000 });
          }
          return reader.pod(namespace, name);
        },
      };
    };
    const through: WritePorts = {
      read: { kubernetes: guarded },
      write: {
        kubernetes: (cluster) => {
          const writer = ports.write.kubernetes(cluster);
          return {
            ...writer,
            labelPod: (...named) => {
              effects.push(cluster);
              return writer.labelPod(...named);
            },
          };
        },
      },
    };
    const { defender } = b.engine;
    const find: typeof defender.find = async (reference) => {
      const found = await defender.find(reference);
      const name = /^c-\d+/.exec("name" in reference ? reference.name : "")?.[0] ?? "prod";
      return JSON.parse(JSON.stringify(found).replaceAll(CLUSTER, idOf(name)));
    };
    const engine = another(b, { ports: through, defender: { find } });
    const events = names.flatMap((name) =>
      Array.from({ length: 6 }, (_none, index) => {
        const pod = `${name}-p-${index}`;
        b.world.addPod(pod);
        const text = new TextDecoder().decode(alert({ id: pod, pod })).replaceAll(CLUSTER, idOf(name));
        return { body: new TextEncoder().encode(text), partition: "0", sequence: 1, enqueuedAt: null };
      }),
    );
    await ingest(engine, events);
    expect(effects).toEqual([]);
    answers = true;
    b.clock.pass(60_000);
    const swept = sweep(engine);
    // Nobody of the five has been answered by then.
    for (let turns = 0; turns < 2_000 && effects.length < 35 * 6; turns += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(effects).toHaveLength(35 * 6);
    expect(asked.toSorted()).toEqual(names.slice(0, 5).map(idOf));
    while (released.length > 0) {
      for (const resolve of released.splice(0)) resolve();
      for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    await swept;
    // Three failures in a row, and the rest of that cluster stays due.
    expect(asked).toHaveLength(5 * 3);
    expect(b.broken()).toEqual([]);
  });
});

describe("places shared by lanes", () => {
  it("are never more than there are, do each item once, and keep the order of a lane", async () => {
    const lanes = fc.array(fc.record({ lane: fc.constantFrom("", "a", "b", "c"), bad: fc.boolean() }), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(lanes, fc.integer({ min: 1, max: 8 }), async (items, limit) => {
        const breaker = new ClusterBreaker();
        const begun: number[] = [];
        let running = 0;
        let most = 0;
        const numbered = items.map((item, index) => ({ ...item, index }));
        await inLanes(
          limit,
          numbered,
          ({ lane }) => lane,
          breaker,
          async ({ lane, bad, index }) => {
            begun.push(index);
            running += 1;
            most = Math.max(most, running);
            await Promise.resolve();
            breaker.note(lane, bad);
            running -= 1;
          },
        );
        expect(most).toBeLessThanOrEqual(limit);
        expect(new Set(begun).size).toBe(begun.length);
        for (const lane of ["", "a", "b", "c"]) {
          const mine = begun.filter((index) => numbered[index]?.lane === lane);
          expect(mine).toEqual(mine.toSorted((x, y) => x - y));
          const all = numbered.filter((one) => one.lane === lane).length;
          if (lane === "" || !breaker.isOpen(lane)) expect(mine).toHaveLength(all);
        }
      }),
    );
  });

  it("go on after a fault, which is raised once all have settled", async () => {
    const done: number[] = [];
    const act = async (item: number): Promise<void> => {
      done.push(item);
      if (item === 2) throw new Error("two");
    };
    await expect(inLanes(2, [1, 2, 3, 4], () => "", new ClusterBreaker(), act)).rejects.toThrow("two");
    expect(done).toEqual([1, 2, 3, 4]);
  });

  it("go to a lane beyond its fair width only where no other lane waits", async () => {
    const breaker = new ClusterBreaker();
    breaker.note("a", false);
    breaker.note("b", false);
    const running = { a: 0, b: 0 };
    const seen: { a: number; b: number }[] = [];
    const items = [...Array(20).fill("a"), ...Array(4).fill("b")] as ("a" | "b")[];
    await inLanes(
      16,
      items,
      (lane) => lane,
      breaker,
      async (lane) => {
        running[lane] += 1;
        seen.push({ ...running });
        await new Promise((resolve) => setImmediate(resolve));
        running[lane] -= 1;
      },
    );
    expect(seen.slice(0, 8).at(-1)).toEqual({ a: 4, b: 4 });
    expect(Math.max(...seen.map(({ a }) => a))).toBeGreaterThan(4);
  });
});

import { describe, expect, it } from "vitest";
import { claimLate } from "../../src/engine/claim-late.ts";
import { collectWork, type Wanted, wantedOf } from "../../src/engine/collect-work.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { decide } from "../../src/rules/index.ts";
import { decodeEvent } from "../../src/signals/index.ts";
import { alert, type Bench, bench } from "./harness.ts";

/** What the rules of the bench want of alerts about these pods. */
function wanted(b: Bench, pods: readonly string[], more: object = {}): Wanted[] {
  return pods.flatMap((pod) =>
    decodeEvent(alert({ id: pod, pod })).flatMap((decoded) => {
      if ("parked" in decoded) return [];
      const { signal, body } = decoded;
      return wantedOf({ signal, body: { ...more, body } }, decide(signal, b.engine.configuration));
    }),
  );
}

const pods = Array.from({ length: 160 }, (_none, index) => `p-${index}`);

describe("what is claimed late", () => {
  it("shares its transactions, some sixteen claims of one shard in each, and is finished by the sweep", async () => {
    const b = bench();
    for (const pod of pods) b.world.addPod(pod);
    const works = await collectWork(b.engine, wanted(b, pods));
    const before = b.table.counts().transactions;
    expect(await claimLate(b.engine, works)).toEqual([]);
    // Sixteen shards with some ten targets each: one transaction for a shard, or two.
    expect(b.table.counts().transactions - before).toBeLessThanOrEqual(32);
    expect(b.records().map(({ state }) => state)).toEqual(pods.map(() => "pending"));
    expect(b.broken()).toEqual([]);
    await sweep(b.engine);
    expect(new Set(b.records().map(({ state }) => state))).toEqual(new Set(["in-force"]));
    expect(b.world.effects).toHaveLength(pods.length);
  });

  it("gives back the whole group that met a target which is known already, and the rest is claimed", async () => {
    const b = bench();
    for (const pod of pods) b.world.addPod(pod);
    await b.ingest(alert({ id: "other", pod: "p-7" }));
    const works = await collectWork(b.engine, wanted(b, pods));
    const left = await claimLate(b.engine, works);
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThanOrEqual(16);
    expect(left.map(({ target }) => "name" in target && target.name)).toContain("p-7");
    expect(b.records()).toHaveLength(1 + pods.length - left.length);
    expect(b.broken()).toEqual([]);
  });

  it("keeps each transaction within its size, however large the bodies are", async () => {
    const b = bench();
    const bulk = Array.from({ length: 12_000 }, (_none, index) => Math.imul(index, 2_654_435_761) >>> 0);
    const works = await collectWork(b.engine, wanted(b, pods.slice(0, 60), { bulk }));
    expect(await claimLate(b.engine, works)).toEqual([]);
    expect(b.records()).toHaveLength(60);
  });
});

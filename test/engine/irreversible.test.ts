import { describe, expect, it, vi } from "vitest";
import { approve } from "../../src/engine/approve.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { revert } from "../../src/engine/revert.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Refused, Retryable } from "../../src/model/errors.ts";
import type { Pod } from "../../src/model/kubernetes-objects.ts";
import { terminatePod } from "../../src/playbooks/terminate-pod.ts";
import type { Fault } from "../store/schedule-choices.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { another, strike, sweepAfter } from "./processes.ts";

const ANN = { who: "ann", id: "t/ann", why: "seen" };

// The time limits of reads are real ones; a dead process must not be woken by them.
vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

/** An alert about a pod that a rule would have ended; a person is asked first. */
async function asked(): Promise<Bench> {
  const ends = (text: string): string =>
    text.replace("{ name: quarantine, ttl: 8h }", "{ name: terminate-pod }");
  const b = bench({
    configuration: configuration("enforce", ends, [terminatePod]),
    engine: { playbooks: new Map([[terminatePod.name, terminatePod]]) },
  });
  await b.ingest(alert());
  expect(b.records()).toMatchObject([
    { state: "awaiting-approval", reason: expect.stringContaining("cannot be taken back") },
  ]);
  return b;
}

function approved(engine: Engine, { records }: Bench): Promise<unknown> {
  const { id, planHash } = records()[0] ?? { id: "", planHash: null };
  return approve(engine, id, { word: ANN, planHash: planHash ?? "", kind: "person" });
}

const afterwards: readonly (readonly [string, (b: Bench, pod: Pod) => void])[] = [
  ["has gone", () => {}],
  ["came back under its name", (b, { name }) => void b.world.addPod(name)],
  ["is still ending", (b, pod) => void b.world.pods.set(`shop/${pod.name}`, { ...pod, deleting: true })],
];
const faults: readonly Fault[] = [{ do: "crash" }, { do: "lose" }];

describe("what cannot be taken back, after a process vanished or heard nothing", () => {
  it.each(afterwards.flatMap(([what, then]) => faults.map((fault) => ({ what, then, fault }))))(
    "is done once and called done: its pod $what, $fault.do at every point",
    async ({ then, fault }) => {
      let reached = true;
      let index = 0;
      for (; reached; index++) {
        const b = await asked();
        b.world.onEnd = (pod) => then(b, pod);
        const pod = b.world.pods.get("shop/web-1");
        const { points } = await strike(b, index, fault, (engine) => approved(engine, b));
        reached = points.length > index;
        if (b.records()[0]?.state === "awaiting-approval" && b.records()[0]?.approval === null) {
          // Nobody heard the word: the person says it again, once the lease has passed.
          b.clock.pass(180_000);
          await approved(another(b), b);
        }
        await sweepAfter(b, 3, 3);
        const left = b.world.pods.get("shop/web-1");
        // What keeps it ending is over now.
        if (left?.uid === pod?.uid) b.world.pods.delete("shop/web-1");
        await sweepAfter(b, 3, 3, 3, 10);
        expect(b.records(), `${index}`).toMatchObject([{ state: "done", proof: "proved", remains: [] }]);
        expect(b.world.effects).toHaveLength(1);
        expect(b.broken()).toEqual([]);
      }
      expect(index).toBeGreaterThan(5);
    },
  );
});

describe("what cannot be taken back", () => {
  it("ends as unverified where its pod never goes, since nobody could end it later", async () => {
    const b = await asked();
    b.world.onEnd = (pod) => void b.world.pods.set("shop/web-1", { ...pod, deleting: true });
    await approved(b.engine, b);
    expect(b.records()).toMatchObject([{ state: "verifying" }]);
    for (let round = 0; round < 12; round++) await sweepAfter(b, 10);
    expect(b.records()).toMatchObject([
      { state: "done", proof: "unverified", remains: [expect.stringContaining("is ending and still there")] },
    ]);
    expect(b.world.effects).toHaveLength(1);
    expect(b.broken()).toEqual([]);
  });

  it("fails untouched after some tries that a disruption budget refused, and until then can be called off", async () => {
    const refuses = async (): Promise<Bench> => {
      const b = await asked();
      b.world.before = (call) =>
        call.startsWith("evict")
          ? Promise.reject(new Retryable("a budget", "Wait.", { retryAfterMs: 30_000, undone: true }))
          : Promise.resolve();
      await approved(b.engine, b);
      expect(b.records()).toMatchObject([{ state: "applying", touched: false }]);
      return b;
    };
    const tried = await refuses();
    for (let round = 0; round < 12; round++) await sweepAfter(tried, 10);
    expect(tried.records()).toMatchObject([{ state: "failed", touched: false }]);
    const stopped = await refuses();
    await revert(stopped.engine, stopped.records()[0]?.id ?? "", ANN);
    expect(stopped.records()).toMatchObject([{ state: "rejected" }]);
    stopped.world.before = () => Promise.resolve();
    stopped.clock.pass(600_000);
    await sweep(stopped.engine);
    expect([...tried.world.effects, ...stopped.world.effects]).toEqual([]);
  });

  it("is refused to whoever asks to take it back", async () => {
    const b = await asked();
    await approved(b.engine, b);
    expect(b.records()).toMatchObject([{ state: "done", proof: "proved" }]);
    await expect(revert(b.engine, b.records()[0]?.id ?? "", ANN)).rejects.toThrow(Refused);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { alert } from "../engine/harness.ts";
import { ISOLATES, KillableApp } from "./killed-app.ts";

const MOMENTS = 24;
const PER_BATCH = 5;
const PODS = MOMENTS * PER_BATCH;

const batchSchema = z.object({
  event: z.literal("batch"),
  facts: z.object({
    records: z.number(),
    recorded: z.number(),
    joined: z.number(),
    parked: z.number(),
    unmatched: z.number(),
  }),
});

/** The same moments in every run of a seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

describe("the app killed in the middle of a batch, and started again", () => {
  let app: KillableApp;
  const seed = Number(process.env["REFLEX_SEED"] ?? 20_261_123);

  beforeAll(async () => {
    app = await KillableApp.start(ISOLATES);
    app.kubernetes.seed(
      Array.from({ length: PODS }, (_none, index) => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name: `web-${index}`,
          namespace: "shop",
          labels: { app: "web" },
          creationTimestamp: "2026-01-01T00:00:00Z",
        },
        spec: { nodeName: "n1", containers: [{ name: "c", image: "registry.example/web:1" }] },
        status: { phase: "Running" },
      })),
    );
  }, 120_000);
  afterAll(() => app.stop());

  it(`loses nothing and does nothing twice, over ${MOMENTS} seeded moments`, async () => {
    const next = random(seed);
    for (let moment = 0; moment < MOMENTS; moment++) {
      const before = app.kubernetes.requests.length;
      // Half of the moments by the clock, half by how far the cluster has been asked.
      const byClock = moment % 2 === 0;
      const ms = Math.floor(next() * 400);
      const requests = 1 + Math.floor(next() * PER_BATCH * 9);
      const at = new Date(app.now().getTime() - 60_000).toISOString();
      await app.send(
        Array.from({ length: PER_BATCH }, (_none, index) => {
          const pod = moment * PER_BATCH + index;
          return alert({ id: `alert-${pod}`, pod: `web-${pod}`, at });
        }),
      );
      const begun = Date.now();
      while (byClock ? Date.now() - begun < ms : app.kubernetes.requests.length < before + requests) {
        if (Date.now() - begun > 3_000) break;
        await wait(1);
      }
      await app.kill();
      await app.startApp();
    }
    const settled = async (): Promise<boolean> => {
      const all = await app.remediations();
      return all.length >= PODS && all.every(({ state }) => state === "in-force");
    };
    for (let round = 0; round < 60 && !(await settled()); round++) {
      await wait(500);
      await app.sweep();
    }
    const remediations = await app.remediations();
    const states = Object.groupBy(remediations, ({ state }) => state);
    expect(
      Object.keys(states),
      `seed ${seed}: ${JSON.stringify(remediations.find(({ state }) => state !== "in-force"))}`,
    ).toEqual(["in-force"]);
    expect(new Set(remediations.map(({ signal }) => signal.id)).size).toBe(PODS);
    expect(remediations).toHaveLength(PODS);
    const effects = app.kubernetes.effects.map(({ verb, plural, name }) => `${verb} ${plural} ${name}`);
    expect(effects.filter((effect) => effect.startsWith("patch pods ")).toSorted()).toEqual(
      Array.from({ length: PODS }, (_none, pod) => `patch pods web-${pod}`).toSorted(),
    );
    expect(effects.filter((effect) => effect.startsWith("create networkpolicies "))).toHaveLength(PODS);
    expect(effects).toHaveLength(2 * PODS);
    const batches = app.lines.flatMap((line) => {
      const read = batchSchema.safeParse(line.startsWith("{") ? JSON.parse(line) : null);
      return read.success ? [read.data.facts] : [];
    });
    expect(batches.length).toBeGreaterThan(0);
    for (const { records, recorded, joined, parked, unmatched } of batches) {
      expect(recorded + joined + parked + unmatched).toBe(records);
    }
    console.log(`${MOMENTS} kills (seed ${seed}): ${PODS} alerts, lost 0, doubled 0`);
  }, 240_000);
});

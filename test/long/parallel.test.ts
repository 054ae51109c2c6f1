import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { alert } from "../engine/harness.ts";
import { ISOLATES, KillableApp } from "../scenarios/killed-app.ts";
import { createRandom } from "../store/schedule-choices.ts";
import { figure, noteFigure, SEED } from "./long.ts";

const PROCESSES = 4;
const TARGETS = figure(500, 40);
const EVENTS = figure(5_000, 400);
const PER_SENDING = 50;

const batchSchema = z.object({ event: z.literal("batch"), facts: z.looseObject({ records: z.number() }) });

describe("four processes on one hub and one store", () => {
  let app: KillableApp;
  /** When each process finished a batch, and of how many records. */
  const batches: { process: number; at: number; records: number }[] = [];

  beforeAll(async () => {
    app = await KillableApp.start(ISOLATES, { partitions: 2 * PROCESSES, processes: PROCESSES, speed: 1 });
    app.onLine = (process, line) => {
      const read = batchSchema.safeParse(line.startsWith("{") ? JSON.parse(line) : null);
      if (read.success) batches.push({ process, at: Date.now(), records: read.data.facts.records });
    };
    app.kubernetes.seed(
      Array.from({ length: TARGETS }, (_none, index) => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name: `web-${index}`,
          namespace: "shop",
          labels: { app: `web-${index}` },
          creationTimestamp: "2026-01-01T00:00:00Z",
        },
        spec: { nodeName: "n1", containers: [{ name: "c", image: "registry.example/web:1" }] },
        status: { phase: "Running" },
      })),
    );
  }, 120_000);
  afterAll(() => app.stop());

  it(
    "take one effect for each target whatever the order of the events, and none is idle while work remains",
    async () => {
      const random = createRandom(SEED);
      const at = new Date(app.now().getTime() - 60_000).toISOString();
      const bodies = Array.from({ length: EVENTS }, (_none, index) =>
        alert({ id: `alert-${index}`, pod: `web-${index % TARGETS}`, at }),
      );
      // Every partition, and so every process, meets every target, each in an order of its own.
      const shuffled = bodies
        .map((body) => ({ body, place: random() }))
        .sort((a, b) => a.place - b.place)
        .map(({ body }) => body);
      const begun = Date.now();
      for (let start = 0; start < shuffled.length; start += PER_SENDING) {
        await app.send(shuffled.slice(start, start + PER_SENDING));
      }
      const taken = (): number => batches.reduce((sum, { records }) => sum + records, 0);
      for (let round = 0; round < 1_200 && taken() < EVENTS; round++) await delay(250);
      expect(taken()).toBeGreaterThanOrEqual(EVENTS);
      for (let round = 0; round < 60; round++) {
        await app.sweep();
        if ((await app.remediations()).every(({ state }) => state === "in-force")) break;
        await delay(1_000);
      }
      const remediations = await app.remediations();
      expect(remediations.filter(({ state }) => state !== "in-force")).toEqual([]);
      expect(remediations).toHaveLength(TARGETS);
      const labelled = app.kubernetes.effects.filter(
        ({ verb, plural }) => verb === "patch" && plural === "pods",
      );
      expect(labelled.map(({ name }) => name).toSorted()).toEqual(
        Array.from({ length: TARGETS }, (_none, index) => `web-${index}`).toSorted(),
      );
      expect(app.kubernetes.effects).toHaveLength(2 * TARGETS);
      const ends = Array.from({ length: PROCESSES }, (_none, process) =>
        Math.max(...batches.filter((one) => one.process === process).map((one) => one.at)),
      );
      const whole = Math.max(...ends) - begun;
      // Its last batch ends near the end of all: it had work as long as there was any.
      const worked = ends.map((end) => (end - begun) / whole);
      noteFigure("Parallel", "events, targets, effects", `${EVENTS}, ${TARGETS}, ${labelled.length}`);
      noteFigure(
        "Parallel",
        "share of the time until which each process had work",
        worked.map((one) => one.toFixed(2)).join(", "),
      );
      for (const one of worked) expect(one).toBeGreaterThan(0.5);
    },
    figure(900_000, 180_000),
  );
});

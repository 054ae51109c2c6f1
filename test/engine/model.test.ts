import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import { bareQuarantine } from "./bare-quarantine.ts";
import { runSchedule, type Schedule } from "./model.ts";
import { quarantine } from "./quarantine.ts";

const SEEDS = Array.from({ length: 200 }, (_none, index) => index + 1);

/** What the schedules have to reach, so that it was tried. */
const EVERYTHING = [
  "claimed: applying",
  "claimed: pending",
  "deferred: applying",
  "in-force: in-force",
  "rechecked: in-force",
  "deadline: reverting",
  "revert asked: reverting",
  "read back: reverting",
  "reverted: reverted",
  "superseded: superseded",
];

async function runAll(playbook: AnyPlaybook, seeds: readonly number[]): Promise<Schedule[]> {
  const schedules: Schedule[] = [];
  for (const seed of seeds) schedules.push(await runSchedule(seed, playbook));
  return schedules;
}

describe("the model of the engine", () => {
  // The time limits of reads are real ones; a task that is frozen or dead must not be woken by them.
  beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => vi.useRealTimers());

  it("leaves nothing lost, doubled or untracked in any schedule", { timeout: 60_000 }, async () => {
    const schedules = await runAll(quarantine, SEEDS);
    const bad = schedules.flatMap(({ seed, broken, untracked, doubled }) => {
      const faults = [...broken, ...untracked, ...doubled];
      return faults.length === 0 ? [] : [{ seed, faults }];
    });
    expect(bad).toEqual([]);
    // Schedules in which nothing went wrong would prove nothing.
    expect(schedules.filter(({ crashes }) => crashes > 0).length).toBeGreaterThan(SEEDS.length / 3);
    const seen = new Set(schedules.flatMap(({ done }) => done));
    expect([...seen]).toEqual(expect.arrayContaining(EVERYTHING));
  });

  it("catches a playbook whose effect is a bare write", { timeout: 60_000 }, async () => {
    const schedules = await runAll(bareQuarantine, SEEDS.slice(0, 120));
    const caught = schedules.filter(({ untracked, doubled }) => untracked.length + doubled.length > 0);
    expect(caught.length).toBeGreaterThan(0);
  });
});

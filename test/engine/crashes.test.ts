import { describe, expect, it, vi } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { revert } from "../../src/engine/revert.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Retryable } from "../../src/model/errors.ts";
import { StoreUnreachable } from "../../src/store/table.ts";
import type { Fault } from "../store/schedule-choices.ts";
import { endFaults } from "./end-faults.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { another, event, strike } from "./processes.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const CRASH: Fault = { do: "crash" };
const LOSE: Fault = { do: "lose" };
const REPEAT: Fault = { do: "repeat" };

// The time limits of reads are real ones; a dead process must not be woken by them.
vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

/** One thing that a process does on a bench, what its host does when it fails, and what must be true in the end. */
interface Way {
  readonly before: (b: Bench) => Promise<void>;
  readonly act: (engine: Engine, id: string) => Promise<unknown>;
  readonly check: (b: Bench) => void;
}

const RULES = configuration("enforce");

const WAYS: Readonly<Record<string, Way>> = {
  "a first alert": {
    before: async () => {},
    act: (engine) => ingest(engine, [event({ id: "a-1" })]),
    check: (b) => {
      expect(b.records()).toMatchObject([{ state: "in-force", proof: "proved" }]);
      expect(b.world.labelsOf("web-1")["quarantine"]).toBe(b.records()[0]?.id);
      expect(b.world.effects).toHaveLength(1);
    },
  },
  "an alert that joins": {
    before: async (b) => void (await b.ingest(alert({ id: "a-1" }))),
    act: (engine) => ingest(engine, [event({ id: "a-2" })]),
    check: (b) => {
      expect(b.records()).toMatchObject([{ state: "in-force" }]);
      expect(b.world.effects).toHaveLength(1);
      expect(b.table.snapshot().filter(({ key }) => key.startsWith("s!"))).toHaveLength(2);
    },
  },
  "an alert about a pod made anew": {
    before: async (b) => {
      await b.ingest(alert({ id: "a-1" }));
      b.world.addPod("web-1");
    },
    act: (engine) => ingest(engine, [event({ id: "a-2" })]),
    check: (b) => {
      const states = b.records().map(({ state }) => state);
      expect(states.toSorted()).toEqual(["in-force", "superseded"]);
      const open = b.records().find(({ state }) => state === "in-force");
      expect(b.world.labelsOf("web-1")["quarantine"]).toBe(open?.id);
      expect(b.world.effects).toHaveLength(2);
    },
  },
  "a sweep at the deadline": {
    before: async (b) => {
      await b.ingest(alert({ id: "a-1" }));
      b.clock.pass(8 * HOUR);
    },
    act: sweep,
    check: (b) => {
      expect(b.records()).toMatchObject([{ state: "reverted", revertedBy: null }]);
      expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
      expect(b.world.effects).toHaveLength(2);
    },
  },
  "a person who takes it back": {
    before: async (b) => void (await b.ingest(alert({ id: "a-1" }))),
    act: (engine, id) => revert(engine, id, { who: "ann", id: "t/ann", why: "a drill" }),
    check: (b) => {
      expect(b.records()).toMatchObject([{ state: "reverted", revertedBy: { who: "ann" } }]);
      expect(b.world.effects).toHaveLength(2);
    },
  },
};

/** Strikes at one point, then the host repeats and sweeps go on after the lease; whether the point was reached. */
async function once(way: Way, index: number, fault: Fault): Promise<boolean> {
  const b = bench({ configuration: RULES });
  await way.before(b);
  const id = b.records()[0]?.id ?? "";
  const act = (engine: Engine): Promise<unknown> => way.act(engine, id);
  const { ended, points } = await strike(b, index, fault, act);
  expect(b.broken()).toEqual([]);
  if (typeof ended === "object") {
    expect(ended.failed instanceof StoreUnreachable || ended.failed instanceof Retryable).toBe(true);
  }
  for (let sweeps = 0; sweeps < 4; sweeps += 1) {
    if (ended !== "done") await repeat(act, another(b));
    b.clock.pass(2.1 * MINUTE);
    await sweep(another(b));
    expect(b.broken()).toEqual([]);
  }
  way.check(b);
  const { lost, untracked, doubled } = endFaults(b.table, b.world, ["a-1"]);
  const stillOpen = (sentence: string): boolean => sentence.endsWith("is still open");
  expect([...lost.filter((one) => !stillOpen(one)), ...untracked, ...doubled]).toEqual([]);
  return points.length > index;
}

async function repeat(act: (engine: Engine) => Promise<unknown>, engine: Engine): Promise<void> {
  try {
    await act(engine);
  } catch (error) {
    if (!(error instanceof Retryable)) throw error;
  }
}

/** Strikes at every point in turn, until there are no more; how many there were. */
async function everywhere(way: Way, fault: Fault): Promise<number> {
  for (let index = 0; ; index += 1) {
    try {
      if (!(await once(way, index, fault))) return index;
    } catch (error) {
      throw new Error(`struck at point ${index} (${fault.do}): ${String(error)}`, { cause: error });
    }
  }
}

describe.each(Object.entries(WAYS))("%s", (_name, way) => {
  it("ends well when the process dies between any two calls", async () => {
    expect(await everywhere(way, CRASH)).toBeGreaterThan(8);
  });

  it("ends well when any request or answer is lost", async () => {
    expect(await everywhere(way, LOSE)).toBeGreaterThan(8);
  });

  it("ends well when the client repeats any request and hears of a conflict with its own success", async () => {
    expect(await everywhere(way, REPEAT)).toBeGreaterThan(8);
  });
});

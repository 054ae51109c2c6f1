import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { approve, type Yes } from "../../src/engine/approve.ts";
import { reject } from "../../src/engine/reject.ts";
import { isOpen } from "../../src/model/remediation.ts";
import { decodePlan } from "../../src/store/record-rows.ts";
import { planRowKey } from "../../src/store/row-keys.ts";
import type { Fault } from "../store/schedule-choices.ts";
import { ANN, approves, asking, atEveryPlace, BOB, HOUR, heard, latest, yes } from "./deciding.ts";
import { endFaults, historiesOf } from "./end-faults.ts";
import type { Bench } from "./harness.ts";
import { another, strike, sweepAfter } from "./processes.ts";

vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

const labelled = (b: Bench): number => b.world.effects.filter(({ change }) => change["quarantine"]).length;

/** Each plan that was begun is one that somebody approved, and each approval began one plan at most. */
function beganOnlyApproved(b: Bench, given: ReadonlySet<string>): void {
  for (const rows of historiesOf(b.table)) {
    const begun = rows.filter(({ before, after }) => before === "awaiting-approval" && after === "applying");
    for (const { what, details } of begun) {
      expect(what).toBe("approval used");
      expect(given).toContain(details["planHash"]);
    }
    expect(begun.length).toBeLessThanOrEqual(rows.filter(({ what }) => what === "approved").length);
  }
  for (const { id, touched, planNumber } of b.records()) {
    if (!touched) continue;
    const row = b.table.snapshot().find(({ key }) => key === planRowKey(id, planNumber ?? 0));
    expect(given).toContain(row === undefined ? null : decodePlan(row).plan?.hash);
  }
}

describe("two who approve at once", () => {
  it("begin it once, and the other hears why not", async () => {
    const b = await asking();
    const seen = yes(b);
    const { id } = latest(b);
    const answers = await Promise.all([
      heard(approve(another(b), id, seen)),
      heard(approve(another(b), id, { ...seen, word: BOB })),
    ]);
    expect(answers.filter((one) => one === "not now" || one === "too late")).toHaveLength(1);
    expect(answers).toContainEqual(expect.objectContaining({ state: "in-force" }));
    expect(labelled(b)).toBe(1);
  });

  it("also where the second comes at any moment of the first", async () => {
    const places = await atEveryPlace(
      asking,
      (b, engine) => approves(b, {}, engine),
      async (b) => {
        await heard(approves(b, { word: BOB }, another(b)));
      },
      async (b, place) => {
        await sweepAfter(b, 3, 3);
        expect(latest(b).state, place).toBe("in-force");
        expect(labelled(b), place).toBe(1);
        const approvals = historiesOf(b.table)
          .flat()
          .filter(({ what }) => what === "approved");
        expect(approvals, place).toHaveLength(1);
      },
    );
    expect(places).toBeGreaterThan(8);
  });
});

describe("an approval and a rejection", () => {
  it("meet at any moment: one holds, and the other is told", async () => {
    const said: unknown[] = [];
    const places = await atEveryPlace(
      asking,
      async (b, engine) => said.push(await heard(approves(b, {}, engine))),
      async (b) => said.push(await heard(reject(another(b), latest(b).id, BOB))),
      async (b, place) => {
        await sweepAfter(b, 3, 3);
        const { state } = latest(b);
        expect(["in-force", "rejected"], place).toContain(state);
        expect(labelled(b), place).toBe(state === "in-force" ? 1 : 0);
        const yeses = said.splice(0).filter((one) => typeof one === "object");
        expect(yeses, place).toHaveLength(1);
        expect(b.broken(), place).toEqual([]);
      },
    );
    expect(places).toBeGreaterThan(8);
  });
});

describe("an approval and its time", () => {
  it("meet at any moment: what was approved in time is begun, nothing else", async () => {
    const atTheEnd = async (): Promise<Bench> => {
      const b = await asking();
      b.clock.pass(4 * HOUR - 1);
      return b;
    };
    const places = await atEveryPlace(
      atTheEnd,
      (b, engine) => approves(b, {}, engine),
      (b) => sweepAfter(b, 1),
      async (b, place) => {
        await sweepAfter(b, 3, 3);
        const { state } = latest(b);
        expect(["in-force", "expired"], place).toContain(state);
        expect(labelled(b), place).toBe(state === "in-force" ? 1 : 0);
        expect(b.broken(), place).toEqual([]);
      },
    );
    expect(places).toBeGreaterThan(8);
  });
});

describe("a process that dies at any place of an approval", () => {
  const FAULTS: readonly Fault[] = [{ do: "crash" }, { do: "lose" }, { do: "repeat" }];

  it.each(FAULTS)("loses nothing that was written: %o", async (fault) => {
    let places = 0;
    for (let index = 0; ; index += 1) {
      const b = await asking();
      const seen = yes(b);
      const { points } = await strike(b, index, fault, (engine) =>
        heard(approve(engine, latest(b).id, seen)),
      );
      if (points.length <= index) break;
      places += 1;
      expect(b.broken()).toEqual([]);
      const wasWritten = historiesOf(b.table)
        .flat()
        .some(({ what }) => what === "approved");
      await sweepAfter(b, 3, 3, 3);
      expect(latest(b).state, points[index]).toBe(wasWritten ? "in-force" : "awaiting-approval");
      if (!wasWritten)
        expect(await approve(another(b), latest(b).id, seen)).toMatchObject({ state: "in-force" });
      expect(labelled(b), points[index]).toBe(1);
      beganOnlyApproved(b, new Set([seen.planHash]));
      const { untracked, doubled } = endFaults(b.table, b.world, ["a-1"]);
      expect([...untracked, ...doubled]).toEqual([]);
    }
    expect(places).toBeGreaterThan(8);
  });

  it("asks again where the object was made anew before anybody went on", async () => {
    let asked = 0;
    for (let index = 0; ; index += 1) {
      const b = await asking();
      const seen = yes(b);
      const { points } = await strike(b, index, { do: "crash" }, (engine) =>
        heard(approve(engine, latest(b).id, seen)),
      );
      if (points.length <= index) break;
      if (b.world.effects.length > 0) continue;
      b.world.addPod("web-1");
      await sweepAfter(b, 3, 3, 3);
      const { state, approval, planHash } = latest(b);
      expect(["awaiting-approval", "superseded"], points[index]).toContain(state);
      if (state === "awaiting-approval" && planHash !== seen.planHash) {
        expect(approval).toBe(null);
        asked += 1;
      }
      expect(b.world.effects, points[index]).toEqual([]);
    }
    expect(asked).toBeGreaterThan(1);
  });
});

/** One thing that may happen in the life of a question. */
const event = fc.oneof(
  fc.record({ do: fc.constant("approve" as const), look: fc.nat(5), crashAt: fc.option(fc.nat(24)) }),
  fc.record({ do: fc.constant("reject" as const) }),
  fc.record({ do: fc.constantFrom("anew" as const, "noise" as const, "taken" as const, "freed" as const) }),
  fc.record({ do: fc.constant("pass" as const), minutes: fc.constantFrom(1, 3, 90) }),
);

type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;

/** What people have seen of the questions so far, and which plans they have said yes to. */
interface Said {
  readonly looks: Yes[];
  readonly given: Set<string>;
}

/** What is done to the pod from outside. */
const CHANGES: Readonly<Record<"anew" | "noise" | "taken" | "freed", (b: Bench, nth: number) => void>> = {
  anew: (b) => b.world.addPod("web-1"),
  noise: (b, nth) => b.world.change("web-1", { annotations: { beat: String(nth) } }),
  taken: (b) => b.world.change("web-1", { labels: { quarantine: "mine" } }),
  freed: (b) => b.world.change("web-1", { labels: {} }),
};

async function happen(b: Bench, one: Event, nth: number, { looks, given }: Said): Promise<void> {
  switch (one.do) {
    case "approve": {
      const seen = looks[Math.max(0, looks.length - 1 - one.look)] ?? yes(b);
      given.add(seen.planHash);
      await strike(b, one.crashAt ?? Number.POSITIVE_INFINITY, { do: "crash" }, (engine) =>
        heard(approve(engine, latest(b).id, seen)),
      );
      return;
    }
    case "reject":
      if (nth % 3 === 0) await heard(reject(another(b), latest(b).id, ANN));
      return;
    case "pass":
      await sweepAfter(b, one.minutes);
      return;
    default:
      CHANGES[one.do](b, nth);
  }
}

describe("whatever happens between question and answer", () => {
  it("nothing is done whose plan nobody approved, and no approval does two things", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 2, maxLength: 12 }), async (events) => {
        const b = await asking();
        const said: Said = { looks: [yes(b)], given: new Set() };
        for (const [nth, one] of events.entries()) {
          said.looks.push(yes(b));
          await happen(b, one, nth, said);
          expect(b.broken()).toEqual([]);
          beganOnlyApproved(b, said.given);
        }
        await sweepAfter(b, 3, 3);
        beganOnlyApproved(b, said.given);
        expect(labelled(b)).toBeLessThanOrEqual(said.given.size);
        expect(b.records().filter(({ state }) => isOpen(state)).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 120 },
    );
  });
});

import { describe, expect, it } from "vitest";
import { approve } from "../../src/engine/approve.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { reject } from "../../src/engine/reject.ts";
import { revert } from "../../src/engine/revert.ts";
import { Permanent, Refused } from "../../src/model/errors.ts";
import type { AnyPlaybook, Verification } from "../../src/model/playbook.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import type { Fault } from "../store/schedule-choices.ts";
import { alert, type Bench, bench, configuration, notice } from "./harness.ts";
import { another, event, strike, sweepAfter } from "./processes.ts";
import { labelling, quarantine } from "./quarantine.ts";

const ANN = { who: "ann", id: "t/ann", why: "a drill" };
const second = labelling("second", "second");
const third = labelling("third", "third");

type Way = Partial<Pick<AnyPlaybook, "plan" | "apply" | "verify">>;

const REFUSES: Way = {
  plan: () => Promise.resolve({ outcome: "skip", reason: "it is in the host's network" }),
};
const STAYS_PARTIAL: Way = {
  verify: () => Promise.resolve({ verdict: "partial", remains: ["port 80 is open"] }),
};

interface Ladder {
  readonly first?: Way;
  readonly second?: Way;
  readonly mode?: string;
  readonly rule?: (text: string) => string;
}

/** A bench whose rule has three rungs; the first one or two are as told. */
function ladder({ first = {}, second: next = {}, mode = "enforce", rule = (text) => text }: Ladder): Bench {
  const playbooks = [{ ...quarantine, ...first }, { ...second, ...next }, third];
  const rules = configuration(
    mode,
    (text) =>
      rule(text.replace("ttl: 8h }", "ttl: 8h, rungs: [ { name: second, ttl: 2h }, { name: third } ] }")),
    [second, third],
  );
  return bench({
    configuration: rules,
    engine: { playbooks: new Map([...playbooks, notice].map((one) => [one.name, one])) },
  });
}

/** What each playbook came to, in the order of the ladder. */
function rungs(b: Bench): Record<string, string> {
  return Object.fromEntries(
    ["quarantine", "second", "third"].flatMap((name) =>
      b
        .records()
        .filter(({ playbook }) => playbook === name)
        .map(({ state }) => [name, state]),
    ),
  );
}

function recordOf(b: Bench, playbook: string): Remediation {
  const found = b.records().filter((record) => record.playbook === playbook);
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} records of ${playbook}`);
  return only;
}

describe("the next rung of a rule", () => {
  it("is climbed at once where the playbook itself says that it cannot be done here", async () => {
    const b = ladder({ first: REFUSES });
    await b.ingest(alert());
    expect(rungs(b)).toEqual({ quarantine: "skipped", second: "in-force" });
    const [below, above] = [recordOf(b, "quarantine"), recordOf(b, "second")];
    expect(below.climbedTo).toBe(above.id);
    expect(above.climbedFrom).toBe(below.id);
    expect(below.reason).toBe(`it is in the host's network; the next rung, second, goes on as ${above.id}`);
    expect(above.rule).toMatchObject({ ttlMs: 7_200_000, rungs: [{ playbook: "third", ttlMs: null }] });
    expect(b.broken()).toEqual([]);
  });

  it.each<[string, Way, string]>([
    ["the playbook refused while it planned", { plan: refuses }, "refused"],
    ["the playbook refused before its first write", { apply: refuses }, "refused"],
    ["it stayed partial", STAYS_PARTIAL, "in-force"],
    ["it was accepted and is not there", { verify: absent }, "failed"],
  ])("is climbed where %s", async (_why, first, state) => {
    const b = ladder({ first });
    await b.ingest(alert());
    await sweepAfter(b, 1);
    expect(rungs(b)).toEqual({ quarantine: state, second: "in-force" });
    expect(b.broken()).toEqual([]);
  });

  it("is climbed where it stayed unverified to the last look", async () => {
    const notYet = (): Promise<Verification> =>
      Promise.resolve({ verdict: "not-yet", reason: "still there", retryAfterMs: 1_000 });
    const b = ladder({ first: { verify: notYet } });
    await b.ingest(alert());
    expect(rungs(b)).toEqual({ quarantine: "verifying" });
    await sweepAfter(b, ...Array(9).fill(3));
    expect(recordOf(b, "quarantine")).toMatchObject({ state: "in-force", proof: "unverified" });
    expect(recordOf(b, "second").state).toBe("in-force");
  });

  it("is climbed once where somebody undid what was proved, and its owner is told", async () => {
    const b = ladder({});
    await b.ingest(alert());
    expect(rungs(b)).toEqual({ quarantine: "in-force" });
    b.world.change("web-1", { labels: { app: "web" } });
    await sweepAfter(b, 2);
    expect(rungs(b)).toEqual({ quarantine: "in-force", second: "in-force" });
    expect(recordOf(b, "quarantine")).toMatchObject({
      proof: "unverified",
      remains: ["the label is not there"],
    });
    // The news that it was undone, beside that of each rung.
    const told = b.sent.filter(({ kind }) => kind === "in-force");
    expect(told.map(({ remediation }) => remediation?.playbook).toSorted()).toEqual([
      "quarantine",
      "quarantine",
      "second",
    ]);
    await sweepAfter(b, 15, 120);
    expect(b.records()).toHaveLength(2);
  });

  it("goes on to the one above", async () => {
    const b = ladder({ first: REFUSES, second: STAYS_PARTIAL });
    await b.ingest(alert());
    await sweepAfter(b, 1);
    expect(rungs(b)).toEqual({ quarantine: "skipped", second: "in-force", third: "in-force" });
    expect(recordOf(b, "third").rule.rungs).toBeUndefined();
    expect(b.broken()).toEqual([]);
  });

  it("is climbed where the signal names nothing that the first could act upon", async () => {
    const b = ladder({ first: { target: "workload" } as Way });
    await b.ingest(alert());
    await sweepAfter(b, 1);
    expect(rungs(b)).toEqual({ quarantine: "skipped", second: "in-force" });
    expect(recordOf(b, "quarantine").reason).toContain("belongs to no workload");
  });

  it("is only observed where the rule observes, so that a report shows what would have followed", async () => {
    const b = ladder({ first: REFUSES, mode: "observe" });
    await b.ingest(alert());
    expect(rungs(b)).toEqual({ quarantine: "skipped", second: "observed" });
    expect(b.world.effects).toEqual([]);
  });

  it("awaits a person of its own where the rule wants one, and is closed with the signal", async () => {
    const b = ladder({ first: STAYS_PARTIAL, mode: "approve" });
    await b.ingest(alert());
    const asked = recordOf(b, "quarantine");
    await approve(b.engine, asked.id, { word: ANN, planHash: asked.planHash ?? "", kind: "person" });
    expect(rungs(b)).toEqual({ quarantine: "in-force", second: "awaiting-approval" });
    await b.ingest(alert({ status: "Resolved", at: "2026-03-02T07:55:00.000Z" }));
    expect(rungs(b)).toEqual({ quarantine: "in-force", second: "superseded" });
    expect(b.broken()).toEqual([]);
  });
});

describe("no rung is climbed", () => {
  it("where the first holds", async () => {
    const b = ladder({});
    await b.ingest(alert());
    await sweepAfter(b, 2, 15, 120);
    expect(rungs(b)).toEqual({ quarantine: "in-force" });
    expect(recordOf(b, "quarantine").proof).toBe("proved");
  });

  it("where a person said no or took it back", async () => {
    const b = ladder({});
    await b.ingest(alert());
    await revert(b.engine, recordOf(b, "quarantine").id, ANN);
    const asked = ladder({ mode: "approve" });
    await asked.ingest(alert());
    await reject(asked.engine, recordOf(asked, "quarantine").id, ANN);
    await sweepAfter(b, 2);
    expect([rungs(b), rungs(asked)]).toEqual([{ quarantine: "reverted" }, { quarantine: "rejected" }]);
  });

  it.each([
    ["what is protected", "protected: { namespaces: [shop] }"],
    ["what the scope denies", "scope: { deny: [ { namespace: shop } ] }"],
  ])("where the guard refused %s: a stronger measure is no answer to a never", async (_what, line) => {
    const b = ladder({ rule: (text) => `${line}\n${text}` });
    await b.ingest(alert());
    expect(rungs(b)).toEqual({ quarantine: "refused" });
  });

  it("where a fault is ours or the cluster's, or it cannot be read back for now", async () => {
    const b = ladder({ first: { apply: () => Promise.reject(new Permanent("403", "Grant it.")) } });
    await b.ingest(alert());
    expect(rungs(b)).toEqual({ quarantine: "failed" });
    let unread = false;
    const verify: AnyPlaybook["verify"] = (plan, ports) =>
      unread ? Promise.reject(new Permanent("403", "Grant it.")) : quarantine.verify(plan, ports);
    const later = ladder({ first: { verify } });
    await later.ingest(alert());
    unread = true;
    await sweepAfter(later, 2, 15);
    expect(rungs(later)).toEqual({ quarantine: "in-force" });
    expect(recordOf(later, "quarantine").remains).toEqual([
      expect.stringContaining("could not be read back"),
    ]);
  });
});

describe("a crash, a lost answer or a repeated request while a rung is climbed", () => {
  const FAULTS: readonly Fault[] = [{ do: "crash" }, { do: "lose" }, { do: "repeat" }];

  it.each([
    ["from a verdict", REFUSES, "skipped"],
    ["from a partial containment", STAYS_PARTIAL, "in-force"],
  ])(
    "loses no rung and begins none twice, %s, wherever it strikes",
    async (_from, first, state) => {
      let points = 1;
      for (let index = 0; index < points; index++) {
        for (const fault of FAULTS) {
          const b = ladder({ first });
          const act = (engine: Engine) => ingest(engine, [event({ id: "a-1" })]);
          const struck = await strike(b, index, fault, act);
          points = Math.max(points, struck.points.length);
          // The host repeats the batch, and the sweep finds what was left.
          await ingest(another(b), [event({ id: "a-1" })]);
          await sweepAfter(b, 3, 3, 3);
          const where = `${fault.do} at ${struck.points[index] ?? index}`;
          expect(rungs(b), where).toEqual({ quarantine: state, second: "in-force" });
          expect(b.records(), where).toHaveLength(2);
          expect(recordOf(b, "quarantine").climbedTo, where).toBe(recordOf(b, "second").id);
          expect(b.world.labelsOf("web-1")["second"], where).toBe(recordOf(b, "second").id);
          expect(b.broken(), where).toEqual([]);
        }
      }
      expect(points).toBeGreaterThan(8);
    },
    180_000,
  );
});

function refuses(): Promise<never> {
  return Promise.reject(new Refused("no policy engine answers", "Take the next rung."));
}

function absent(): Promise<Verification> {
  return Promise.resolve({ verdict: "absent", reason: "a controller took it off" });
}

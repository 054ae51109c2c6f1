import { describe, expect, it } from "vitest";
import { revert } from "../../src/engine/revert.ts";
import { Permanent } from "../../src/model/errors.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { AnyPlaybook, WritePorts } from "../../src/model/playbook.ts";
import { alert, type Bench, bench, notice } from "./harness.ts";
import { another, sweepAfter } from "./processes.ts";
import { quarantine } from "./quarantine.ts";

const ANN = { who: "ann", id: "t/ann", why: "a drill" };

/** A bench whose cluster answers an Event as told. */
function benchTelling(record: () => Promise<void>): Bench {
  const b = bench();
  const ports = b.world.ports();
  const kubernetes: WritePorts["write"]["kubernetes"] = (cluster) => ({
    ...ports.write.kubernetes(cluster),
    recordEvent: record,
  });
  return { ...b, ...benchWith(b, { ...ports, write: { ...ports.write, kubernetes } }) };
}

function benchWith(b: Bench, ports: WritePorts): Pick<Bench, "engine" | "ingest"> {
  const made = bench({ engine: { table: b.table, ports, log: (entry) => b.log.push(entry) } });
  return { engine: made.engine, ingest: made.ingest };
}

describe("the owner of what is changed", () => {
  it("finds an Event beside the object: what was done, by which remediation and rule, and whom to ask", async () => {
    const b = bench();
    await b.ingest(alert());
    const [record] = b.records();
    const pod = b.world.pods.get("shop/web-1");
    expect(b.world.events).toEqual([
      {
        name: `reflex-${record?.id}-applied`,
        regarding: { apiVersion: "v1", kind: "Pod", namespace: "shop", name: "web-1", uid: pod?.uid },
        reason: "ReflexApplied",
        note: `defender-reflex acted on an alert: label web-1. Ask the security team about remediation ${record?.id} (rule miners); \`reflex revert ${record?.id}\` takes it back.`,
        isWarning: true,
        at: expect.any(Date),
      },
    ]);
    await revert(b.engine, record?.id ?? "", ANN);
    expect(b.world.events[1]).toMatchObject({
      name: `reflex-${record?.id}-reverted`,
      reason: "ReflexReverted",
      isWarning: false,
    });
  });

  it.each(["observe", "approve"])("is told nothing where nothing was changed: %s", async (mode) => {
    const b = bench({ mode });
    await b.ingest(alert());
    await sweepAfter(b, 1);
    expect(b.world.events).toEqual([]);
  });

  it("is told nothing of evidence, which changes nothing", async () => {
    const keep: AnyPlaybook = { ...quarantine, kind: "evidence", reversible: false };
    const b = bench({ engine: { playbooks: new Map([keep, notice].map((one) => [one.name, one])) } });
    await b.ingest(alert());
    expect(b.world.events).toEqual([]);
  });

  it("not being told undoes nothing: the change stands, and the log says so", async () => {
    const b = benchTelling(() =>
      Promise.reject(new Permanent("403 to: create event", "Apply the role again.")),
    );
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "in-force", proof: "proved" }]);
    expect(b.log).toContainEqual({
      level: "warning",
      event: "owner not told",
      facts: { id: b.records()[0]?.id, reason: expect.stringContaining("Apply the role again.") },
    });
  });

  it("is waited for no longer than two seconds", async () => {
    const b = benchTelling(() => new Promise(() => {}));
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "in-force", proof: "proved" }]);
  });

  it("gets no more than the API server takes, and always whom to ask", async () => {
    const plan: AnyPlaybook["plan"] = async (input, ports) => {
      const outcome = await quarantine.plan(input, ports);
      if (outcome.outcome !== "change") return outcome;
      const [step] = outcome.draft.steps;
      if (step === undefined) return outcome;
      const steps: Plan["steps"] = [{ ...step, sentence: `${"é\u0007".repeat(900)} and so on` }];
      return { ...outcome, draft: { ...outcome.draft, steps } };
    };
    const wordy = { ...quarantine, plan };
    const b = bench({ engine: { playbooks: new Map([wordy, notice].map((one) => [one.name, one])) } });
    await b.ingest(alert());
    const note = b.world.events[0]?.note ?? "";
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_024);
    expect(Buffer.byteLength(note)).toBeGreaterThan(1_000);
    expect(note).not.toMatch(/\p{Cc}|\uFFFD/u);
    expect(note).toContain("Ask the security team about remediation");
  });

  it("is told once by two drivers of one remediation: the name of the Event is its id", async () => {
    const b = bench();
    await b.ingest(alert());
    await revert(another(b), b.records()[0]?.id ?? "", ANN);
    const names = b.world.events.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

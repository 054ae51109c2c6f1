import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type ManualRun, runManually } from "../../src/engine/manual-run.ts";
import { revert } from "../../src/engine/revert.ts";
import { Refused } from "../../src/model/errors.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import { alert, bench, configuration } from "./harness.ts";
import { quarantine } from "./quarantine.ts";
import { CLUSTER } from "./world.ts";

const POD = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;
const HOUR = 3_600_000;

function run(more: Partial<ManualRun> = {}): ManualRun {
  return {
    playbook: "quarantine",
    target: POD,
    parameters: {},
    mode: "enforce",
    ttlMs: HOUR,
    notify: [],
    by: { who: "ann", id: "t/ann", why: "incident 7" },
    idempotencyKey: "k-1",
    ...more,
  };
}

describe("a run by hand", () => {
  it("takes effect as an alert would, with who and why on record", async () => {
    const b = bench();
    const record = await runManually(b.engine, run());
    expect(record).toMatchObject({
      state: "in-force",
      proof: "proved",
      requestedBy: { who: "ann", id: "t/ann", why: "incident 7" },
      signal: { kind: "manual", title: "incident 7" },
      rule: { name: "manual" },
      deadline: "2026-03-02T09:00:00.000Z",
    });
    expect(b.world.labelsOf("web-1")["quarantine"]).toBe(record.id);
    expect(b.broken()).toEqual([]);
  });

  it("observes where it is asked to, and changes nothing outside", async () => {
    const b = bench();
    expect(await runManually(b.engine, run({ mode: "observe" }))).toMatchObject({ state: "observed" });
    expect(b.world.effects).toEqual([]);
  });

  it("names a cluster as the configuration does, or by its ARM id", async () => {
    const b = bench();
    const byName = await runManually(b.engine, run({ target: { ...POD, cluster: "prod" }, mode: "observe" }));
    expect(byName.target).toEqual(POD);
  });

  it("is a person's word: neither looks nor changes before it make it wait for another", async () => {
    const b = bench();
    for (const [key, mode] of ["observe", "enforce", "enforce", "enforce", "enforce"].entries()) {
      const more = { idempotencyKey: `k-${key}`, mode: mode === "observe" ? mode : "enforce" } as const;
      const record = await runManually(b.engine, run(more));
      expect(record.state).toBe(mode === "observe" ? "observed" : "in-force");
      if (mode === "enforce") await revert(b.engine, record.id, { who: "ann", id: "t/ann", why: "a drill" });
    }
    expect(b.broken()).toEqual([]);
  });

  it("goes no further than the ceiling", async () => {
    const low = configuration("enforce", (text) => text.replace("mode: enforce", "mode: observe"));
    const b = bench({ configuration: low });
    expect(await runManually(b.engine, run())).toMatchObject({ state: "observed", mode: "observe" });
    expect(b.world.effects).toEqual([]);
  });

  it("tells the channels that it was given, and no others", async () => {
    const b = bench();
    await runManually(b.engine, run({ notify: ["security"] }));
    expect(b.sent.map(({ kind, channel }) => [kind, channel])).toEqual([["in-force", "security"]]);
    const quiet = bench();
    await runManually(quiet.engine, run());
    expect(quiet.sent).toEqual([]);
  });

  it("joins what an alert began, and begins what the alert had ended", async () => {
    const b = bench();
    await b.ingest(alert());
    const [first] = b.records();
    expect((await runManually(b.engine, run())).id).toBe(first?.id);
    await revert(b.engine, first?.id ?? "", { who: "bob", id: "t/bob", why: "a drill" });
    const second = await runManually(b.engine, run({ idempotencyKey: "k-2" }));
    expect(second).toMatchObject({ state: "in-force", requestedBy: { who: "ann" } });
    expect(second.id).not.toBe(first?.id);
    expect(b.broken()).toEqual([]);
  });
});

describe("the idempotency key", () => {
  it("makes repetitions one run", async () => {
    const b = bench();
    const [first, again] = [await runManually(b.engine, run()), await runManually(b.engine, run())];
    expect(again).toEqual(first);
    b.engine.recent.forget();
    expect(await runManually(b.engine, run())).toEqual(first);
    expect(b.records()).toHaveLength(1);
    expect(b.world.effects).toHaveLength(1);
  });

  it("makes repetitions at the same time one run", async () => {
    const b = bench();
    const [first, other] = await Promise.all([runManually(b.engine, run()), runManually(b.engine, run())]);
    expect(other.id).toBe(first.id);
    expect(b.records()).toHaveLength(1);
    expect(b.world.effects).toHaveLength(1);
  });

  it("answers with its own run also when others have followed", async () => {
    const b = bench();
    const first = await runManually(b.engine, run());
    await revert(b.engine, first.id, { who: "ann", id: "t/ann", why: "wrong pod" });
    const second = await runManually(b.engine, run({ idempotencyKey: "k-2" }));
    expect(second.id).not.toBe(first.id);
    expect(await runManually(b.engine, run())).toMatchObject({ id: first.id, state: "reverted" });
    expect(b.records()).toHaveLength(2);
  });

  it("is each playbook's and each target's own", async () => {
    const b = bench();
    b.world.addPod("web-2");
    await runManually(b.engine, run());
    await runManually(b.engine, run({ target: { ...POD, name: "web-2" } }));
    expect(b.records()).toHaveLength(2);
  });
});

describe("a run that is asked wrongly", () => {
  const seen: unknown[] = [];
  const strict: AnyPlaybook = {
    ...quarantine,
    parameters: z.strictObject({ depth: z.int().max(3).optional() }),
    plan: ({ parameters, ...input }, ports) => {
      seen.push(parameters);
      return quarantine.plan({ ...input, parameters: {} }, ports);
    },
  };
  const wrong = async (more: Partial<ManualRun>): Promise<unknown> => {
    const b = bench({ engine: { playbooks: new Map([["quarantine", strict]]) } });
    const outcome = await runManually(b.engine, run(more)).catch((error: unknown) => error);
    expect(b.records()).toEqual([]);
    expect(b.world.effects).toEqual([]);
    return outcome;
  };

  it("is refused in words where there is no such playbook", async () => {
    const refusal = await wrong({ playbook: "isolate" });
    expect(refusal).toBeInstanceOf(Refused);
    expect(refusal).toMatchObject({
      message: "there is no playbook isolate",
      advice: "Use one of: quarantine.",
    });
  });

  it("is refused in words where the playbook acts on something else", async () => {
    expect(await wrong({ target: { kind: "cluster", cluster: CLUSTER } })).toMatchObject({
      kind: "refused",
      message: "quarantine acts on a pod, not on a cluster",
      advice: "Give a target of kind pod.",
    });
  });

  it.each([
    [{ depth: 9 }, /^parameter depth: /],
    [{ depth: "2" }, /^parameter depth: /],
    [{ dept: 1 }, /^parameter list: .*dept/],
  ])("is refused in words for the parameters %j", async (parameters, message) => {
    expect(await wrong({ parameters })).toMatchObject({
      kind: "refused",
      message: expect.stringMatching(message),
    });
  });

  it("passes what is right", async () => {
    const b = bench({ engine: { playbooks: new Map([["quarantine", strict]]) } });
    expect(await runManually(b.engine, run({ parameters: { depth: 3 } }))).toMatchObject({
      state: "in-force",
    });
  });
});

describe("a run that may not be", () => {
  it("is on record as refused in a protected namespace, whoever asks", async () => {
    const b = bench();
    b.world.addPod("web-1", { namespace: "kube-system" });
    const record = await runManually(b.engine, run({ target: { ...POD, namespace: "kube-system" } }));
    expect(record).toMatchObject({ state: "refused", reason: "namespace kube-system is protected" });
    expect(b.world.effects).toEqual([]);
  });

  it("is on record as refused for a cluster that is not ours", async () => {
    const unknown = (id: string): never => {
      throw new Refused(`cluster ${id} is not configured`, "Add it under `clusters`.");
    };
    const ports = { read: { kubernetes: unknown }, write: { kubernetes: unknown } };
    const b = bench({ engine: { ports } });
    const record = await runManually(b.engine, run({ target: { ...POD, cluster: "elsewhere" } }));
    expect(record).toMatchObject({
      state: "refused",
      reason: "cluster elsewhere is not configured. Add it under `clusters`.",
    });
  });

  it("is on record as skipped where the target has gone", async () => {
    const b = bench();
    const gone = run({ target: { ...POD, name: "web-9" } });
    expect(await runManually(b.engine, gone)).toMatchObject({
      state: "skipped",
      reason: "the target has gone",
    });
  });

  it("waits for a second word where it cannot be taken back", async () => {
    const final = { ...quarantine, reversible: false };
    const b = bench({ engine: { playbooks: new Map([["quarantine", final]]) } });
    expect(await runManually(b.engine, run())).toMatchObject({ state: "awaiting-approval", mode: "approve" });
    expect(b.world.effects).toEqual([]);
    expect(b.broken()).toEqual([]);
  });

  it("takes names that no text should hold", async () => {
    const b = bench();
    const strange = run({ target: { ...POD, name: "\ud800\u0000/?#" } });
    expect(await runManually(b.engine, strange)).toMatchObject({ state: "skipped" });
  });
});

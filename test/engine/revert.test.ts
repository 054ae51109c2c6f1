import { describe, expect, it } from "vitest";
import { revert } from "../../src/engine/revert.ts";
import { Permanent, Refused, Retryable } from "../../src/model/errors.ts";
import type { AnyPlaybook, Verification } from "../../src/model/playbook.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { alert, type Bench, bench } from "./harness.ts";
import { sweepAfter } from "./processes.ts";
import { quarantine } from "./quarantine.ts";
import { twoLabels } from "./two-writes.ts";

const ANN = { who: "ann", id: "t/ann", why: "a wrong alert" };
const BEFORE = { app: "web" };

function benchWith(playbook: AnyPlaybook): Bench {
  return bench({ engine: { playbooks: new Map([["quarantine", { ...playbook, name: "quarantine" }]]) } });
}

/** A containment of which reading back says this. */
function verifiedAs(verification: Verification): Bench {
  return benchWith({ ...quarantine, verify: () => Promise.resolve(verification) });
}

function only(b: Bench): Remediation {
  const [record] = b.records();
  if (record === undefined) throw new TypeError("one is wanted");
  return record;
}

const busy = (): Promise<never> => Promise.reject(new Retryable("503", "Wait.", { retryAfterMs: 5_000 }));

/** How each state after the first write is come to, with what the record then shows. */
const WAYS: Readonly<Record<string, { readonly shows: object; lead(): Promise<Bench> }>> = {
  "half applied": {
    shows: { state: "applying", touched: true },
    async lead() {
      const b = benchWith(twoLabels("containment"));
      let labels = 0;
      b.world.before = async (call) => {
        if (call.startsWith("label") && ++labels === 2) await busy();
      };
      await b.ingest(alert());
      return b;
    },
  },
  verifying: {
    shows: { state: "verifying" },
    async lead() {
      const b = verifiedAs({ verdict: "not-yet", reason: "pods still end", retryAfterMs: 60_000 });
      await b.ingest(alert());
      return b;
    },
  },
  "in force, unverified": {
    shows: { state: "in-force", proof: "unverified" },
    async lead() {
      const b = verifiedAs({ verdict: "not-yet", reason: "pods still end", retryAfterMs: 1_000 });
      await b.ingest(alert());
      await sweepAfter(b, ...Array(12).fill(10));
      return b;
    },
  },
  ...Object.fromEntries(
    (
      [
        { verdict: "holds", proof: "proved" },
        { verdict: "holds", proof: "declared" },
        { verdict: "partial", remains: ["egress to 10.0.0.0/8"] },
      ] as const
    ).map((verification) => {
      const proof = verification.verdict === "holds" ? verification.proof : verification.verdict;
      const lead = async (): Promise<Bench> => {
        const b = verifiedAs(verification);
        await b.ingest(alert());
        return b;
      };
      return [`in force, ${proof}`, { shows: { state: "in-force", proof }, lead }];
    }),
  ),
  "on its way back, and stuck": {
    shows: { state: "reverting" },
    async lead() {
      const b = bench();
      await b.ingest(alert());
      b.world.before = (call) => (call.startsWith("label") ? busy() : Promise.resolve());
      await sweepAfter(b, 8 * 60, 60);
      b.world.before = () => Promise.resolve();
      return b;
    },
  },
  "failed, and written once more by a process that was frozen": {
    shows: { state: "failed" },
    async lead() {
      const b = verifiedAs({ verdict: "absent", reason: "it is not there" });
      await b.ingest(alert());
      b.world.change("web-1", { labels: { ...BEFORE, quarantine: only(b).id } });
      return b;
    },
  },
  "superseded by a change that its owner took away again": {
    shows: { state: "superseded" },
    async lead() {
      const b = bench();
      await b.ingest(alert());
      b.world.change("web-1", { labels: { ...BEFORE, quarantine: "mine" } });
      await sweepAfter(b, 8 * 60);
      b.world.change("web-1", { labels: { ...BEFORE, quarantine: only(b).id } });
      return b;
    },
  },
};

describe("a person's revert", () => {
  it.each(Object.entries(WAYS))("restores what was there: %s", async (_name, { shows, lead }) => {
    const b = await lead();
    expect(b.records()).toMatchObject([shows]);
    expect(b.world.labelsOf("web-1")).not.toEqual(BEFORE);
    const { id } = only(b);
    expect(await revert(b.engine, id, ANN)).toMatchObject({ state: "reverted", revertedBy: ANN });
    expect(b.world.labelsOf("web-1")).toEqual(BEFORE);
    const writes = b.world.effects.length;
    expect(await revert(b.engine, id, ANN)).toMatchObject({ state: "reverted" });
    expect(b.world.effects).toHaveLength(writes);
    expect(b.broken()).toEqual([]);
  });

  it("is refused for what failed before its first write", async () => {
    const b = bench();
    b.world.before = (call) =>
      call.startsWith("label")
        ? Promise.reject(new Permanent("403 Forbidden", "Grant it."))
        : Promise.resolve();
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "failed" }]);
    await expect(revert(b.engine, only(b).id, ANN)).rejects.toThrow(Refused);
  });
});

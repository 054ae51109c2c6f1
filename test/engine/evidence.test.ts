import { describe, expect, it } from "vitest";
import { listRemediations } from "../../src/engine/list-remediations.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Permanent, Retryable } from "../../src/model/errors.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import { parseConfiguration } from "../../src/rules/index.ts";
import { alert, type Bench, bench } from "./harness.ts";
import { quarantine } from "./quarantine.ts";
import { CLUSTER } from "./world.ts";

const POD = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;

/** A containment that destroys evidence, listed first, and what keeps the evidence of the same pod. */
function evidenceBench(store: () => Promise<void>, rule = "", playbooks = "wipe }, { name: keep"): Bench {
  const wipe: AnyPlaybook = { ...quarantine, name: "wipe", destroysEvidence: true };
  const keep: AnyPlaybook = {
    ...quarantine,
    name: "keep",
    kind: "evidence",
    async plan({ target }, { read }) {
      const pod = target.kind === "pod" ? await read.kubernetes(CLUSTER).pod("shop", target.name) : null;
      const draft = { identity: pod?.uid ?? "", steps: [], impact: "nothing", limits: [], data: null };
      return { outcome: "change", draft };
    },
    apply: store,
    verify: () => Promise.resolve({ verdict: "holds", proof: "proved" }),
    revert: () => Promise.resolve({ outcome: "restored" }),
  };
  const text = `
mode: enforce
clusters: [ { name: prod, id: ${CLUSTER}, connect: { kubeconfig: none } } ]
rules:
  - name: r
    when: { kind: alert }
    playbooks: [ { name: ${playbooks} } ]
    mode: enforce
    ${rule}
`;
  const parsed = parseConfiguration(text, "test.yaml", [wipe, keep]);
  if ("errors" in parsed) throw new Error(JSON.stringify(parsed.errors));
  const made = bench({
    configuration: parsed.configuration,
    engine: { playbooks: new Map([wipe, keep].map((one) => [one.name, one])) },
  });
  return made;
}

/** What the two came to. */
function states(b: Bench): Record<string, string> {
  return Object.fromEntries(b.records().map(({ playbook, state }) => [playbook, state]));
}

async function sweeps(b: Bench, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    b.clock.pass(400_000);
    await sweep(b.engine);
  }
}

describe("evidence and what destroys it", () => {
  it("comes first: what destroys it waits until the evidence of the same signal is stored", async () => {
    let stored = false;
    const b = evidenceBench(() => {
      if (stored) return Promise.resolve();
      return Promise.reject(new Retryable("the blob store is slow", "Wait.", { retryAfterMs: 1_000 }));
    });
    await b.ingest(alert());
    expect(b.world.effects).toEqual([]);
    stored = true;
    await sweeps(b, 2);
    expect(states(b)).toEqual({ wipe: "in-force", keep: "done" });
    expect(b.world.effects).toHaveLength(1);
    expect(b.broken()).toEqual([]);
  });

  it.each([
    ["could not be stored", new Permanent("forbidden", "Grant it.")],
    ["is still not stored after the last attempt", new Retryable("slow", "Wait.", { retryAfterMs: 1_000 })],
  ])("asks a person where the evidence %s", async (_what, fault) => {
    const b = evidenceBench(() => Promise.reject(fault));
    await b.ingest(alert());
    await sweeps(b, 10);
    expect(b.records().find(({ playbook }) => playbook === "wipe")).toMatchObject({
      state: "awaiting-approval",
      mode: "approve",
      reason: expect.stringContaining("evidence"),
    });
    expect(b.world.effects).toEqual([]);
    expect(b.broken()).toEqual([]);
  });

  it("is not waited for where the rule keeps none", async () => {
    const b = evidenceBench(() => Promise.reject(new Error("not asked")), "", "wipe");
    await b.ingest(alert());
    expect(states(b)).toEqual({ wipe: "in-force" });
  });

  it("has a row beside its target's, so that slow evidence holds up no containment, and both are listed", async () => {
    const b = evidenceBench(() => Promise.resolve());
    await b.ingest(alert());
    await sweeps(b, 1);
    expect(states(b)).toEqual({ wipe: "in-force", keep: "done" });
    const locks = b.table.snapshot().filter(({ key }) => key.startsWith("t!"));
    expect(locks).toHaveLength(2);
    const { remediations } = await listRemediations(b.table, { limit: 10, target: POD });
    expect(remediations.map(({ playbook }) => playbook).toSorted()).toEqual(["keep", "wipe"]);
  });
});

import { describe, expect, it } from "vitest";
import { revert } from "../../src/engine/revert.ts";
import type { KubernetesReader } from "../../src/model/kubernetes-port.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { alert, type Bench, bench, configuration, notice } from "./harness.ts";
import { sweepAfter } from "./processes.ts";
import { labelling, quarantine } from "./quarantine.ts";

const ANN = { who: "ann", id: "t/ann", why: "a drill" };
/** Another field of the same pod, and a second playbook for the field of the first. */
const tag = labelling("tag", "tag");
const rival: AnyPlaybook = blind(labelling("rival", "quarantine"));

/** Its plan does not see the label of the first, so that not its own look but the holder is what stops it. */
function blind(playbook: AnyPlaybook): AnyPlaybook {
  return {
    ...playbook,
    plan: (input, { read }) => {
      const kubernetes = (cluster: string): KubernetesReader => ({
        ...read.kubernetes(cluster),
        pod: async (...named) => {
          const pod = await read.kubernetes(cluster).pod(...named);
          return pod === null ? null : { ...pod, labels: { app: "web" } };
        },
      });
      return playbook.plan(input, { read: { kubernetes } });
    },
  };
}

/** A bench whose rule wants two playbooks of one pod. */
function twoPlaybooks(second: "tag" | "rival"): Bench {
  const rules = configuration(
    "enforce",
    (text) => text.replace("ttl: 8h }", `ttl: 8h }, { name: ${second}, ttl: 8h }`),
    [tag, rival],
  );
  const playbooks = new Map([quarantine, notice, tag, rival].map((one) => [one.name, one]));
  return bench({ configuration: rules, engine: { playbooks } });
}

function recordOf(b: Bench, playbook: string): Remediation {
  const record = b.records().find((one) => one.playbook === playbook);
  if (record === undefined) throw new Error(`no record of ${playbook}`);
  return record;
}

describe("two playbooks on one target", () => {
  it.each([
    ["the first first", ["quarantine", "tag"]],
    ["the second first", ["tag", "quarantine"]],
  ])("are both in force, and restore everything when they are reverted, %s", async (_name, order) => {
    const b = twoPlaybooks("tag");
    await b.ingest(alert());
    await sweepAfter(b, 1);
    expect(b.records().map(({ state }) => state)).toEqual(["in-force", "in-force"]);
    for (const playbook of order) {
      await revert(b.engine, recordOf(b, playbook).id, ANN);
      expect(recordOf(b, playbook)).toMatchObject({ state: "reverted" });
      expect(b.world.labelsOf("web-1")).not.toHaveProperty(playbook);
    }
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
    expect(b.broken()).toEqual([]);
  });

  it("have one holder for one field: the second ends skipped and names the first", async () => {
    const b = twoPlaybooks("rival");
    await b.ingest(alert());
    await sweepAfter(b, 1);
    const [holder, second] = [recordOf(b, "quarantine"), recordOf(b, "rival")];
    expect(second).toMatchObject({ state: "skipped" });
    expect(second.reason).toBe(`remediation ${holder.id} (quarantine) already holds what it would touch`);
    expect(b.world.effects).toHaveLength(1);
  });

  it("do not begin the skipped one again with every alert while the field is held", async () => {
    const b = twoPlaybooks("rival");
    await b.ingest(alert({ id: "a-1" }));
    await b.ingest(alert({ id: "a-2" }));
    await b.ingest(alert({ id: "a-3" }));
    await b.ingest(alert({ id: "a-4" }));
    expect(b.records().filter(({ playbook }) => playbook === "rival").length).toBeLessThanOrEqual(2);
    expect(b.world.effects).toHaveLength(1);
  });

  it("let the second have the field once the first has given it back", async () => {
    const b = twoPlaybooks("rival");
    await b.ingest(alert({ id: "a-1" }));
    await revert(b.engine, recordOf(b, "quarantine").id, ANN);
    await b.ingest(alert({ id: "a-2" }));
    await sweepAfter(b, 1);
    const rivals = b.records().filter(({ playbook }) => playbook === "rival");
    expect(rivals.map(({ state }) => state)).toContain("in-force");
    expect(b.broken()).toEqual([]);
  });

  it("that wait for the lease of the first are driven when it is let go", async () => {
    const b = twoPlaybooks("tag");
    await b.ingest(alert());
    expect(b.records().map(({ state }) => state)).toEqual(["in-force", "in-force"]);
    expect(b.world.effects).toHaveLength(2);
  });
});

import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { runManually } from "../../src/engine/manual-run.ts";
import type { Mode } from "../../src/model/mode.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { bench, countingRandomness } from "../engine/harness.ts";
import { evidenceOf, portsOf } from "../playbooks/cluster-objects.ts";
import { startCluster } from "../playbooks/start-cluster.ts";
import { type Scenario, scenarios } from "./playbook-scenarios.ts";

/** The cluster of a scenario, with nothing asked of it yet. */
async function clusterOf({ objects }: Scenario): Promise<KubernetesStandIn> {
  const { cluster, ports } = await startCluster(objects);
  // The time limit of planning is a real one: what is loaded with its first use is loaded here.
  await ports.read.kubernetes("").namespace("default");
  cluster.clear();
  return cluster;
}

/** One run of a scenario's playbook in a mode, by an engine that knows nothing of any run before. */
async function run(
  { playbook, target, parameters }: Scenario,
  cluster: KubernetesStandIn,
  mode: Mode,
  seed: number,
): Promise<Remediation> {
  const { engine } = bench({
    engine: {
      ports: portsOf(cluster),
      playbooks: new Map(playbooks.map((one) => [one.name, one])),
      // Another id than in the other mode: a plan must not depend on it.
      randomness: countingRandomness(seed),
    },
  });
  const record = await runManually(engine, {
    playbook,
    target,
    parameters: Object(parameters),
    mode,
    ttlMs: null,
    notify: ["security"],
    by: { who: "ann", id: "t/ann", why: "a look" },
    idempotencyKey: "k",
  });
  return record;
}

describe.each(scenarios.map((scenario) => ({ scenario, name: `${scenario.playbook}: ${scenario.name}` })))(
  "$name",
  ({ scenario }) => {
    it("plans the same whether it observes or enforces", async () => {
      const cluster = await clusterOf(scenario);
      const seen = await run(scenario, cluster, "observe", 1);
      const done = await run(scenario, cluster, "enforce", 7);
      expect(seen.id).not.toBe(done.id);
      expect(seen.planHash).toBe(done.planHash);
      expect(seen.planHash === null).toBe(scenario.playbook === "notify");
    });

    it("writes nothing outside of its own tables and channels when it observes", async () => {
      const cluster = await clusterOf(scenario);
      const record = await run(scenario, cluster, "observe", 3);
      expect(record.state).toBe(scenario.playbook === "notify" ? "done" : "observed");
      expect(cluster.requests.length > 0).toBe(scenario.playbook !== "notify");
      expect(cluster.requests.filter(({ method }) => method !== "GET")).toEqual([]);
      expect(cluster.effects).toEqual([]);
      expect(evidenceOf(cluster).files.size).toBe(0);
    });
  },
);

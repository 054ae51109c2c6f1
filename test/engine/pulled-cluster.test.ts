import { describe, expect, it } from "vitest";
import { startKubernetes } from "../../local/kubernetes/index.ts";
import { runManually } from "../../src/engine/manual-run.ts";
import { revert } from "../../src/engine/revert.ts";
import { type FluxBench, fluxBenches } from "../clients/flux/flux-bench.ts";
import { scenarios } from "../contract/playbook-scenarios.ts";
import { evidenceOf } from "../playbooks/cluster-objects.ts";
import { alert, type Bench } from "./harness.ts";
import { sweepAfter } from "./processes.ts";
import { BY_FLUX, productBench } from "./product-bench.ts";
import { CLUSTER } from "./world.ts";

const KEY = "evil.example_S_miner_T_1";

const openFlux = fluxBenches("engine");

/** An engine whose one cluster fetches from a container; its first rule has these playbooks. */
async function pulled(rule: string, mode = "enforce"): Promise<Bench & { readonly flux: FluxBench }> {
  const flux = await openFlux({ id: CLUSTER, aliases: [] });
  const b = productBench(flux.app(), { rule, mode, connect: BY_FLUX });
  return { ...b, flux };
}

const states = (b: Bench) => Object.fromEntries(b.records().map(({ playbook, state }) => [playbook, state]));
const mined = () => alert({ image: "evil.example/miner:1" });

describe("a cluster that Flux reaches alone", () => {
  it("has the image of an alert blocked, which is declared with what Flux says, and given back", async () => {
    const b = await pulled("{ name: block-image, ttl: 8h }");
    await b.ingest(mined());
    const [record] = b.records();
    expect(record).toMatchObject({
      state: "in-force",
      proof: "declared",
      target: { kind: "image", reference: "evil.example/miner:1", digest: null },
      reason: expect.stringMatching(/^in force \(declared\): laid out .* every 60 s; .* Compliant/),
    });
    expect(await b.flux.text()).toContain(KEY);
    await revert(b.engine, record?.id ?? "", { who: "ann", id: "t/ann", why: "a drill" });
    expect(states(b)).toEqual({ "block-image": "reverted" });
    expect(await b.flux.text()).not.toContain(KEY);
    expect(b.broken()).toEqual([]);
  });

  it("is written nothing for what is only observed", async () => {
    const b = await pulled("{ name: block-image, ttl: 8h }", "observe");
    await b.ingest(mined());
    expect(states(b)).toEqual({ "block-image": "observed" });
    expect(b.flux.requests).toEqual(["GET 404"]);
  });

  it.each(["isolate-pod", "scale-to-zero", "cordon-node"])(
    "has %s refused by reason, and the next rung goes on",
    async (name) => {
      const b = await pulled(`{ name: ${name}, rungs: [ { name: block-image, ttl: 2h } ] }`);
      await b.ingest(mined());
      await sweepAfter(b, 1, 1);
      expect(states(b)).toEqual({ [name]: "refused", "block-image": "in-force" });
      const below = b.records().find(({ playbook }) => playbook === name);
      expect(below?.reason).toMatch(
        /^Cluster edge is reached by Flux alone: nothing can be read there\. Give/,
      );
      expect(await b.flux.text()).toContain(KEY);
      expect(b.broken()).toEqual([]);
    },
  );

  it("is refused a block, and nothing is written, where its Flux does not fetch from there", async () => {
    const b = await pulled("{ name: block-image, ttl: 8h }");
    b.flux.show({ suspend: true });
    await b.ingest(mined());
    expect(b.records()).toMatchObject([
      { state: "refused", reason: expect.stringContaining("reflex is suspended") },
    ]);
    expect(b.flux.requests).toEqual([]);
  });

  it("ends a block as failed where the app may not write there", async () => {
    const b = await pulled("{ name: block-image, ttl: 8h }");
    b.flux.mishaps.push({ method: "PUT", status: 403 });
    await b.ingest(mined());
    expect(b.records()).toMatchObject([{ state: "failed", reason: expect.stringContaining("403") }]);
    expect(b.flux.requests.filter((one) => one.startsWith("PUT"))).toEqual(["PUT 403"]);
  });

  const others = scenarios.filter(({ playbook }) => playbook !== "block-image" && playbook !== "notify");
  it.each(others.map((scenario) => ({ scenario, what: `${scenario.playbook}: ${scenario.name}` })))(
    "has $what refused when it is planned",
    async ({ scenario: { playbook, target, parameters } }) => {
      const b = await pulled("{ name: block-image, ttl: 8h }");
      const cluster = await startKubernetes();
      const evidence = evidenceOf(cluster);
      await cluster.close();
      const { read, write } = b.engine.ports;
      const record = await runManually(
        { ...b.engine, ports: { read: { ...read, evidence }, write: { ...write, evidence } } },
        {
          playbook,
          target: { ...target, ...("cluster" in target ? { cluster: CLUSTER } : {}) },
          parameters: Object(parameters),
          mode: "enforce",
          ttlMs: null,
          notify: ["security"],
          by: { who: "ann", id: "t/ann", why: "a look" },
          idempotencyKey: "k",
        },
      );
      expect(record).toMatchObject({
        state: "refused",
        reason: expect.stringContaining("reached by Flux alone"),
      });
      expect([b.flux.requests, evidence.files.size]).toEqual([[], 0]);
    },
  );
});

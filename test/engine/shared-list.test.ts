import { describe, expect, it } from "vitest";
import { revert } from "../../src/engine/revert.ts";
import { fluxBenches } from "../clients/flux/flux-bench.ts";
import { blockListObjects } from "../playbooks/cluster-objects.ts";
import { startCluster } from "../playbooks/start-cluster.ts";
import { alert, type Bench } from "./harness.ts";
import { BY_FLUX, productBench } from "./product-bench.ts";
import { CLUSTER } from "./world.ts";

const IMAGES = 48;
const ANN = { who: "ann", id: "t/ann", why: "a drill" };
const rule = "{ name: block-image, ttl: 8h }";
const openFlux = fluxBenches("wave");

async function overAndBack(b: Bench): Promise<void> {
  const images = Array.from({ length: IMAGES }, (_none, at) =>
    alert({ id: `a-${at}`, pod: `p-${at}`, image: `evil.example/miner-${at}:1` }),
  );
  await b.ingest(...images);
  expect(b.records()).toHaveLength(IMAGES);
  expect(b.records().filter(({ state }) => state !== "in-force")).toEqual([]);
  await Promise.all(b.records().map(({ id }) => revert(b.engine, id, ANN)));
  expect(b.records().filter(({ state }) => state !== "reverted")).toEqual([]);
  expect(b.broken()).toEqual([]);
}

// Rivals of one list once sent each other back until the last had failed, and their rule was tripped.
describe("a wave of images, each an entry of one list", () => {
  it("is blocked whole, and given back whole, in a cluster", async () => {
    const { ports } = await startCluster(blockListObjects(), { controllers: false });
    await overAndBack(productBench(ports, { rule }));
    expect((await ports.read.kubernetes(CLUSTER).blockList())?.entries).toEqual({});
  });

  it("is blocked whole, and given back whole, in a list that Flux fetches", async () => {
    const flux = await openFlux({ id: CLUSTER, aliases: [] });
    await overAndBack(productBench(flux.app(), { rule, connect: BY_FLUX }));
    expect(await flux.text()).not.toContain("evil.example");
  });
});

import { describe, expect, it } from "vitest";
import { byCluster } from "../../src/engine/by-cluster.ts";
import { alert, bench, configuration } from "./harness.ts";
import { CLUSTER, World } from "./world.ts";

const SILENT = `${CLUSTER}-silent`;

describe("a batch with a storm about a cluster that does not answer", () => {
  it("contains all else before it gives up on the first of it, though the storm came first", async () => {
    const world = new World();
    const { read, write } = world.ports();
    const silent = new Proxy(read.kubernetes(CLUSTER), { get: () => () => new Promise(() => undefined) });
    const b = bench({
      configuration: configuration("enforce", (text) =>
        text.replace(
          "channels:",
          `  - { name: silent, id: ${SILENT}, connect: { kubeconfig: none } }\nchannels:`,
        ),
      ),
      engine: {
        ports: { read: { kubernetes: (id) => (id === SILENT ? silent : read.kubernetes(id)) }, write },
      },
    });
    const givenUp: number[] = [];
    world.before = async () => {
      givenUp.push(b.records().filter(({ state }) => state === "pending").length);
    };
    const storm = Array.from({ length: 20 }, (_none, n) =>
      alert({ id: `s-${n}`, pod: `p-${n}`, cluster: SILENT }),
    );
    const others = Array.from({ length: 12 }, (_none, n) => {
      world.addPod(`web-${n}`);
      return alert({ id: `a-${n}`, pod: `web-${n}` });
    });
    await b.ingest(...storm, ...others);
    expect(b.records().filter(({ state }) => state === "in-force")).toHaveLength(12);
    expect(b.records().filter(({ state }) => state === "pending")).toHaveLength(20);
    expect(world.effects.length).toBeGreaterThanOrEqual(12);
    expect(new Set(givenUp)).toEqual(new Set([0]));
  });
});

describe("work that is shared out by cluster", () => {
  it("gives each no more than two places while others wait, in any casing of its id, and idle ones to anybody", async () => {
    const items = ["a", "A", "a", "a", "b", "b", "b", "", "", ""];
    const running: string[] = [];
    const waiting: (() => void)[] = [];
    const done = byCluster(
      6,
      [...items.entries()],
      ([, cluster]) => cluster,
      async ([, cluster]) => {
        running.push(cluster);
        await new Promise<void>((go) => waiting.push(go));
      },
    );
    expect(running).toEqual(["a", "A", "b", "b", "", ""]);
    while (running.length < items.length || waiting.length > 0) {
      waiting.shift()?.();
      await new Promise(setImmediate);
    }
    await done;
    expect(running.toSorted()).toEqual(items.toSorted());
    const alone: number[] = [];
    const all = byCluster(
      3,
      [1, 2, 3],
      () => "a",
      async (n) => {
        alone.push(n);
        await new Promise(setImmediate);
      },
    );
    expect(alone).toEqual([1, 2, 3]);
    await all;
  });
});

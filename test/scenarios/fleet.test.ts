import { afterEach, describe, expect, it } from "vitest";
import { startKubernetes } from "../../local/kubernetes/index.ts";
import type { ClusterMeans } from "../../src/clients/clusters.ts";
import { openClusters } from "../../src/clients/clusters.ts";
import type { KubernetesWriter } from "../../src/model/kubernetes-port.ts";
import type { WritePorts } from "../../src/model/playbook.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { countedPort } from "../clients/aks/aks-bench.ts";
import { PLAIN_MEANS } from "../clients/plain-means.ts";
import { alert, type Bench, bench, configuration, notice, recordsOf } from "../engine/harness.ts";
import { CLUSTER } from "../engine/world.ts";
import { pod } from "../playbooks/cluster-objects.ts";

const FLEET = 40;
/** Every eighth cluster, five in all, is out of reach: two never answer, two have nobody who listens, one has no name. */
const isAway = (index: number): boolean => index % 8 === 0;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Of these the two that take connections and never answer. */
const SILENT = [0, 16];

const indexes = Array.from({ length: FLEET }, (_none, index) => index);
const here = indexes.filter((index) => !isAway(index));
const away = indexes.filter(isAway);

const idOf = (index: number): string => `${CLUSTER}-${index}`;
const podOf = (index: number): string => `web-${index}`;

/** A pod that took its label, and how many records of the clusters that never answer were there by then. */
interface Isolated {
  readonly name: string;
  readonly givenUp: number;
}

/** Forty clusters with the real clients before them, and the real engine with `isolate-pod` behind. */
async function fleet(): Promise<Bench & { ports: WritePorts; connections(): number; isolated: Isolated[] }> {
  const kubernetes = await startKubernetes({ controllers: false });
  closers.push(() => kubernetes.close());
  kubernetes.seed(
    Array.from({ length: FLEET }, (_none, index) =>
      pod(podOf(index), { metadata: { creationTimestamp: "2026-03-01T00:00:00Z" } }),
    ),
  );
  const silent = await countedPort(null);
  const gone = await countedPort(null);
  await gone.close();
  closers.push(() => silent.close());
  const nowhere = [silent.port, gone.port].map((port) => `https://127.0.0.1:${port}`);
  const servers = [...nowhere, ...nowhere, "https://api.nowhere.invalid:6443"];
  const serverOf = (index: number): string => (isAway(index) ? (servers[index / 8] ?? "") : kubernetes.url);
  const clusters = Array.from(
    { length: FLEET },
    (_none, index) =>
      `  - { name: c-${index}, id: ${idOf(index)}, connect: { token: { server: "${serverOf(index)}", tokenSetting: TOKEN } } }\n`,
  );
  const settings = configuration(
    "enforce",
    (text) =>
      text
        .replace(/ {2}- \{ name: prod.*\n/, clusters.join(""))
        .replace("name: quarantine", "name: isolate-pod"),
    [isolatePod],
  );
  const unasked = () => Promise.reject(new Error("Azure is not to be asked"));
  const nobody = { getToken: () => Promise.resolve(null) };
  const means: Omit<ClusterMeans, "clock"> = {
    ...PLAIN_MEANS,
    arm: { get: unasked, post: unasked, begin: unasked, progress: unasked },
    credential: nobody,
    setting: () => "stand-in-token",
    allowLoopback: true,
  };
  const clock = { now: () => new Date("2026-03-02T08:00:00.000Z") };
  const isolated: Isolated[] = [];
  const ports = openClusters(settings.clusters, { ...means, clock });
  const playbooks = new Map([isolatePod, notice].map((one) => [one.name, one]));
  const b = bench({
    configuration: settings,
    engine: {
      playbooks,
      ports: told(ports, (name) =>
        isolated.push({ name, givenUp: recordsOf(b.table).filter(isSilent).length }),
      ),
    },
  });
  // Loading the client and new connections take long on a busy machine, and are not what is asked here.
  for (const index of here) await ports.read.kubernetes(idOf(index)).pod("shop", podOf(index));
  return { ...b, ports, isolated, connections: () => silent.connections };
}

/** A record that waits for a cluster that takes connections and never answers. */
function isSilent({ target }: Remediation): boolean {
  return "cluster" in target && SILENT.some((index) => target.cluster === idOf(index));
}

/** The ports, with a word for every pod that took its label. */
function told({ read, write }: WritePorts, say: (name: string) => void): WritePorts {
  const kubernetes = (cluster: string): KubernetesWriter => {
    const writer = write.kubernetes(cluster);
    const labelPod: KubernetesWriter["labelPod"] = async (namespace, name, ...more) => {
      const labelled = await writer.labelPod(namespace, name, ...more);
      say(name);
      return labelled;
    };
    return { ...writer, labelPod };
  };
  return { read, write: { kubernetes } };
}

describe("a fleet of forty clusters, five of them out of reach", () => {
  it("contains every alert of the others, and begins with them before it gives up on the five, in a storm of these", async () => {
    const b = await fleet();
    // Forty alerts of the five come first, more than are handled at a time.
    const storm = away.flatMap((index) =>
      [1, 2, 3, 4, 5, 6, 7, 8].map((n) =>
        alert({ id: `s-${index}-${n}`, cluster: idOf(index), pod: `p-${n}` }),
      ),
    );
    const others = here.map((index) => alert({ id: `a-${index}`, cluster: idOf(index), pod: podOf(index) }));
    const counts = await b.ingest(...storm, ...others);
    expect(counts).toMatchObject({ events: 75, recorded: 75, parked: 0, unmatched: 0 });
    expect(b.isolated.map(({ name }) => name).sort()).toEqual(here.map(podOf).sort());
    // Sixteen places, sixteen alerts of clusters that never answer before them: all would be given up by then.
    expect(b.isolated[0]).toMatchObject({ givenUp: 0 });
    expect(b.records().filter(({ state }) => state === "in-force")).toHaveLength(35);
    expect(b.records().filter(({ state }) => state === "pending")).toHaveLength(40);
    expect(b.broken()).toEqual([]);

    // From now on nobody waits for the five: they are told apart by what is remembered of each.
    await Promise.allSettled(away.map((index) => b.ports.read.kubernetes(idOf(index)).pod("shop", "p-9")));
    const tried = b.connections();
    const again = away.map((index) => alert({ id: `t-${index}`, cluster: idOf(index), pod: "p-9" }));
    await b.ingest(...again);
    expect(b.connections()).toBe(tried);
    expect(b.records().filter(({ state }) => state === "pending")).toHaveLength(45);
  });
});

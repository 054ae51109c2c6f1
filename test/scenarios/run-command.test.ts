import { existsSync } from "node:fs";
import { afterEach, expect, it } from "vitest";
import { revert } from "../../src/engine/revert.ts";
import { slowSweep } from "../../src/engine/slow-sweep.ts";
import { blockImage } from "../../src/playbooks/block-image.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { aksId } from "../clients/aks/aks-bench.ts";
import { type RunCommandBench, runCommandBench } from "../clients/run-command/run-command-bench.ts";
import { ANN, latest } from "../engine/deciding.ts";
import { alert, type Bench, bench, configuration, notice } from "../engine/harness.ts";
import { blockListObjects, pod } from "../playbooks/cluster-objects.ts";

const KUBECTL = "/usr/bin/kubectl";
const kubectls = [
  ["the stand-in of kubectl", null] as const,
  ...(existsSync(KUBECTL) ? [["kubectl", KUBECTL] as const] : []),
];
if (kubectls.length === 1) console.log("Not tried with the real kubectl: it is not there.");

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The real engine before a cluster that is reached by run command alone, and pod shop/web-7 in it. */
async function privateCluster(
  playbook: typeof isolatePod | typeof blockImage,
): Promise<Bench & { cluster: RunCommandBench }> {
  const cluster = await runCommandBench({ controllers: false });
  closers.push(cluster.close);
  const metadata = { creationTimestamp: "2026-03-01T00:00:00Z" };
  cluster.kubernetes.seed([...blockListObjects(), pod("web-7", { metadata })]);
  const settings = configuration(
    "enforce",
    (text) =>
      text
        .replace("{ kubeconfig: none }", "{ runCommand: true }")
        .replace("name: quarantine", `name: ${playbook.name}`),
    [playbook],
  );
  const playbooks = new Map([playbook, notice].map((one) => [one.name, one]));
  const b = bench({ configuration: settings, engine: { playbooks, ports: cluster.ports } });
  return { ...b, cluster };
}

/** Reads and changes of the API server, without the looks that kubectl takes by itself. */
const changes = ({ cluster }: { cluster: RunCommandBench }): string[] =>
  cluster.kubernetes.requests
    .filter(({ method }) => method !== "GET")
    .map(({ method, path }) => `${method} ${path}`);

it.each(kubectls)(
  "a pod of a private cluster is isolated by run command and let go again, by %s",
  async (_name, kubectl) => {
    const b = await privateCluster(isolatePod);
    b.cluster.arm.commands.pod.kubectl = kubectl;
    await b.ingest(alert({ pod: "web-7" }));
    expect(b.cluster.commands()).toEqual([]);
    await slowSweep(b.engine);
    expect(latest(b)).toMatchObject({ state: "in-force", playbook: "isolate-pod" });
    const { id } = latest(b);
    expect(changes(b).slice(0, 2)).toEqual([
      "POST /apis/networking.k8s.io/v1/namespaces/shop/networkpolicies",
      "PATCH /api/v1/namespaces/shop/pods/web-7",
    ]);
    // The most that is asked one after another until it is contained: what a pace has to have room for.
    expect(b.cluster.commands().length).toBeLessThan(24);
    b.clock.pass(60_000);
    await revert(b.engine, id, ANN);
    await slowSweep(b.engine);
    expect(latest(b)).toMatchObject({ id, state: "reverted" });
    const found = await b.cluster.ports.read.kubernetes(aksId()).pod("shop", "web-7");
    expect(found?.labels).toEqual({ app: "web" });
    expect(b.cluster.arm.breaches).toEqual([]);
    expect(b.broken()).toEqual([]);
  },
  60_000,
);

it("an image is blocked by run command", async () => {
  const b = await privateCluster(blockImage);
  const image = `reg.example/shop/web@sha256:${"a".repeat(64)}`;
  await b.ingest(alert({ pod: "web-7", image }));
  await slowSweep(b.engine);
  expect(b.records().map(({ state, target: { kind } }) => [kind, state])).toContainEqual([
    "image",
    "in-force",
  ]);
}, 60_000);

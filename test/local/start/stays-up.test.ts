import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { EventHubProducerClient } from "@azure/event-hubs";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { startKubernetes } from "../../../local/kubernetes/index.ts";
import { openApi } from "../../../local/start/api.ts";
import { readSamples, withTimes } from "../../../local/start/samples.ts";
import { buildApp, lives, type Started, samplesOnly, soon, start, temporaryFolder } from "./start-process.ts";

beforeAll(buildApp);

const kubeconfigSchema = z.object({
  clusters: z.tuple([z.object({ cluster: z.object({ server: z.string() }) })]),
  users: z.tuple([z.object({ user: z.object({ token: z.string() }) })]),
});

/** Reads an object of the stand-in's cluster, with nothing but the kubeconfig in the state folder. */
async function readObject(state: string, path: string): Promise<unknown> {
  const { clusters, users } = kubeconfigSchema.parse(parse(readFileSync(join(state, "kubeconfig"), "utf8")));
  const response = await fetch(`${clusters[0].cluster.server}${path}`, {
    headers: { authorization: `Bearer ${users[0].user.token}` },
  });
  return response.json();
}

/** As `reflex send` does. */
async function send({ events, hub }: { events: string; hub: string }, body: string): Promise<void> {
  const producer = new EventHubProducerClient(events, hub);
  onTestFinished(() => producer.close());
  await producer.sendBatch([{ body: Buffer.from(body) }]);
}

async function payload(name: string): Promise<string> {
  const sample = readSamples(await samplesOnly(name)).at(0);
  return withTimes(sample?.text ?? "", new Date());
}

async function idsOf(address: ReturnType<Started["address"]>): Promise<string[]> {
  return (await openApi(address.url, address).newest()).map(({ id }) => id);
}

const POD = "/api/v1/namespaces/shop/pods/web-7d9c5b6f48-k2x9p";
const CACHE = "/apis/apps/v1/namespaces/shop/statefulsets/cache";
const MARK = { metadata: { labels: { "defender-reflex.dev/incident": expect.any(String) } } };

describe("npm start", () => {
  it("stays up, takes what others send, and knows everything after Ctrl-C and after a kill", async () => {
    const [state, samples] = [await temporaryFolder(), await samplesOnly("12-", "39-")];
    const args = ["--port", "0", "--state", state, "--samples", samples];
    const first = start(...args);
    await first.says("defender-reflex is up");
    // Which of the two playbooks stands first is of no matter: they began in the same moment.
    expect(first.printed()).toMatch(/12-miner +(isolate-pod|block-image) in-force/);
    expect(first.printed()).toContain("isolate-pod in-force (declared): shop/web-7d9c5b6f48-k2x9p");
    const address = first.address(state);
    await send(address, await payload("17-"));
    await first.says(/from the hub +scale-to-zero in-force \(proved\): StatefulSet shop\/cache/);

    const api = openApi(address.url, address);
    const scaled = (await api.newest()).find(({ playbook }) => playbook === "scale-to-zero");
    expect(await readObject(state, CACHE)).toMatchObject({ spec: { replicas: 0 } });
    expect(await api.revert(scaled?.id ?? "", "a test asks")).toMatchObject({ state: "reverted" });
    expect(await readObject(state, CACHE)).toMatchObject({ spec: { replicas: 2 } });
    expect((await fetch(`${address.url}/api/remediations`)).status).toBe(401);
    const known = await idsOf(address);
    expect(known).toHaveLength(4);

    let children = first.children();
    first.signal("SIGINT");
    expect(await first.ended()).toBe(0);
    expect(children).toHaveLength(2);
    expect(children.filter(lives)).toEqual([]);

    const second = start(...args);
    await second.says("defender-reflex is up");
    expect(second.printed()).toMatch(/12-miner +known already/);
    expect(await idsOf(second.address(state))).toEqual(known);
    expect(await readObject(state, POD)).toMatchObject(MARK);
    expect(await readObject(state, CACHE)).toMatchObject({ spec: { replicas: 2 } });

    children = second.children();
    second.signal("SIGKILL");
    await second.ended();
    await soon(() => expect(children.filter(lives)).toEqual([]));
    const third = start("--no-samples", "--port", "0", "--state", state);
    await third.says("defender-reflex is up");
    expect(await idsOf(third.address(state))).toEqual(known);
    expect(await readObject(state, POD)).toMatchObject(MARK);

    // The host starts an app again that has died, and so does this.
    const before = third.children();
    const [functions] = before.slice(-1);
    process.kill(functions ?? 0, "SIGKILL");
    await third.says("The functions have ended (SIGKILL) and are started again.");
    await soon(async () => expect(await idsOf(third.address(state))).toEqual(known));
  }, 100_000);

  it("only observes on a real cluster, and keeps apart what it knows of it", async () => {
    const cluster = await startKubernetes({ token: "of-a-real-cluster" });
    onTestFinished(() => cluster.close());
    const born = new Date(Date.now() - 3_600_000).toISOString();
    cluster.seed([
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "web-7d9c5b6f48-k2x9p", namespace: "shop", creationTimestamp: born },
        spec: { containers: [{ name: "web", image: "acrshop.azurecr.io/shop/web:2.3.1" }] },
      },
    ]);
    const [state, samples] = [await temporaryFolder(), await samplesOnly("12-")];
    const kubeconfig = join(samples, "kubeconfig.json");
    const config = JSON.parse(cluster.kubeconfig());
    const context = { name: "other", context: { cluster: "stand-in", user: "reflex" } };
    await writeFile(
      kubeconfig,
      JSON.stringify({ ...config, contexts: [context], "current-context": "none" }),
    );
    const started = start(
      ...["--port", "0", "--state", state, "--samples", samples],
      ...["--kubeconfig", kubeconfig, "--context", "other"],
    );
    await started.says("defender-reflex is up");

    // Which of the two playbooks stands first is of no matter: they began in the same moment.
    expect(started.printed()).toMatch(/12-miner +(isolate-pod|block-image) /);
    expect(started.printed()).toContain("isolate-pod observed: would have done: create network policy");
    expect(cluster.requests.length).toBeGreaterThan(0);
    expect(cluster.effects).toEqual([]);
    // What is known of the stand-in stays in the folder itself, and is never taken back on this cluster.
    expect(readdirSync(state).sort()).toEqual([
      expect.stringMatching(/^cluster-[0-9a-f]{12}$/),
      "local.json",
      "process-id",
    ]);
    started.signal("SIGINT");
    expect(await started.ended()).toBe(0);
  }, 60_000);
});

import { TableClient, type TableEntityResult } from "@azure/data-tables";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type ArmStandIn, startArm } from "../../local/arm/index.ts";
import { type Azurite, startAzurite } from "../../local/azurite/index.ts";
import { type EntraStandIn, startEntra } from "../../local/entra/index.ts";
import { type KubernetesStandIn, startKubernetes } from "../../local/kubernetes/index.ts";
import { startTeams, type TeamsStandIn } from "../../local/teams/index.ts";
import { ROUTES, type Route } from "../../src/functions/routes.ts";
import { unpackBytes } from "../../src/store/compressed-cells.ts";
import { alertPayload } from "./alert-payload.ts";
import { CLUSTER, type FunctionApp, layOutApp } from "./function-app.ts";
import { type RunningWorker, startWorker } from "./worker-host.ts";
import { batchInput, httpInput, tickInput } from "./worker-input.ts";
import { findWorker } from "./worker-place.ts";

const place = findWorker();
if (typeof place === "string") console.log(`The app is not run in the real worker. ${place}`);

const TABLE = "reflexworker";
const INCIDENT = "defender-reflex.dev/incident";
const remediationSchema = z.object({
  id: z.string(),
  state: z.string(),
  playbook: z.string(),
  proof: z.string().nullable(),
});
const listSchema = z.object({ remediations: z.array(remediationSchema) });
const podSchema = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()) }) });

describe.skipIf(typeof place === "string")("the built app in the real Functions worker", () => {
  const open: { stop(): Promise<unknown> }[] = [];
  let arm: ArmStandIn;
  let azurite: Azurite;
  let entra: EntraStandIn;
  let kubernetes: KubernetesStandIn;
  let teams: TeamsStandIn;
  let worker: RunningWorker;

  beforeAll(async () => {
    arm = await startArm();
    open.push(arm);
    azurite = await startAzurite();
    open.push(azurite);
    entra = await startEntra();
    open.push(entra);
    kubernetes = await startKubernetes();
    open.push({ stop: () => kubernetes.close() });
    teams = await startTeams();
    open.push(teams);
    kubernetes.seed([pod()]);
    worker = await startWorker(found(), (await app()).folder, settings());
    open.push(worker);
    const { workerVersion, runtimeVersion } = worker.metadata;
    console.log(
      `Worker ${workerVersion} on Node ${runtimeVersion} had the app ready after ${Math.round(worker.startMs)} ms.`,
    );
  });

  afterAll(async () => {
    for (const one of open.reverse()) await one.stop();
  });

  it("is indexed with exactly its functions and their bindings", () => {
    const routes: [string, Route][] = Object.entries(ROUTES);
    const triggers = Object.entries(worker.functions).map(([name, { bindings }]) => [
      name,
      bindings.find((binding) => String(binding["type"]).endsWith("Trigger")),
    ]);
    const http = { type: "httpTrigger", direction: "in", authLevel: "function" };
    expect(Object.fromEntries(triggers)).toMatchObject({
      alerts: {
        type: "eventHubTrigger",
        direction: "in",
        connection: "REFLEX_EVENTS",
        eventHubName: "%REFLEX_EVENTS_HUB%",
        consumerGroup: "$Default",
        cardinality: "many",
        dataType: "binary",
      },
      sweep: { type: "timerTrigger", direction: "in", schedule: "*/30 * * * * *" },
      ...Object.fromEntries(
        routes.map(([name, { method, route }]) => [name, { ...http, methods: [method], route }]),
      ),
    });
    expect(triggers).toHaveLength(routes.length + 2);
  });

  it("asks the host to repeat a batch without end, with growing pauses", () => {
    expect(worker.functions["alerts"]?.retry).toMatchObject({
      retryStrategy: "exponential_backoff",
      maxRetryCount: -1,
      minimumInterval: { seconds: 2 },
      maximumInterval: { seconds: 300 },
    });
  });

  it("takes bytes, acts once, parks every rubbish event and leaves the rest", async () => {
    const miner = alertPayload("2520000000000000001_a", "K8S.NODE_CryptoCoinMinerExecution");
    arm.documents.learn(miner);
    const rubbish = [Uint8Array.of(0xff, 0x00, 0xc3, 0x28), new TextEncoder().encode("{ no JSON")];
    const unmatched = alertPayload("2520000000000000001_b", "VM_SuspectActivity");
    const batch = batchInput([miner, ...rubbish, miner, unmatched], 2 ** 40 + 7);

    const first = await worker.invoke("alerts", batch);
    expect(first).toMatchObject({ status: "Success" });
    const again = await worker.invoke("alerts", batch);
    expect(again).toMatchObject({ status: "Success" });
    const counts = { events: 5, records: 5, parked: 2, unmatched: 1 };
    await expect
      .poll(() => logged("batch"), { timeout: 10_000 })
      .toEqual([
        { ...counts, recorded: 2, joined: 0 },
        { ...counts, recorded: 0, joined: 2 },
      ]);

    const records = (await rows()).filter(({ rowKey }) => rowKey?.startsWith("r!"));
    expect(records.map(({ state, playbook }) => ({ state, playbook }))).toEqual([
      { state: "in-force", playbook: "isolate-pod" },
    ]);
    // Each has a note by which it is listed, and its bytes.
    const ofParked = (await rows()).filter(({ partitionKey }) => partitionKey === "parked");
    const parked = ofParked.filter(({ rowKey }) => rowKey?.startsWith("!") === false);
    expect(ofParked).toHaveLength(2 * parked.length);
    const bytes = parked.map(({ b0 }) => [...unpackBytes({ b0: z.instanceof(Uint8Array).parse(b0) })]);
    expect(bytes).toEqual(rubbish.map((one) => [...one]));
    expect(parked.map(({ rowKey }) => rowKey?.split("!").slice(0, 2))).toEqual([
      ["3", "00000001099511627784"],
      ["3", "00000001099511627785"],
    ]);
  });

  it("has isolated the pod, as the cluster itself says", async () => {
    const id = await onlyId();
    expect(podSchema.parse(await ask("/api/v1/namespaces/shop/pods/web-1")).metadata.labels[INCIDENT]).toBe(
      id,
    );
    const policies = await ask("/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies");
    expect(policies).toMatchObject({
      items: [{ spec: { podSelector: { matchLabels: { [INCIDENT]: id } } } }],
    });
  });

  it("has told the channel", () => {
    expect(teams.refused).toEqual([]);
    expect(JSON.stringify(teams.messages)).toContain("web-1");
  });

  it("answers requests with a list, a history, its health and problem details", async () => {
    const id = await onlyId();
    const shown = await get("show", `/api/remediations/${id}`, { id });
    expect(shown).toMatchObject({ status: 200, body: { remediation: { id, state: "in-force" }, plan: {} } });
    expect(await get("health", "/api/health")).toMatchObject({
      status: 200,
      body: { status: "ok", ceiling: "enforce", clusters: [{ name: "shop" }] },
    });
    const { http } = await worker.invoke("list", httpInput("GET", "/api/remediations"));
    expect(http).toMatchObject({ status: 401, headers: { "www-authenticate": "Bearer" } });
    expect(await get("list", "/api/remediations?colour=red")).toMatchObject({
      status: 400,
      type: "application/problem+json",
      body: { status: 400 },
    });
  });

  it("sweeps without a fault", async () => {
    expect(await worker.invoke("sweep", tickInput())).toMatchObject({ status: "Success" });
    const turns = (await rows())
      .filter(({ partitionKey }) => partitionKey === "control")
      .map(({ rowKey }) => rowKey);
    expect(turns).toEqual(expect.arrayContaining(["turn-daily", "turn-hourly"]));
    await expect.poll(() => logged("sweep"), { timeout: 10_000 }).toEqual([{ driven: 0, sent: 0, left: 0 }]);
    expect(worker.stdout.join("")).not.toMatch(/"level":"error"|test mode/);
  });

  it("runs a playbook for a person, who sees what it would do", async () => {
    const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-2" };
    kubernetes.seed([pod("web-2")]);
    const run = { target, reason: "a drill" };
    const content = { token: await entra.token(), params: { name: "isolate-pod" }, body: run };
    const asked = httpInput("POST", "/api/playbooks/isolate-pod/runs", content);
    const { http } = await worker.invoke("run", asked);
    expect(http?.status).toBe(202);
    expect(JSON.parse(http?.body ?? "")).toMatchObject({ state: "observed", target });
    expect(http?.headers["location"]).toMatch(/^\/api\/remediations\/[0-9a-f]{22}$/);
  });

  it("takes the isolation back when a person asks", async () => {
    const id = await onlyId();
    const content = { token: await entra.token(), params: { id }, body: { reason: "a drill" } };
    const { http } = await worker.invoke(
      "revert",
      httpInput("POST", `/api/remediations/${id}/revert`, content),
    );
    expect(http?.status).toBe(200);
    expect(remediationSchema.parse(JSON.parse(http?.body ?? ""))).toMatchObject({ id, state: "reverted" });
    const { labels } = podSchema.parse(await ask("/api/v1/namespaces/shop/pods/web-1")).metadata;
    expect(labels).toEqual({ app: "web" });
    expect(await ask("/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies")).toMatchObject({
      items: [],
    });
  });

  it("does not start with a wrong configuration, and says the line", async () => {
    const wrong = await app((text) => text.replace("isolate-pod", "isolate-pot"));
    await expect(startWorker(found(), wrong.folder, settings())).rejects.toThrow(
      /reflex\.yaml:11:.*isolate-pot/,
    );
  });

  async function app(configure?: (text: string) => string): Promise<FunctionApp> {
    const laidOut = await layOutApp(kubernetes.kubeconfig(), configure);
    open.push({ stop: laidOut.remove });
    return laidOut;
  }

  function settings(): Record<string, string> {
    return {
      REFLEX_STATE: azurite.connectionString,
      REFLEX_STATE_TABLE: TABLE,
      REFLEX_TEAMS_URL: teams.webhookUrl,
      ...entra.settings,
      ...arm.settings,
    };
  }

  /** The facts of every line of one event that the app has written for its log; lines come after answers. */
  function logged(event: string): unknown[] {
    const lines = worker.stdout.join("").split("\n");
    return lines.filter((line) => line.includes(`"event":"${event}"`)).map((line) => JSON.parse(line).facts);
  }

  async function rows() {
    const client = TableClient.fromConnectionString(azurite.connectionString, TABLE, {
      allowInsecureConnection: true,
    });
    const found: TableEntityResult<Record<string, unknown>>[] = [];
    for await (const row of client.listEntities<Record<string, unknown>>()) found.push(row);
    return found;
  }

  async function ask(path: string): Promise<unknown> {
    const headers = { authorization: "Bearer stand-in-token" };
    return (await fetch(`${kubernetes.url}${path}`, { headers })).json();
  }

  async function get(name: string, path: string, params: Record<string, string> = {}) {
    const { http } = await worker.invoke(
      name,
      httpInput("GET", path, { token: await entra.token(), params }),
    );
    return { status: http?.status, type: http?.headers["content-type"], body: JSON.parse(http?.body ?? "") };
  }

  async function onlyId(): Promise<string> {
    const { body } = await get("list", "/api/remediations?rule=miners");
    const [only, ...more] = listSchema.parse(body).remediations;
    if (only === undefined || more.length > 0)
      throw new Error(`Not one remediation: ${JSON.stringify(body)}`);
    return only.id;
  }
});

function found() {
  if (typeof place === "string") throw new Error(place);
  return place;
}

function pod(name = "web-1"): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "shop", name, labels: { app: "web" } },
    spec: { containers: [{ name: "web", image: "reg.example/shop/web:1" }], nodeName: "n1" },
    status: { phase: "Running" },
  };
}

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { EventHubProducerClient } from "@azure/event-hubs";
import { type Azurite, startAzurite } from "../../local/azurite/index.ts";
import { type EventHubsStandIn, startEventHubs } from "../../local/event-hubs/index.ts";
import { type HostProcess, startHostProcess } from "../../local/functions-host/index.ts";
import { type KubernetesStandIn, startKubernetes } from "../../local/kubernetes/index.ts";
import type { ListPage } from "../../src/engine/list-remediations.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { CLUSTER } from "../engine/world.ts";
import { fastClock } from "./fast-clock.ts";

const KEYS = { host: "host-key-of-a-test", master: "master-key-of-a-test" };
const SPEED = 20;

/** The stand-ins, which live on, and the app in its own process, which can be killed and started again. */
export class KillableApp {
  readonly kubernetes: KubernetesStandIn;
  readonly #hubs: EventHubsStandIn;
  readonly #azurite: Azurite;
  readonly #folder: string;
  readonly #begun = Date.now();
  readonly #producer: EventHubProducerClient;
  readonly lines: string[] = [];
  #app: HostProcess | null = null;

  static async start(configuration: string): Promise<KillableApp> {
    const folder = await mkdtemp(join(tmpdir(), "reflex-kill-"));
    const [azurite, hubs, kubernetes] = await Promise.all([
      startAzurite(),
      startEventHubs({ hubs: { alerts: { partitions: 2 } } }),
      startKubernetes(),
    ]);
    await writeFile(join(folder, "kubeconfig.json"), kubernetes.kubeconfig());
    await writeFile(join(folder, "reflex.yaml"), configuration);
    const app = new KillableApp(folder, azurite, hubs, kubernetes);
    await app.startApp();
    return app;
  }

  private constructor(
    folder: string,
    azurite: Azurite,
    hubs: EventHubsStandIn,
    kubernetes: KubernetesStandIn,
  ) {
    this.#folder = folder;
    this.#azurite = azurite;
    this.#hubs = hubs;
    this.kubernetes = kubernetes;
    this.#producer = new EventHubProducerClient(hubs.connectionString, "alerts");
  }

  /** The time as the app sees it. */
  now(): Date {
    return new Date(this.#begun + (Date.now() - this.#begun) * SPEED);
  }

  async startApp(): Promise<void> {
    this.#app = await startHostProcess({
      appFile: resolve("dist/main.js"),
      hostFile: resolve("host.json"),
      port: 0,
      keys: KEYS,
      checkpointDirectory: join(this.#folder, "checkpoints"),
      timers: false,
      onLine: (line) => this.lines.push(line),
      env: {
        ...fastClock(this.#begun, SPEED),
        REFLEX_CONFIG: join(this.#folder, "reflex.yaml"),
        REFLEX_STATE: this.#azurite.connectionString,
        REFLEX_EVENTS: this.#hubs.connectionString,
        REFLEX_EVENTS_HUB: "alerts",
        REFLEX_LOCAL: "true",
      },
    });
  }

  /** SIGKILL: what was running is lost in the middle. */
  async kill(): Promise<void> {
    await this.#app?.kill();
    this.#app = null;
  }

  async send(bodies: readonly Uint8Array[]): Promise<void> {
    const batch = await this.#producer.createBatch();
    for (const body of bodies) {
      if (!batch.tryAdd({ body })) throw new Error("the batch of the test is too large");
    }
    await this.#producer.sendBatch(batch);
  }

  /** A request to the API; with the host's key unless other headers are given. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = { "x-functions-key": KEYS.host },
  ): Promise<{ status: number; headers: Headers; text: string; json: Record<string, unknown> }> {
    const sent = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
    const answer = await fetch(`${this.#app?.url}${path}`, { method, headers, ...sent });
    const text = await answer.text();
    const isJson = (answer.headers.get("content-type") ?? "").includes("json");
    return { status: answer.status, headers: answer.headers, text, json: isJson ? JSON.parse(text) : {} };
  }

  /** One round of the timer. */
  async sweep(): Promise<void> {
    const answer = await fetch(`${this.#app?.url}/_host/tick/sweep`, { method: "POST" });
    if (!answer.ok) throw new Error(`the sweep failed: ${await answer.text()}`);
  }

  /** Every remediation that the API lists. */
  async remediations(): Promise<readonly Remediation[]> {
    const all: Remediation[] = [];
    let after = "";
    do {
      const url = `${this.#app?.url}/api/remediations?limit=200${after}`;
      const answer = await fetch(url, { headers: { "x-functions-key": KEYS.host } });
      const page = (await answer.json()) as ListPage;
      all.push(...page.remediations);
      after = page.next === null ? "" : `&after=${page.next}`;
    } while (after !== "");
    return all;
  }

  async stop(): Promise<void> {
    await this.#producer.close();
    await this.#app?.stop();
    await Promise.all([this.#hubs.close(), this.kubernetes.close(), this.#azurite.stop()]);
    await rm(this.#folder, { recursive: true });
  }
}

/** A configuration that isolates pods on the stand-in, telling nobody. */
export const ISOLATES = `
mode: enforce
clusters:
  - { name: prod, id: ${CLUSTER}, connect: { kubeconfig: kubeconfig.json } }
rules:
  - name: miners
    when: { kind: alert, key: "K8S.NODE_*" }
    playbooks: [ { name: isolate-pod, ttl: 20d } ]
    mode: enforce
`;

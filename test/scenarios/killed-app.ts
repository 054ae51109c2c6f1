import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { TableClient } from "@azure/data-tables";
import { EventHubProducerClient } from "@azure/event-hubs";
import { BlobServiceClient } from "@azure/storage-blob";
import { type ArmStandIn, startArm } from "../../local/arm/index.ts";
import { type Azurite, startAzurite } from "../../local/azurite/index.ts";
import { type EntraStandIn, startEntra, type TokenRequest } from "../../local/entra/index.ts";
import { type EventHubsStandIn, startEventHubs } from "../../local/event-hubs/index.ts";
import { type HostProcess, startHostProcess } from "../../local/functions-host/index.ts";
import { type KubernetesStandIn, startKubernetes } from "../../local/kubernetes/index.ts";
import type { ListPage } from "../../src/engine/list-remediations.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { CLUSTER } from "../engine/world.ts";
import { fastClock } from "./fast-clock.ts";
import {
  type Passage,
  type RecordingProxy,
  type SentRequest,
  startRecordingProxy,
} from "./recording-proxy.ts";

const KEYS = { host: "host-key-of-a-test", master: "master-key-of-a-test" };
const SPEED = 20;

/** How a killable app differs from the ordinary. */
export interface KillableOptions {
  /** How many times as fast as the wall's its clock runs. */
  readonly speed?: number;
  /** Whether the cluster's pods follow their owners. */
  readonly controllers?: boolean;
  readonly partitions?: number;
  /** Processes that share the partitions out; the first answers requests. */
  readonly processes?: number;
  /** App settings besides, or instead of, the usual ones. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What lives on when the app dies. */
interface Stands {
  readonly arm: ArmStandIn;
  readonly azurite: Azurite;
  readonly hubs: EventHubsStandIn;
  readonly kubernetes: KubernetesStandIn;
  readonly entra: EntraStandIn;
  readonly proxies: Readonly<Record<Outside, RecordingProxy>>;
}

/** What the app calls, and a test may stop it at. */
export type Outside = "table" | "cluster" | "evidence";

/** The stand-ins, which live on, and the app in its own process, which can be killed and started again. */
export class KillableApp {
  readonly kubernetes: KubernetesStandIn;
  readonly entra: EntraStandIn;
  /** Resource Manager, with Defender behind it; it knows every alert that `send` publishes. */
  readonly arm: ArmStandIn;
  readonly #hubs: EventHubsStandIn;
  readonly #azurite: Azurite;
  readonly #folder: string;
  readonly #proxies: Readonly<Record<Outside, RecordingProxy>>;
  readonly #speed: number;
  readonly #processes: number;
  readonly #env: Readonly<Record<string, string>>;
  readonly #partitions: number;
  readonly #begun: number;
  readonly #producer: EventHubProducerClient;
  /** Told of every request to table, cluster and evidence: before it is there, and when it is done and nobody has heard. */
  onSent: (where: Outside, phase: "before" | "after", request: SentRequest) => Passage = () => "goes-on";
  readonly lines: string[] = [];
  #app: HostProcess | null = null;
  #others: readonly HostProcess[] = [];
  /** Told of each line that a process prints. */
  onLine: (process: number, line: string) => void = () => {};

  /** Is its process running and ready? */
  get isUp(): boolean {
    return this.#app !== null;
  }

  static async start(configuration: string, options: KillableOptions = {}): Promise<KillableApp> {
    const folder = await mkdtemp(join(tmpdir(), "reflex-kill-"));
    const speed = options.speed ?? SPEED;
    const begun = Date.now();
    const [arm, azurite, hubs, kubernetes, entra] = await Promise.all([
      startArm(),
      startAzurite(),
      startEventHubs({ hubs: { alerts: { partitions: options.partitions ?? 2 } } }),
      startKubernetes({ controllers: options.controllers ?? true }),
      startEntra({ now: () => timeOf(begun, speed) }),
    ]);
    const table = await startRecordingProxy(azurite.tableUrl);
    const cluster = await startRecordingProxy(kubernetes.url);
    const evidence = await startRecordingProxy(azurite.blobUrl);
    const blobs = BlobServiceClient.fromConnectionString(azurite.connectionString);
    await blobs.getContainerClient("evidence").create();
    const kubeconfig = kubernetes.kubeconfig().replaceAll(kubernetes.url, cluster.url);
    await writeFile(join(folder, "kubeconfig.json"), kubeconfig);
    await writeFile(join(folder, "reflex.yaml"), configuration);
    const stands = { arm, azurite, hubs, kubernetes, entra, proxies: { table, cluster, evidence } };
    const app = new KillableApp(folder, { begun, speed }, stands, options);
    await app.startApp();
    return app;
  }

  private constructor(
    folder: string,
    { begun, speed }: { readonly begun: number; readonly speed: number },
    { arm, azurite, hubs, kubernetes, entra, proxies }: Stands,
    options: KillableOptions,
  ) {
    this.#folder = folder;
    this.#begun = begun;
    this.#speed = speed;
    this.entra = entra;
    this.arm = arm;
    this.#env = options.env ?? {};
    this.#azurite = azurite;
    this.#hubs = hubs;
    this.kubernetes = kubernetes;
    this.#proxies = proxies;
    this.#processes = options.processes ?? 1;
    this.#partitions = options.partitions ?? 2;
    for (const where of ["table", "cluster", "evidence"] as const) {
      proxies[where].interception = {
        before: (request) => this.onSent(where, "before", request),
        after: (request) => this.onSent(where, "after", request),
      };
    }
    this.#producer = new EventHubProducerClient(hubs.connectionString, "alerts");
  }

  /** The time as the app sees it. */
  now(): Date {
    return timeOf(this.#begun, this.#speed);
  }

  async startApp(): Promise<void> {
    const all = await Promise.all(
      Array.from({ length: this.#processes }, (_none, number) => this.#startProcess(number)),
    );
    const [first, ...others] = all;
    this.#others = others;
    this.#app = first ?? null;
  }

  #startProcess(number: number): Promise<HostProcess> {
    const mine = Array.from({ length: this.#partitions }, (_none, partition) => partition).filter(
      (partition) => partition % this.#processes === number,
    );
    return startHostProcess({
      appFile: resolve("dist/main.js"),
      hostFile: resolve("host.json"),
      port: 0,
      keys: KEYS,
      checkpointDirectory: join(this.#folder, `checkpoints-${number}`),
      partitions: mine.map(String),
      timers: false,
      onLine: (line) => {
        this.lines.push(line);
        this.onLine(number, line);
      },
      env: {
        ...fastClock(this.#begun, this.#speed),
        REFLEX_CONFIG: join(this.#folder, "reflex.yaml"),
        REFLEX_STATE: this.#azurite.connectionString.replace(this.#azurite.tableUrl, this.#proxies.table.url),
        REFLEX_EVIDENCE: this.#azurite.connectionString.replace(
          this.#azurite.blobUrl,
          this.#proxies.evidence.url,
        ),
        REFLEX_EVENTS: this.#hubs.connectionString,
        REFLEX_EVENTS_HUB: "alerts",
        ...this.entra.settings,
        ...this.arm.settings,
        ...this.#env,
      },
    });
  }

  /** SIGKILL: what was running is lost in the middle. */
  async kill(): Promise<void> {
    const all = [this.#app, ...this.#others];
    this.#app = null;
    this.#others = [];
    await Promise.all(all.map((one) => one?.kill()));
  }

  /** Publishes alerts that Defender knows, as it does. */
  async send(bodies: readonly Uint8Array[]): Promise<void> {
    for (const body of bodies) this.arm.documents.learn(body);
    await this.publish(bodies);
  }

  /** Puts events into the hub, whoever knows of them. */
  async publish(bodies: readonly Uint8Array[]): Promise<void> {
    const batch = await this.#producer.createBatch();
    for (const body of bodies) {
      if (!batch.tryAdd({ body })) throw new Error("the batch of the test is too large");
    }
    await this.#producer.sendBatch(batch);
  }

  /** What a request bears: the host's key, a token (Ada's unless another is asked for), the type of its body. */
  async headers(request?: TokenRequest): Promise<Record<string, string>> {
    return {
      "x-functions-key": KEYS.host,
      authorization: `Bearer ${await this.entra.token(request)}`,
      "content-type": "application/json",
    };
  }

  /** A request to the API; with everything that lets Ada in unless other headers are given. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    given?: Record<string, string>,
  ): Promise<{ status: number; headers: Headers; text: string; json: Record<string, unknown> }> {
    const headers = given ?? (await this.headers());
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

  /** Every row of the state table, as one text. */
  async rows(): Promise<string> {
    const client = TableClient.fromConnectionString(this.#azurite.connectionString, "reflex", {
      allowInsecureConnection: true,
    });
    const found: unknown[] = [];
    for await (const row of client.listEntities()) found.push(row);
    return JSON.stringify(found);
  }

  /** Every remediation that the API lists. */
  async remediations(): Promise<readonly Remediation[]> {
    const all: Remediation[] = [];
    let after = "";
    do {
      const url = `${this.#app?.url}/api/remediations?limit=200${after}`;
      const answer = await fetch(url, { headers: await this.headers() });
      const page = (await answer.json()) as ListPage;
      all.push(...page.remediations);
      after = page.next === null ? "" : `&after=${page.next}`;
    } while (after !== "");
    return all;
  }

  async stop(): Promise<void> {
    await this.#producer.close();
    await Promise.all([this.#app, ...this.#others].map((one) => one?.stop()));
    await Promise.all(Object.values(this.#proxies).map((proxy) => proxy.close()));
    await Promise.all([
      this.#hubs.close(),
      this.kubernetes.close(),
      this.#azurite.stop(),
      this.entra.stop(),
      this.arm.stop(),
    ]);
    await rm(this.#folder, { recursive: true });
  }
}

function timeOf(begun: number, speed: number): Date {
  return new Date(begun + (Date.now() - begun) * speed);
}

/** A configuration that isolates pods on the stand-in, telling nobody. */
export const ISOLATES = `
mode: enforce
# Wide: these tests are not about them.
budgets:
  perPlaybook: 1000
  perRule: 1000
  perCluster: 1000
  perNamespace: 1000
  perSubscription: 1000
  shareOfWorkload: 100%
  shareOfNamespace: 100%
clusters:
  - { name: prod, id: ${CLUSTER}, connect: { kubeconfig: kubeconfig.json } }
rules:
  - name: miners
    when: { kind: alert, key: "K8S.NODE_*" }
    playbooks: [ { name: isolate-pod, ttl: 20d } ]
    mode: enforce
`;

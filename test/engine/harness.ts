import { z } from "zod";
import type { Engine } from "../../src/engine/engine.ts";
import { type IngestCounts, ingest } from "../../src/engine/ingest.ts";
import { RecentSignals } from "../../src/engine/recent-signals.ts";
import { summarize } from "../../src/engine/signal-identity.ts";
import { Switches } from "../../src/engine/switches.ts";
import type { Clock } from "../../src/model/clock.ts";
import type { LogEntry } from "../../src/model/log.ts";
import type { Message } from "../../src/model/message.ts";
import { type AnyPlaybook, playbook } from "../../src/model/playbook.ts";
import { isOpen, type Remediation, type SignalSummary } from "../../src/model/remediation.ts";
import { type Configuration, parseConfiguration } from "../../src/rules/index.ts";
import { decodeEvent } from "../../src/signals/index.ts";
import { createMemoryTable } from "../../src/store/memory-table.ts";
import { decodeDue, decodeRecord } from "../../src/store/record-rows.ts";
import { noAzure, ROOMY } from "./fixtures.ts";
import { knowingDefender, raise } from "./known-alerts.ts";
import { quarantine } from "./quarantine.ts";
import { CLUSTER, SUBSCRIPTION, World } from "./world.ts";

/** The notification of the tests: its only effect is its message row. */
export const notice: AnyPlaybook = playbook({
  name: "notice",
  title: "Tell",
  kind: "notification",
  target: "alert",
  parameters: z.strictObject({}),
  permissions: { kubernetes: [], arm: [] },
  impact: "none",
  highImpact: false,
  reversible: false,
  destroysEvidence: false,
  plan: () => Promise.resolve({ outcome: "skip", reason: "the engine does it" }),
  apply: () => Promise.resolve(),
  verify: () => Promise.resolve({ verdict: "holds", proof: "declared" }),
  revert: () => Promise.resolve({ outcome: "restored" }),
});

const RULES = `
mode: enforce
clusters:
  - { name: prod, id: ${CLUSTER}, connect: { kubeconfig: none } }
channels:
  - { name: security, kind: teams, urlSetting: TEAMS }
rules:
  - name: miners
    when: { kind: alert, key: "K8S.NODE_*" }
    playbooks: [ { name: quarantine, ttl: 8h } ]
    mode: MODE
    notify: [security]
  - name: notices
    when: { kind: alert, key: "VM_*" }
    playbooks: [ { name: notice } ]
    notify: [security]
`;

/**
 * The configuration of the tests, with the first rule in the given mode; more is text to replace in the file. Budgets are
 * out of reach unless the file names some.
 */
export function configuration(
  mode: string,
  change: (text: string) => string = (text) => text,
  more: readonly AnyPlaybook[] = [],
): Configuration {
  const playbooks = [quarantine, notice, ...more];
  const text = change(RULES.replace("MODE", mode));
  const parsed = parseConfiguration(text, "test.yaml", playbooks);
  if ("errors" in parsed) throw new Error(parsed.errors.map((e) => `${e.line}: ${e.message}`).join("\n"));
  return text.includes("budgets:") ? parsed.configuration : { ...parsed.configuration, budgets: ROOMY };
}

/** An alert in Event Hub form about one pod, which Defender knows. */
export function alert(
  more: {
    id?: string;
    pod?: string;
    key?: string;
    severity?: string;
    status?: string;
    at?: string;
    namespace?: string;
    image?: string;
    cluster?: string;
    /** Besides what every alert says. */
    extended?: Readonly<Record<string, string>>;
  } = {},
): Uint8Array {
  const cluster = more.cluster ?? CLUSTER;
  const at = more.at ?? "2026-03-02T07:50:00.000Z";
  const namespace = {
    $id: "5",
    Type: "K8s-namespace",
    Name: more.namespace ?? "shop",
    Cluster: { $ref: "4" },
  };
  const id = more.id ?? "a-1";
  return new TextEncoder().encode(
    JSON.stringify(
      raise(id, SUBSCRIPTION, {
        SystemAlertId: id,
        AlertType: more.key ?? "K8S.NODE_CryptoCoinMinerExecution",
        AlertDisplayName: "A miner started",
        Severity: more.severity ?? "High",
        Status: more.status ?? "New",
        Intent: "Execution",
        StartTimeUtc: at,
        EndTimeUtc: at,
        TimeGenerated: at,
        AzureResourceId: cluster,
        ResourceIdentifiers: [{ $id: "2", AzureResourceId: cluster, Type: "AzureResource" }],
        Entities: [
          { $id: "3", ResourceId: cluster, ResourceType: "Kubernetes Service", Type: "azure-resource" },
          { $id: "4", CloudResource: { $ref: "3" }, Type: "K8s-cluster" },
          namespace,
          { $id: "6", Name: more.pod ?? "web-1", Namespace: { $ref: "5" }, Type: "K8s-pod" },
          ...(more.image === undefined ? [] : [{ $id: "7", ImageId: more.image, Type: "container-image" }]),
        ],
        ExtendedProperties: { subscription: SUBSCRIPTION, ...more.extended },
      }),
    ),
  );
}

/** What a record keeps of such an alert. */
export function summaryOf(body: Uint8Array): SignalSummary {
  const [decoded] = decodeEvent(body);
  if (decoded === undefined || !("signal" in decoded)) throw new Error("a signal is wanted");
  return summarize(decoded.signal);
}

/** A fake clock that goes on only when told. */
export function fakeClock(start = "2026-03-02T08:00:00.000Z"): Clock & { pass(ms: number): void } {
  let now = new Date(start).getTime();
  return { now: () => new Date(now), pass: (ms) => (now += ms) };
}

/** Numbers that look random and are the same in every run. */
export function countingRandomness(seed = 1): Engine["randomness"] {
  let count = seed * 1_000_003;
  return {
    hex: (digits) => {
      count += 1;
      return (Math.imul(count, 2_654_435_761) >>> 0).toString(16).padStart(8, "0").repeat(4).slice(0, digits);
    },
  };
}

/** Everything that one test of the engine works with. */
export interface Bench {
  readonly engine: Engine;
  readonly world: World;
  readonly table: ReturnType<typeof createMemoryTable>;
  readonly clock: ReturnType<typeof fakeClock>;
  readonly sent: Message[];
  readonly log: LogEntry[];
  ingest(...bodies: Uint8Array[]): Promise<IngestCounts>;
  records(): Remediation[];
  /** Breaks of "open if and only if exactly one drive row"; empty when all is well. */
  broken(): string[];
}

/** A bench with one pod `shop/web-1`, a memory store and a world at the network edge. */
export function bench(
  more: { mode?: string; configuration?: Configuration; engine?: Partial<Engine> } = {},
): Bench {
  const table = createMemoryTable();
  const world = new World();
  world.addPod("web-1");
  const clock = fakeClock();
  const sent: Message[] = [];
  const log: LogEntry[] = [];
  const engine: Engine = {
    table,
    configuration: more.configuration ?? configuration(more.mode ?? "enforce"),
    playbooks: new Map([quarantine, notice].map((one) => [one.name, one])),
    ports: world.ports(),
    channels: {
      send: (_channel, messages) => {
        sent.push(...messages);
        return Promise.resolve();
      },
    },
    clock,
    randomness: countingRandomness(),
    log: (entry) => log.push(entry),
    recent: new RecentSignals(),
    defender: knowingDefender(),
    azure: noAzure,
    held: false,
    build: "b0",
    switches: new Switches(more.engine?.table ?? table, more.engine?.clock ?? clock),
    ...more.engine,
  };
  let sequence = 0;
  return {
    engine,
    world,
    table,
    clock,
    sent,
    log,
    ingest: (...bodies) =>
      ingest(
        engine,
        bodies.map((body) => ({ body, partition: "0", sequence: sequence++, enqueuedAt: null })),
      ),
    records: () => recordsOf(table),
    broken: () => brokenInvariants(table),
  };
}

type Memory = ReturnType<typeof createMemoryTable>;

/** All records of a memory table. */
export function recordsOf(table: Memory): Remediation[] {
  return table.snapshot().flatMap((row) => (row.key.startsWith("r!") ? [decodeRecord(row)] : []));
}

/** A record is open if and only if it has exactly one drive row. */
export function brokenInvariants(table: Memory): string[] {
  const drives = new Map<string, number>();
  for (const row of table.snapshot()) {
    if (!row.key.startsWith("d!")) continue;
    const due = decodeDue(row);
    if (due.kind === "drive") drives.set(due.id, (drives.get(due.id) ?? 0) + 1);
  }
  return recordsOf(table).flatMap((record) => {
    const rows = drives.get(record.id) ?? 0;
    const wanted = isOpen(record.state) ? 1 : 0;
    return rows === wanted ? [] : [`${record.id} is ${record.state} and has ${rows} drive rows`];
  });
}

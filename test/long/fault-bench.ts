import { type ArmStandIn, startArm } from "../../local/arm/index.ts";
import type { Azurite } from "../../local/azurite/index.ts";
import { type KubernetesStandIn, startKubernetes } from "../../local/kubernetes/index.ts";
import { type MailStandIn, startMail } from "../../local/mail/index.ts";
import { startTeams, type TeamsStandIn } from "../../local/teams/index.ts";
import { openArmAccess } from "../../src/clients/arm/index.ts";
import { createChannels } from "../../src/clients/channels.ts";
import { createDefender } from "../../src/clients/defender/index.ts";
import { createKubernetes } from "../../src/clients/kubernetes/index.ts";
import { approve } from "../../src/engine/approve.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { listRemediations } from "../../src/engine/list-remediations.ts";
import { RecentSignals } from "../../src/engine/recent-signals.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Switches } from "../../src/engine/switches.ts";
import type { LogEntry } from "../../src/model/log.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { composeCard, composeMail } from "../../src/notify/index.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { type Configuration, parseConfiguration } from "../../src/rules/index.ts";
import { createMemoryEvidence } from "../../src/store/memory-evidence.ts";
import { openTable, type TableTransport } from "../../src/store/open-table.ts";
import { StoreUnreachable } from "../../src/store/table.ts";
import { alert, countingRandomness, fakeClock } from "../engine/harness.ts";
import { CLUSTER } from "../engine/world.ts";
import { blockListObjects, podRuleObjects, sessionListObjects } from "../playbooks/cluster-objects.ts";
import { holdListObjects } from "../playbooks/workload-objects.ts";
import { isLedBack, type WayOfLife } from "./way-of-life.ts";

export type TablePolicy = NonNullable<TableTransport["additionalPolicies"]>[number]["policy"];

/** A hung call is given up after so long; the limit itself is tried where the clients are tested. */
const CALL_MS = 400;
/** Name of the life that a bench leads. */
export const NAME = "web-1";

/** What is led on a bench, and how the store is broken. */
export interface FaultBenchOptions {
  readonly way: WayOfLife;
  readonly mode: "enforce" | "approve";
  readonly policy?: TablePolicy;
}

/** Everything real but the far ends: one alert, and one rule that answers it with one playbook. */
export interface FaultBench {
  readonly way: WayOfLife;
  readonly kubernetes: KubernetesStandIn;
  readonly arm: ArmStandIn;
  readonly teams: TeamsStandIn;
  readonly mail: MailStandIn;
  readonly log: readonly LogEntry[];
  readonly pass: (ms: number) => void;
  /** Delivers the alert until the batch is done, as the host does; how often that took. */
  deliver(): Promise<number>;
  /** A sweep by another process, after some minutes; one that cannot reach the store is tried again by the next. */
  sweepAfter(minutes: number): Promise<void>;
  records(): Promise<readonly Remediation[]>;
  /** Ann says yes to the plan of a remediation as it is now. */
  approve(record: Remediation): Promise<void>;
  close(): Promise<void>;
}

/** Makes a bench on a table of its own; faults of the store go in as a policy of the client's pipeline. */
export async function faultBench(
  azurite: Azurite,
  table: string,
  { way, mode, policy }: FaultBenchOptions,
): Promise<FaultBench> {
  const [kubernetes, arm, teams, mail] = await Promise.all([
    // Where nobody ends the pods, the bench does.
    startKubernetes({ controllers: way.nudge === null }),
    startArm(),
    startTeams(),
    startMail(),
  ]);
  kubernetes.seed([
    ...blockListObjects(),
    ...podRuleObjects(),
    ...holdListObjects(),
    ...sessionListObjects(),
    ...way.objects(NAME),
  ]);
  kubernetes.clear();
  const image = way.image === undefined ? {} : { image: way.image(NAME) };
  const body = alert({ key: way.key, pod: way.pod(NAME), extended: way.extended?.(NAME) ?? {}, ...image });
  arm.documents.learn(body);
  const clock = fakeClock();
  const log: LogEntry[] = [];
  const rules = rulesFor(way, mode);
  const cluster = createKubernetes({
    kubeconfigText: kubernetes.kubeconfig(),
    context: null,
    timeoutMs: CALL_MS,
  });
  const access = openArmAccess({
    credential: { getToken: () => tokenOf(arm) },
    endpoint: arm.url,
    allowLoopback: true,
    timeoutMs: CALL_MS,
  });
  const channels = createChannels(
    rules.channels,
    (name) => (name === "TEAMS" ? teams.webhookUrl : `smtp://${mail.host}:${mail.port}`),
    {
      card: (messages) => composeCard(messages, { console: undefined }),
      mail: (messages) => composeMail(messages, { console: undefined }),
    },
    { allowLoopback: true, timeoutMs: CALL_MS },
  );
  const evidence = createMemoryEvidence();
  let processes = 0;
  const process = (): Engine => {
    const transport: TableTransport =
      policy === undefined ? {} : { additionalPolicies: [{ policy, position: "perRetry" }] };
    const rows = openTable({ connectionString: azurite.connectionString }, table, transport);
    processes += 1;
    return {
      table: rows,
      configuration: rules,
      playbooks: new Map(playbooks.map((one) => [one.name, one])),
      ports: {
        read: { kubernetes: () => cluster.reader, evidence },
        write: { kubernetes: () => cluster.writer, evidence },
      },
      defender: createDefender(access),
      azure: { tags: () => Promise.resolve({}), managementGroups: () => Promise.resolve([]) },
      channels,
      clock,
      randomness: countingRandomness(processes),
      log: (entry) => log.push(entry),
      recent: new RecentSignals(),
      switches: new Switches(rows, clock),
      held: false,
      build: "b0",
    };
  };
  const healthy = openTable({ connectionString: azurite.connectionString }, table);
  await healthy.prepare();
  return {
    way,
    kubernetes,
    arm,
    teams,
    mail,
    log,
    pass: clock.pass,
    async deliver() {
      for (let attempt = 1; ; attempt++) {
        try {
          await ingest(process(), [{ body, partition: "0", sequence: 1, enqueuedAt: null }]);
          return attempt;
        } catch (error) {
          if (!(error instanceof StoreUnreachable) || attempt === 12) throw error;
          clock.pass(10_000);
        }
      }
    },
    async sweepAfter(minutes) {
      clock.pass(minutes * 60_000);
      try {
        await sweep(process());
      } catch (error) {
        if (!(error instanceof StoreUnreachable)) throw error;
      }
    },
    records: async () => (await listRemediations(healthy, { limit: 10 })).remediations,
    async approve({ id, planHash }) {
      const word = { who: "ann", id: "t/ann", why: "the matrix" };
      await approve(process(), id, { word, planHash: planHash ?? "", kind: "person" });
    },
    async close() {
      await Promise.all([kubernetes.close(), arm.stop(), teams.stop(), mail.stop()]);
    },
  };
}

async function tokenOf({ settings }: ArmStandIn): Promise<{ token: string; expiresOnTimestamp: number }> {
  const endpoint = settings["IDENTITY_ENDPOINT"] ?? "";
  const url = `${endpoint}?resource=https%3A%2F%2Fmanagement.azure.com&api-version=2019-08-01`;
  const answer = await fetch(url, { headers: { "x-identity-header": settings["IDENTITY_HEADER"] ?? "" } });
  const document: unknown = await answer.json();
  const token: unknown = Reflect.get(Object(document), "access_token");
  return { token: String(token), expiresOnTimestamp: Date.now() + 3_600_000 };
}

function rulesFor(way: WayOfLife, mode: string): Configuration {
  const { playbook, key } = way;
  const lasts = isLedBack(way) ? ", ttl: 30d" : "";
  const text = `
mode: enforce
breaker: { after: 100, within: 1h }
clusters:
  - { name: prod, id: ${CLUSTER}, connect: { kubeconfig: none } }
channels:
  - { name: security, kind: teams, urlSetting: TEAMS }
  - { name: archive, kind: mail, serverSetting: MAIL, from: reflex@example.com, to: [soc@example.com] }
rules:
  - name: ${playbook}
    when: { kind: alert, key: "${key}" }
    playbooks: [ { name: ${playbook}${lasts} } ]
    mode: ${mode}
    notify: [security, archive]
`;
  const parsed = parseConfiguration(text, "matrix.yaml", playbooks);
  if ("errors" in parsed) throw new Error(parsed.errors.map(({ message }) => message).join("\n"));
  return parsed.configuration;
}

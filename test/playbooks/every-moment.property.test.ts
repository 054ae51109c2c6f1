import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type KubernetesStandIn, startKubernetes } from "../../local/kubernetes/index.ts";
import { Retryable } from "../../src/model/errors.ts";
import type { KubernetesWriter } from "../../src/model/kubernetes-port.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { WritePorts } from "../../src/model/playbook.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { restrictEgress } from "../../src/playbooks/restrict-egress.ts";
import { figure, noteFigure, SEED } from "../long/long.ts";
import { createRandom } from "../store/schedule-choices.ts";
import { type EngineWire, saidBefore } from "./brute-force-engines.ts";
import { connectionsLeft, type WirePolicy } from "./brute-force-policies.ts";
import { CLUSTER, portsOf } from "./cluster-objects.ts";
import { calicoCluster, ovnCluster } from "./engine-objects.ts";
import { RandomPolicies, WORLD } from "./random-policies.ts";

const CASES = figure(600, 60);
/** As everywhere, and the metadata service of the machine. */
const EVERYWHERE = { ...WORLD, everybody: [...WORLD.everybody, { ip: [169, 254, 169, 254] as const }] };
const METADATA = EVERYWHERE.everybody.length - 1;

const KEEP: readonly object[] = [
  { dns: false },
  { dns: true },
  { dns: false, keep: [{ cidr: "0.0.0.0/0" }] },
  { dns: false, keep: [{ cidr: "10.0.0.0/8", ports: [{ port: 80 }, { protocol: "UDP", port: 53 }] }] },
  {
    dns: false,
    keep: [{ pods: { app: "db" } }, { cidr: "203.0.113.0/24", ports: [{ port: 80, endPort: 500 }] }],
  },
  {
    dns: false,
    keep: [
      { namespaces: { team: "db" }, pods: {} },
      { namespaces: {}, ports: [{ port: 443 }] },
    ],
  },
];
const OWNERS = [null, "ReplicaSet", "StatefulSet"] as const;

/** Everything that goes on, and that comes in and goes out, with the labels and policies of one moment. */
interface Moment {
  readonly labels: Readonly<Record<string, string>>;
  readonly policies: readonly WirePolicy[];
  readonly open: ReadonlySet<string>;
}

const KINDS = ["adminnetworkpolicies", "networkpolicies.projectcalico.org"];

describe.each([
  { name: "isolate-pod", playbook: isolatePod, own: {}, engine: [], most: 0.95 },
  { name: "restrict-egress", playbook: restrictEgress, own: null, engine: [], most: 0.95 },
  {
    name: "isolate-pod, denied by OVN-Kubernetes",
    playbook: isolatePod,
    own: { engine: "ovn" },
    engine: ovnCluster(),
    most: 0.95,
  },
  {
    name: "isolate-pod, denied by Calico",
    playbook: isolatePod,
    own: { engine: "calico" },
    engine: calicoCluster(),
    most: 1,
  },
])("at every moment of $name", ({ name, playbook, own, engine, most }) => {
  let cluster: KubernetesStandIn;
  let ports: WritePorts;
  beforeAll(async () => {
    cluster = await startKubernetes({ controllers: false, networkEngine: engine.length === 0 });
    cluster.seed(engine);
    ports = portsOf(cluster);
  });
  afterAll(() => cluster.close());

  const moment = (namespace: string): Moment => {
    const labels = (cluster.read("pods", namespace, "p-0")?.metadata["labels"] ?? {}) as Moment["labels"];
    const policies = cluster
      .readAll("networkpolicies", namespace)
      .map(({ metadata, ...rest }) => ({ name: metadata.name, spec: rest["spec"] }) as unknown as WirePolicy);
    const denies = KINDS.flatMap((kind) =>
      cluster
        .readAll(kind)
        .filter(({ metadata }) => (metadata["namespace"] ?? namespace) === namespace)
        .map((one) => one as unknown as EngineWire),
    );
    const left = connectionsLeft(labels, policies, EVERYWHERE);
    const open = [...left].filter(
      (one) => saidBefore(one, { namespace, labels }, denies, EVERYWHERE.everybody) !== "Deny",
    );
    return { labels, policies, open: new Set(open) };
  };

  function seed(namespace: string, at: number, make: RandomPolicies): void {
    const kind = OWNERS[at % OWNERS.length] ?? null;
    const owner = {
      apiVersion: "apps/v1",
      kind: kind ?? "",
      name: "p",
      uid: `owner-of-${namespace}`,
      controller: true,
    };
    const labels = { app: "web", ...make.labels() };
    const selector = { matchLabels: { app: labels.app } };
    const containers = [{ name: "c", image: "web:1" }];
    cluster.seed([
      ...(kind === null
        ? []
        : [
            {
              apiVersion: "apps/v1",
              kind,
              metadata: { namespace, name: "p", uid: owner.uid },
              spec: {
                replicas: 1,
                serviceName: "p",
                selector,
                template: { metadata: { labels: selector.matchLabels }, spec: { containers } },
              },
            },
          ]),
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { namespace, name: "p-0", labels, ...(kind === null ? {} : { ownerReferences: [owner] }) },
        spec: { containers },
      },
      ...make.policies().map(({ name, spec }) => ({
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { namespace, name },
        spec,
      })),
    ]);
  }

  async function planned(namespace: string, remediationId: string, parameters: object): Promise<Plan> {
    const target = { kind: "pod", cluster: CLUSTER, namespace, name: "p-0" } as const;
    const outcome = await playbook.plan({ target, parameters, remediationId }, ports);
    if (outcome.outcome !== "change") throw new Error(outcome.reason);
    return sealPlan(outcome.draft, { remediationId, playbook: playbook.name, target });
  }

  it("nothing is open that was not before, also where it ends between two writes, and a rerun converges", {
    timeout: 900_000,
  }, async () => {
    const random = createRandom(SEED);
    const make = new RandomPolicies(random);
    let [held, moments] = [0, 0];
    for (let at = 0; at < CASES; at += 1) {
      const namespace = `n${at}`;
      seed(namespace, at, make);
      const parameters = own ?? KEEP[Math.floor(random() * KEEP.length)] ?? {};
      const plan = await planned(namespace, `a-${at}`, parameters);
      const before = moment(namespace);
      const foreign = foreignPolicies(before);
      const see = (word: string): Moment => {
        const now = moment(namespace);
        moments += 1;
        expect(
          [...now.open].filter((one) => !before.open.has(one)),
          `${word}, case ${at}`,
        ).toEqual([]);
        expect(foreignPolicies(now)).toEqual(foreign);
        if (playbook === restrictEgress) expect(incoming(now)).toEqual(incoming(before));
        return now;
      };
      await interrupted(
        (some) => playbook.apply(plan, some),
        ports,
        () => see("applying"),
      );
      const after = see("applied");
      const verification = await playbook.verify(plan, ports);
      if (verification.verdict === "holds") {
        held += 1;
        expect([...after.open].filter((one) => !isKept(one, after, plan))).toEqual([]);
      } else {
        expect(verification.verdict).toBe("partial");
      }
      await interrupted(
        (some) => playbook.revert(plan, some),
        ports,
        () => see("taking back"),
      );
      expect(moment(namespace)).toEqual(before);
    }
    noteFigure(
      "Every moment",
      `${name}: policy sets, moments looked at, share held`,
      `${CASES}, ${moments}, ${(held / CASES).toFixed(2)}`,
    );
    expect(moments).toBeGreaterThan(CASES * 5);
    expect(held / CASES).toBeGreaterThan(0.2);
    expect(held / CASES).toBeLessThanOrEqual(most);
  });
});

/** Ends it after no write, then after one more and so on, until it comes through; looks at every moment. */
async function interrupted(
  run: (ports: WritePorts) => Promise<unknown>,
  ports: WritePorts,
  look: () => void,
): Promise<void> {
  for (let most = 0; most < 10; most += 1) {
    try {
      await run(limited(ports, most, look));
      return;
    } catch (error) {
      if (!(error instanceof Retryable)) throw error;
      look();
    }
  }
  throw new Error("it never comes to an end");
}

/** Ports that write so often in this run and then fail as where the process dies; after each write somebody looks. */
function limited(ports: WritePorts, most: number, look: () => void): WritePorts {
  let left = most;
  const through =
    <A extends unknown[], R>(write: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (left === 0) throw new Retryable("the process died", "Nothing to do.", { retryAfterMs: 0 });
      left -= 1;
      const done = await write(...args);
      look();
      return done;
    };
  const guarded = (writer: KubernetesWriter): KubernetesWriter => ({
    ...writer,
    createDenyAllPolicy: through(writer.createDenyAllPolicy),
    createEgressPolicy: through(writer.createEgressPolicy),
    labelPod: through(writer.labelPod),
    deleteNetworkPolicy: through(writer.deleteNetworkPolicy),
    createEngineDeny: through(writer.createEngineDeny),
    deleteEngineDeny: through(writer.deleteEngineDeny),
  });
  return { read: ports.read, write: { kubernetes: (id) => guarded(ports.write.kubernetes(id)) } };
}

function foreignPolicies({ policies }: Moment): readonly WirePolicy[] {
  return policies.filter(({ name }) => !name.startsWith("reflex-"));
}

function incoming({ open }: Moment): string[] {
  return [...open].filter((one) => one.startsWith("in "));
}

/** What a held isolation may leave: nothing; a held restriction: what comes in, and what the list lets out. */
function isKept(connection: string, { labels }: Moment, { playbook, data }: Plan): boolean {
  if (playbook === isolatePod.name) return false;
  if (connection.startsWith("in ")) return true;
  if (connection.startsWith(`out ${METADATA} `)) return false;
  const egress = (data as unknown as { list: NonNullable<WirePolicy["spec"]["egress"]> }).list;
  const list = [{ name: "list", spec: { podSelector: {}, policyTypes: ["Egress"], egress } }];
  return connectionsLeft(labels, list, EVERYWHERE).has(connection);
}

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type KubernetesStandIn, startKubernetes } from "../../local/kubernetes/index.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { WritePorts } from "../../src/model/playbook.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { restrictEgress } from "../../src/playbooks/restrict-egress.ts";
import { figure, noteFigure, SEED } from "../long/long.ts";
import { createRandom } from "../store/schedule-choices.ts";
import { connectionsLeft, type WirePolicy } from "./brute-force-policies.ts";
import { portsOf } from "./cluster-objects.ts";
import { calicoCluster, ovnCluster } from "./engine-objects.ts";
import {
  EVERYWHERE,
  foreignPolicies,
  interrupted,
  type Moment,
  momentOf,
  plannedFor,
  seedPod,
} from "./moments.ts";
import { RandomPolicies } from "./random-policies.ts";

const CASES = figure(600, 60);
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

  it("nothing is open that was not before, also where it ends between two writes, and a rerun converges", {
    timeout: 900_000,
  }, async () => {
    const random = createRandom(SEED);
    const make = new RandomPolicies(random);
    let [held, moments] = [0, 0];
    for (let at = 0; at < CASES; at += 1) {
      const namespace = `n${at}`;
      seedPod(cluster, namespace, at, make);
      const parameters = own ?? KEEP[Math.floor(random() * KEEP.length)] ?? {};
      const plan = await plannedFor(playbook, { namespace, remediationId: `a-${at}` }, parameters, ports);
      const before = momentOf(cluster, namespace);
      const foreign = foreignPolicies(before);
      const see = (word: string): Moment => {
        const now = momentOf(cluster, namespace);
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
      expect(momentOf(cluster, namespace)).toEqual(before);
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

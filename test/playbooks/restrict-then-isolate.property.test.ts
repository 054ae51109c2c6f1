import { afterAll, beforeAll, expect, it } from "vitest";
import { type KubernetesStandIn, startKubernetes } from "../../local/kubernetes/index.ts";
import { Conflict } from "../../src/model/errors.ts";
import { EGRESS_LABEL } from "../../src/model/incident-mark.ts";
import type { AnyPlaybook, WritePorts } from "../../src/model/playbook.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { restrictEgress } from "../../src/playbooks/restrict-egress.ts";
import { figure, noteFigure, SEED } from "../long/long.ts";
import { createRandom } from "../store/schedule-choices.ts";
import { portsOf } from "./cluster-objects.ts";
import { foreignPolicies, interrupted, type Moment, momentOf, plannedFor, seedPod } from "./moments.ts";
import { RandomPolicies } from "./random-policies.ts";

const CASES = figure(300, 40);
const KEEP: readonly object[] = [
  { dns: true },
  { dns: false, keep: [{ cidr: "0.0.0.0/0" }] },
  { dns: false },
];

let cluster: KubernetesStandIn;
let ports: WritePorts;
beforeAll(async () => {
  cluster = await startKubernetes({ controllers: false, networkEngine: true });
  ports = portsOf(cluster);
});
afterAll(() => cluster.close());

const planned = (playbook: AnyPlaybook, namespace: string, remediationId: string, parameters: object) =>
  plannedFor(playbook, { namespace, remediationId }, parameters, ports);

it("a pod that is restricted is isolated and taken back in either order, and nothing is open meanwhile that was not", {
  timeout: 900_000,
}, async () => {
  const random = createRandom(SEED);
  const make = new RandomPolicies(random);
  let [swapped, first, waited] = [0, 0, 0];
  for (let at = 0; at < CASES; at += 1) {
    const namespace = `n${at}`;
    seedPod(cluster, namespace, at, make);
    const untouched = momentOf(cluster, namespace);
    const see = (than: Moment) => (): void => {
      const now = momentOf(cluster, namespace);
      expect(
        [...now.open].filter((one) => !than.open.has(one)),
        `case ${at}`,
      ).toEqual([]);
      expect(foreignPolicies(now)).toEqual(foreignPolicies(untouched));
    };
    const parameters = KEEP[at % KEEP.length] ?? {};
    const restriction = await planned(restrictEgress, namespace, `a-${at}`, parameters);
    await restrictEgress.apply(restriction, ports);
    const restricted = momentOf(cluster, namespace);
    const heldBefore = await restrictEgress.verify(restriction, ports);

    const isolation = await planned(isolatePod, namespace, `b-${at}`, {});
    await interrupted((some) => isolatePod.apply(isolation, some), ports, see(restricted));
    const isolated = momentOf(cluster, namespace);
    if (restricted.labels[EGRESS_LABEL] !== isolated.labels[EGRESS_LABEL]) swapped += 1;
    // What the restriction promises is kept, by whichever policy.
    expect((await restrictEgress.verify(restriction, ports)).verdict).not.toBe("absent");
    if (heldBefore.verdict === "holds") {
      expect(await restrictEgress.verify(restriction, ports)).toMatchObject({ verdict: "holds" });
    }

    if (at % 2 === 0) {
      await interrupted((some) => isolatePod.revert(isolation, some), ports, see(restricted));
      expect(momentOf(cluster, namespace)).toEqual(restricted);
      await interrupted((some) => restrictEgress.revert(restriction, some), ports, see(untouched));
    } else {
      first += 1;
      try {
        await interrupted((some) => restrictEgress.revert(restriction, some), ports, see(isolated));
        await interrupted((some) => isolatePod.revert(isolation, some), ports, see(untouched));
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
        waited += 1;
        expect(error.advice).toContain(`Take remediation b-${at} back first`);
        expect(momentOf(cluster, namespace)).toEqual(isolated);
        await interrupted((some) => isolatePod.revert(isolation, some), ports, see(restricted));
        await interrupted((some) => restrictEgress.revert(restriction, some), ports, see(untouched));
      }
    }
    expect(momentOf(cluster, namespace)).toEqual(untouched);
  }
  noteFigure(
    "Every moment",
    "restrict-egress, then isolate-pod: policy sets, of them with the first mark off meanwhile; the first taken back first, of them had to wait",
    `${CASES}, ${swapped}; ${first}, ${waited}`,
  );
  expect(swapped).toBeGreaterThan(CASES / 10);
  expect(first - waited).toBeGreaterThan(0);
});

it("a pod that is isolated is not restricted besides", async () => {
  seedPod(cluster, "late", 0, new RandomPolicies(createRandom(SEED)));
  await isolatePod.apply(await planned(isolatePod, "late", "b-late", {}), ports);
  cluster.clear();
  await expect(planned(restrictEgress, "late", "a-late", { dns: true })).rejects.toThrow(
    "Pod late/p-0 is isolated by remediation b-late, which denies more.",
  );
  expect(cluster.effects).toEqual([]);
});

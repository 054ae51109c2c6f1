import { describe, expect, it } from "vitest";
import { collectWork } from "../../src/engine/collect-work.ts";
import { listRemediations } from "../../src/engine/list-remediations.ts";
import { type ManualRun, runManually } from "../../src/engine/manual-run.ts";
import { pause, resume } from "../../src/engine/pauses.ts";
import { onMainCluster } from "../../src/model/main-cluster.ts";
import type { Signal } from "../../src/model/signal.ts";
import { targetKey } from "../../src/model/target.ts";
import { decide } from "../../src/rules/index.ts";
import { decodeEvent } from "../../src/signals/index.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { CLUSTER, SUBSCRIPTION } from "./world.ts";

const PROVIDERS = `/subscriptions/${SUBSCRIPTION}/resourceGroups`;
const ARO = `${PROVIDERS}/openshift/providers/Microsoft.RedHatOpenShift/openShiftClusters/aro`;
const ARC = `${PROVIDERS}/arc/providers/Microsoft.Kubernetes/connectedClusters/aro-arc`;
const POD = { kind: "pod", cluster: ARO, namespace: "shop", name: "web-1" } as const;
const WORD = { who: "ann", id: "t/ann", why: "a drill" };
const IDS = [
  ["its own id", ARO],
  ["its id of Arc", ARC],
] as const;

/** One cluster under two ids; what else the file says is appended. */
function aro(more = "", mode = "enforce", main = ARO, alias = ARC): Bench {
  return bench({
    configuration: configuration(
      mode,
      (text) => `${text.replace(`id: ${CLUSTER},`, `id: ${main}, aliases: [${alias}],`)}${more}`,
    ),
  });
}

function run(more: Partial<ManualRun> = {}): ManualRun {
  return {
    ...{ playbook: "quarantine", target: POD, parameters: {}, mode: "enforce", ttlMs: 3_600_000 },
    ...{ notify: [], by: WORD, idempotencyKey: "k-1" },
    ...more,
  };
}

describe("a cluster that Azure knows by two ids", () => {
  it("has one remediation with one effect for two alerts about one pod, one under each id", async () => {
    for (const [first, second] of [
      [ARO, ARC],
      [ARC, ARO],
    ] as const) {
      const b = aro();
      await b.ingest(alert({ id: "a-1", cluster: first }));
      await b.ingest(alert({ id: "a-2", cluster: second }));
      expect(b.records()).toMatchObject([{ state: "in-force", target: POD }]);
      expect(b.world.effects).toHaveLength(1);
      expect(b.broken()).toEqual([]);
    }
  });

  it("has one remediation where both alerts come in one batch, in whatever casing", async () => {
    const b = aro();
    const bodies = [ARO.toUpperCase(), ARC.toLowerCase(), ARC].map((cluster, n) =>
      alert({ id: `a-${n}`, cluster }),
    );
    expect(await b.ingest(...bodies)).toMatchObject({ records: 3, parked: 0, unmatched: 0 });
    expect(b.records()).toMatchObject([{ state: "in-force", target: POD }]);
    expect(b.world.effects).toHaveLength(1);
  });

  it("keeps what waits for a person once, and says on which cluster by its main id", async () => {
    const b = aro("", "approve");
    await b.ingest(alert({ id: "a-1", cluster: ARC }), alert({ id: "a-2", cluster: ARO }));
    const [record, ...more] = b.records();
    expect(more).toEqual([]);
    expect(record).toMatchObject({ state: "awaiting-approval", target: POD });
    expect(b.sent.map(({ remediation }) => remediation?.target)).toEqual([POD]);
  });

  it.each(IDS)(
    "is confirmed by Defender under %s, which is the only one that an alert names",
    async (_, cluster) => {
      const b = aro();
      await b.ingest(alert({ cluster }));
      expect(b.records()).toMatchObject([
        { state: "in-force", reason: expect.not.stringContaining("Defender") },
      ]);
    },
  );

  it.each(IDS)("is in the scope that names %s, whichever the alert bears", async (_, named) => {
    for (const [entry, id] of [`cluster: "${named}"`, `resource: "${named}"`].flatMap((one) =>
      IDS.map(([, cluster]) => [one, cluster] as const),
    )) {
      const denied = aro(`scope: { deny: [{ ${entry} }] }\n`);
      await denied.ingest(alert({ cluster: id }));
      expect(denied.records()).toMatchObject([{ state: "refused", reason: "the scope denies it" }]);
      const allowed = aro(`scope: { allow: [{ ${entry} }] }\n`);
      await allowed.ingest(alert({ cluster: id }));
      expect(allowed.records()).toMatchObject([{ state: "in-force" }]);
    }
  });

  it("is denied by the resource group of either id, and allowed only by one that is whole", async () => {
    const state = async (scope: string): Promise<string | undefined> => {
      const b = aro(`scope: ${scope}\n`);
      await b.ingest(alert({ cluster: ARC }));
      return b.records()[0]?.state;
    };
    expect(await state("{ deny: [{ resourceGroup: openshift }] }")).toBe("refused");
    expect(await state("{ deny: [{ resourceGroup: arc }] }")).toBe("refused");
    expect(await state("{ allow: [{ resourceGroup: arc }] }")).toBe("in-force");
    // Half an entry for one id and half for the other is no entry for the cluster.
    expect(await state(`{ allow: [{ resourceGroup: arc, resource: "${ARO}" }] }`)).toBe("refused");
  });

  it("is protected as OpenShift also where that id is the alias", async () => {
    for (const cluster of [ARO, ARC]) {
      const b = aro("", "enforce", ARC, ARO);
      b.world.addPod("web-1", { namespace: "default" });
      await b.ingest(alert({ cluster, namespace: "default" }));
      expect(b.records()).toMatchObject([{ state: "refused", reason: "namespace default is protected" }]);
    }
  });

  it("is in the subscription of either id", async () => {
    const elsewhere = ARO.replace(SUBSCRIPTION, "99999999-1bf0-4dda-aec3-111122223333");
    const b = aro("", "enforce", elsewhere);
    await b.ingest(alert({ cluster: ARC }));
    expect(b.records()).toMatchObject([{ state: "in-force", target: { ...POD, cluster: elsewhere } }]);
  });

  it("draws on one budget under both ids", async () => {
    const b = aro("budgets: { perCluster: 1 }\n");
    b.world.addPod("web-2", { labels: { app: "other" } });
    await b.ingest(alert({ id: "a-1", cluster: ARO }));
    await b.ingest(alert({ id: "a-2", cluster: ARC, pod: "web-2" }));
    const states = b.records().map(({ state }) => state);
    expect(states.toSorted()).toEqual(["awaiting-approval", "in-force"]);
  });

  it.each(IDS)("is held by a pause of %s, and let go by the other", async (_, named) => {
    for (const [, cluster] of IDS) {
      const b = aro();
      await pause(b.engine, { kind: "cluster", name: named.toUpperCase() }, WORD);
      await b.ingest(alert({ cluster }));
      expect(b.records()).toMatchObject([
        { state: "applying", reason: `held: ann paused cluster ${ARO}: a drill` },
      ]);
      expect(b.world.effects).toEqual([]);
      const other = named === ARO ? ARC : ARO;
      expect(await resume(b.engine, { kind: "cluster", name: other }, WORD)).toMatchObject({ pauses: [] });
    }
  });

  it("stays held by a pause that was made when its alias was a cluster of its own", async () => {
    const b = bench({ configuration: configuration("enforce", (text) => text.replace(CLUSTER, ARC)) });
    await pause(b.engine, { kind: "cluster", name: ARC }, WORD);
    const engine = { ...b.engine, configuration: aro().engine.configuration };
    b.clock.pass(6_000);
    expect(await runManually(engine, run())).toMatchObject({ state: "applying" });
    expect(b.world.effects).toEqual([]);
  });

  it.each([...IDS, ["its name", "prod"] as const])(
    "is the target of a run by hand under %s, with one key and one effect",
    async (_, cluster) => {
      const b = aro();
      const record = await runManually(b.engine, run({ target: { ...POD, cluster } }));
      expect(record).toMatchObject({ state: "in-force", target: POD });
      // The same run again by another name of the cluster is the same run.
      expect((await runManually(b.engine, run({ target: { ...POD, cluster: ARC } }))).id).toBe(record.id);
      await b.ingest(alert({ cluster: ARC }));
      expect(b.world.effects).toHaveLength(1);
      expect(targetKey(record.target)).toBe(targetKey(POD));
      const { clusters } = b.engine.configuration;
      const target = onMainCluster(clusters, { ...POD, cluster });
      const { remediations } = await listRemediations(b.table, { target, limit: 10 });
      expect(remediations.map(({ id }) => id)).toContain(record.id);
    },
  );

  it.each(IDS)("matches a rule that names it by %s or by its name, whichever the alert bears", (_, named) => {
    for (const cluster of ["prod", named]) {
      const when = `when: { kind: alert, cluster: "${cluster}", key`;
      const { configuration: rules } = bench({
        configuration: configuration("enforce", (text) =>
          text
            .replace(`id: ${CLUSTER},`, `id: ${ARO}, aliases: [${ARC}],`)
            .replace("when: { kind: alert, key", when),
        ),
      }).engine;
      for (const [, id] of IDS) expect(decide(signalOf(alert({ cluster: id })), rules)).toHaveLength(1);
      expect(decide(signalOf(alert()), rules)).toEqual([]);
    }
  });

  it("is the signal's own cluster, not one that a rule adds, where the rule names it by the other id", async () => {
    const { engine } = aro();
    const signal = signalOf(alert({ cluster: ARC }));
    const [decision] = decide(signal, engine.configuration);
    if (decision === undefined) throw new Error("a decision is wanted");
    const [work] = await collectWork(engine, [{ from: { signal, body: null }, decision, cluster: ARO }]);
    expect(work).toMatchObject({ target: POD, clusterByRule: false });
  });
});

function signalOf(body: Uint8Array): Signal {
  const [decoded] = decodeEvent(body);
  if (decoded === undefined || !("signal" in decoded)) throw new Error("a signal is wanted");
  return decoded.signal;
}

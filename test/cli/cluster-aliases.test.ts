import { describe, expect, it } from "vitest";
import { registerDecisions } from "../../src/functions/decisions.ts";
import { registerHealth } from "../../src/functions/health.ts";
import { registerPauses } from "../../src/functions/pauses.ts";
import { registerRemediations } from "../../src/functions/remediations.ts";
import { registerRuns } from "../../src/functions/runs.ts";
import { alert, type Bench, bench, configuration } from "../engine/harness.ts";
import { CLUSTER } from "../engine/world.ts";
import { appInProcess } from "./app-in-process.ts";
import { type Ran, reflex } from "./terminal.ts";

const ARC = CLUSTER.replace(
  "Microsoft.ContainerService/managedClusters/prod",
  "Microsoft.Kubernetes/connectedClusters/arc",
);
const NAMES = ["prod", CLUSTER, ARC, ARC.toUpperCase()];

function aliased(more = ""): Bench {
  return bench({
    configuration: configuration(
      "enforce",
      (text) => `${text.replace(`id: ${CLUSTER},`, `id: ${CLUSTER}, aliases: [${ARC}],`)}${more}`,
    ),
  });
}

function terminal(b: Bench): (...argv: readonly string[]) => Promise<Ran> {
  const app = appInProcess(b.engine, (api) => {
    for (const register of [
      registerDecisions,
      registerRemediations,
      registerHealth,
      registerPauses,
      registerRuns,
    ])
      register(api);
  });
  return (...argv) => reflex(argv, { ...app, now: b.clock.now().toISOString() });
}

const pod = (cluster: string): string =>
  JSON.stringify({ kind: "pod", cluster, namespace: "shop", name: "web-1" });

describe.each(NAMES)("a cluster that a person names as %s", (cluster) => {
  it("is the one cluster for a run, a list, a pause and taking back", async () => {
    const b = aliased();
    const run = terminal(b);
    const ran = await run("run", "quarantine", "--target", pod(cluster), "--mode", "enforce", "--ttl", "8h");
    expect({ code: ran.code, err: ran.err }).toEqual({ code: 0, err: "" });
    // An alert under the other id finds what the person did.
    await b.ingest(alert({ cluster: ARC }), alert({ id: "a-2" }));
    expect(b.world.effects).toHaveLength(1);
    expect(b.records().map(({ target }) => target)).toEqual([JSON.parse(pod(CLUSTER))]);
    const listed = await run("list", "--target", pod(cluster), "--json");
    expect(listed.json()).toHaveLength(1);
    expect((await run("pause", "--cluster", cluster, "--reason", "a drill")).out).toContain(
      "managedClusters/prod",
    );
    const back = await run("revert", "--cluster", cluster, "--since", "1d", "--yes", "--reason", "a drill");
    expect(back).toMatchObject({ code: 0, out: expect.stringContaining("1 restored, 0 refused.") });
    expect(b.world.labelsOf("web-1")["quarantine"]).toBeUndefined();
  });

  it("is within a role that names either of its ids", async () => {
    for (const named of [CLUSTER, ARC]) {
      const access = (scope: string): string =>
        `access: [{ role: Reflex.Run, scope: { ${scope}: [{ resource: "${named}" }] } }]\n`;
      const allowed = await terminal(aliased(access("allow")))("run", "quarantine", "--target", pod(cluster));
      expect(allowed.code).toBe(0);
      const denied = await terminal(aliased(access("deny")))("run", "quarantine", "--target", pod(cluster));
      expect(denied).toMatchObject({ code: 1, err: expect.stringContaining("does not reach") });
    }
  });
});

describe("what a file decides about an alert under another id of a cluster", () => {
  const file = `clusters:
  - { name: prod, id: ${CLUSTER}, aliases: [${ARC}], connect: { aks: entra } }
exceptions:
  - { name: lab, owner: o, reason: r, until: 2026-12-31, where: { cluster: prod } }
rules:
  - { name: miners, when: { kind: alert, cluster: prod }, playbooks: [{ name: isolate-pod, ttl: 8h }] }
`;
  const files = { "a.yaml": file, arc: alert({ cluster: ARC }), own: alert() };

  it("is explained and replayed as what it decides under its own", async () => {
    const decisions = async (of: string, command: string): Promise<unknown[]> => {
      const ran = await reflex([command, of, "--config", "a.yaml", "--json"], { files });
      expect({ code: ran.code, err: ran.err }).toEqual({ code: 0, err: "" });
      return ran.json().map((line) => (line as { decisions: unknown }).decisions);
    };
    expect(await decisions("arc", "explain")).toEqual(await decisions("own", "explain"));
    const replayed = await decisions("arc", "replay");
    expect(replayed).toEqual(await decisions("own", "replay"));
    expect(replayed).toMatchObject([
      [{ clusters: [CLUSTER], because: expect.arrayContaining([expect.stringContaining("exception lab")]) }],
    ]);
  });

  it("is checked: the new keys pass, and a slip in one is told with its place", async () => {
    expect(await reflex(["check", "a.yaml"], { files })).toMatchObject({ code: 0 });
    const slip = { "a.yaml": file.replace("aliases", "alias") };
    expect(await reflex(["check", "a.yaml"], { files: slip })).toMatchObject({
      code: 1,
      err: expect.stringMatching(/a\.yaml:2:\d+ .*unknown key "alias"; did you mean "aliases"\?/),
    });
  });
});

import { describe, expect, it } from "vitest";
import { readTarget } from "../../src/engine/held-target.ts";
import { targetHash } from "../../src/store/row-keys.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { CLUSTER } from "./world.ts";

const EARLY = "2026-03-02T07:40:00.000Z";
const AT = "2026-03-02T07:50:00.000Z";
const LATE = "2026-03-02T07:55:00.000Z";
const POD = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;

async function closedAt(b: Bench): Promise<string | null | undefined> {
  const seen = await readTarget(b.table, targetHash(POD));
  return seen?.row.entries["quarantine"]?.closedAt;
}

const states = (b: Bench): string[] => b.records().map(({ state }) => state);

describe("an alert that Defender calls over", () => {
  it.each(["Resolved", "Dismissed"])("ends what waits for approval as superseded (%s)", async (status) => {
    const b = bench({ mode: "approve" });
    await b.ingest(alert({ at: AT }));
    expect(states(b)).toEqual(["awaiting-approval"]);
    expect(await b.ingest(alert({ at: LATE, status }))).toMatchObject({ joined: 1, recorded: 0 });
    expect(b.records()).toMatchObject([{ state: "superseded", touched: false }]);
    expect(await closedAt(b)).toBe(LATE);
    expect(b.world.effects).toEqual([]);
    expect(b.broken()).toEqual([]);
  });

  it("does so also when both come in one batch, in either order", async () => {
    for (const order of [
      [alert({ at: AT }), alert({ at: LATE, status: "Resolved" })],
      [alert({ at: LATE, status: "Resolved" }), alert({ at: AT })],
    ]) {
      const b = bench({ mode: "approve" });
      expect(await b.ingest(...order)).toMatchObject({ recorded: 1, joined: 1 });
      expect(states(b)).toEqual(["superseded"]);
      expect(b.broken()).toEqual([]);
    }
  });

  it("leaves a containment until its deadline, and the note stands", async () => {
    const b = bench();
    await b.ingest(alert({ at: AT }));
    await b.ingest(alert({ at: LATE, status: "Resolved" }));
    expect(states(b)).toEqual(["in-force"]);
    expect(await closedAt(b)).toBe(LATE);
    expect(b.world.labelsOf("web-1")["quarantine"]).toBe(b.records()[0]?.id);
    expect(b.broken()).toEqual([]);
  });

  it("ends a containment where the rule says so", async () => {
    const release = (text: string): string =>
      text.replace("notify: [security]", "notify: [security]\n    releaseWhenResolved: true");
    const b = bench({ configuration: configuration("enforce", release) });
    await b.ingest(alert({ at: AT }));
    await b.ingest(alert({ at: LATE, status: "Resolved" }));
    expect(b.records()).toMatchObject([{ state: "reverted", revertedBy: null }]);
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
  });

  it("is unmatched where nothing was begun, and where no rule names its key", async () => {
    const b = bench();
    expect(await b.ingest(alert({ status: "Resolved" }))).toMatchObject({ unmatched: 1 });
    expect(await b.ingest(alert({ status: "Resolved", key: "SQL.DB_Other" }))).toMatchObject({
      unmatched: 1,
    });
    expect(b.records()).toEqual([]);
  });

  it("does not close what another alert began", async () => {
    const b = bench({ mode: "approve" });
    await b.ingest(alert({ id: "a-1", at: AT }));
    expect(await b.ingest(alert({ id: "a-2", at: LATE, status: "Resolved" }))).toMatchObject({
      unmatched: 1,
    });
    expect(states(b)).toEqual(["awaiting-approval"]);
  });

  it("does not close what began later than it speaks of", async () => {
    const b = bench({ mode: "approve" });
    await b.ingest(alert({ at: AT }));
    await b.ingest(alert({ at: EARLY, status: "Resolved" }));
    expect(states(b)).toEqual(["awaiting-approval"]);
    expect(b.broken()).toEqual([]);
  });
});

describe("an alert that comes out of order after its end", () => {
  it("begins nothing where it is older, its own or another's", async () => {
    const b = bench({ mode: "approve" });
    await b.ingest(alert({ at: AT }));
    await b.ingest(alert({ at: LATE, status: "Resolved" }));
    b.engine.recent.forget();
    expect(await b.ingest(alert({ at: AT }))).toMatchObject({ joined: 1, recorded: 0 });
    expect(await b.ingest(alert({ id: "a-2", at: EARLY }))).toMatchObject({ joined: 1, recorded: 0 });
    expect(states(b)).toEqual(["superseded"]);
  });

  it("begins the next where it is newer", async () => {
    const b = bench({ mode: "approve" });
    await b.ingest(alert({ at: EARLY }));
    await b.ingest(alert({ at: AT, status: "Resolved" }));
    expect(await b.ingest(alert({ id: "a-2", at: LATE }))).toMatchObject({ recorded: 1 });
    expect(states(b).toSorted()).toEqual(["awaiting-approval", "superseded"]);
    expect(b.broken()).toEqual([]);
  });

  it("begins the next also in the batch that brings the end of the one before", async () => {
    const b = bench({ mode: "approve" });
    await b.ingest(alert({ at: EARLY }));
    const counts = await b.ingest(alert({ id: "a-2", at: LATE }), alert({ at: AT, status: "Resolved" }));
    expect(counts).toMatchObject({ recorded: 1, joined: 1 });
    expect(states(b).toSorted()).toEqual(["awaiting-approval", "superseded"]);
  });
});

describe("a recommendation that is healthy again, or was deleted", () => {
  const named = (text: string): string =>
    text.replace('{ kind: alert, key: "K8S.NODE_*" }', '{ kind: recommendation, key: "k-1" }');
  const state = (code: string, at: string, action = "Insert"): Uint8Array =>
    new TextEncoder().encode(
      JSON.stringify({
        id: `${CLUSTER}/providers/Microsoft.Security/assessments/k-1`,
        name: "k-1",
        type: "Microsoft.Security/assessments",
        assessmentEventDataEnrichment: { action },
        properties: {
          resourceDetails: { Source: "Azure", Id: CLUSTER },
          status: { code, statusChangeDate: at },
          additionalData: { K8sClusterId: CLUSTER, Namespace: "shop", PodName: "web-1" },
        },
      }),
    );

  it.each([
    ["healthy", state("Healthy", LATE)],
    ["deleted", state("Unhealthy", LATE, "Delete")],
    ["healthy, with the date of before", state("Healthy", AT)],
  ])("ends what waits for approval: %s", async (_name, closing) => {
    const b = bench({ configuration: configuration("approve", named) });
    expect(await b.ingest(state("Unhealthy", AT))).toMatchObject({ recorded: 1 });
    expect(states(b)).toEqual(["awaiting-approval"]);
    expect(await b.ingest(closing)).toMatchObject({ joined: 1 });
    expect(states(b)).toEqual(["superseded"]);
    expect(b.broken()).toEqual([]);
  });

  it("begins the next when it is unhealthy once more, and nothing when that comes out of order", async () => {
    const b = bench({ configuration: configuration("approve", named) });
    await b.ingest(state("Unhealthy", EARLY));
    await b.ingest(state("Healthy", LATE));
    expect(await b.ingest(state("Unhealthy", AT))).toMatchObject({ joined: 1 });
    expect(states(b)).toEqual(["superseded"]);
    expect(await b.ingest(state("Unhealthy", "2026-03-02T07:58:00.000Z"))).toMatchObject({ recorded: 1 });
    expect(states(b).toSorted()).toEqual(["awaiting-approval", "superseded"]);
  });
});

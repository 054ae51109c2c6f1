import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { pause, resume } from "../../src/engine/pauses.ts";
import { revert } from "../../src/engine/revert.ts";
import { Refused, Retryable } from "../../src/model/errors.ts";
import type { EvidenceStore } from "../../src/model/evidence-port.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { decodeAudit } from "../../src/store/record-rows.ts";
import { evidenceOf, node, pod } from "../playbooks/cluster-objects.ts";
import { startCluster } from "../playbooks/start-cluster.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { sweepAfter } from "./processes.ts";

const ANN = { who: "ann", id: "t/ann", why: "a change freeze" };
const ALL = { kind: "all" } as const;

/** A cluster with the alert's pod, a rule that collects evidence of it, and what the store does at each write. */
async function collecting(
  mode: string,
  more: {
    readonly beside?: string;
    readonly put?: EvidenceStore["put"];
    readonly store?: false;
    readonly held?: true;
  } = {},
) {
  const metadata = { labels: { app: "web" }, creationTimestamp: "2026-01-01T00:00:00Z" };
  const { cluster, ports: open } = await startCluster([node("n1"), pod("web-1", { metadata })]);
  const { read, write } = open;
  // The time limit of planning is a real one: what is loaded with its first use is loaded here.
  await read.kubernetes("").namespace("shop");
  cluster.clear();
  const kept = evidenceOf(cluster);
  const evidence = { ...kept, ...(more.put === undefined ? {} : { put: more.put }) };
  const store = more.store === false ? {} : { evidence };
  const ports = {
    read: { kubernetes: read.kubernetes, ...store },
    write: { kubernetes: write.kubernetes, ...store },
  };
  const rule = (text: string): string =>
    text.replace("{ name: quarantine, ttl: 8h }", `{ name: collect-evidence }${more.beside ?? ""}`);
  const b = bench({
    configuration: configuration(mode, rule, playbooks),
    engine: {
      ports,
      playbooks: new Map(playbooks.map((one) => [one.name, one])),
      ...(more.held === undefined ? {} : { held: true }),
    },
  });
  return { b, cluster, kept };
}

function recordOf(b: Bench, playbook = "collect-evidence"): Remediation {
  const record = b.records().find((one) => one.playbook === playbook);
  if (record === undefined) throw new Error(`there is no record of ${playbook}`);
  return record;
}

const hashOf = (bytes: Uint8Array | undefined): string =>
  createHash("sha256")
    .update(bytes ?? "")
    .digest("hex");

describe("evidence of an alert", () => {
  it("is kept without asking anybody, and its hash is on record and in the history that is chained", async () => {
    const { b, kept } = await collecting("enforce");
    await b.ingest(alert());
    const record = recordOf(b);
    const name = `${record.id}/manifest.json`;
    const sha256 = hashOf(kept.files.get(name));
    expect(record).toMatchObject({
      state: "done",
      proof: "proved",
      remains: [],
      kept: { place: "memory/evidence", manifest: name, sha256 },
      reason: `done (proved); kept at memory/evidence/${name}, sha256 ${sha256}`,
    });
    const history = b.table
      .snapshot()
      .filter(({ key }) => key.startsWith(`a!${record.id}!`))
      .map(decodeAudit);
    expect(history.at(-1)).toMatchObject({ after: "done", details: { kept: { manifest: name, sha256 } } });
    await sweepAfter(b, 1);
    expect(b.sent.map(({ kind }) => kind)).toEqual(["ended"]);
    expect(b.broken()).toEqual([]);
  });

  it("is partial on record with what could not be had", async () => {
    const { b, cluster } = await collecting("enforce");
    cluster.faults.add({ match: { path: "/log" }, times: 9, answer: { kind: "status", status: 500 } });
    await b.ingest(alert());
    expect(recordOf(b)).toMatchObject({
      state: "done",
      proof: "partial",
      remains: ["No logs/web.log: its node did not give it (500)."],
      kept: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  it("never holds up the isolation that the same rule asks for, and comes once its store is there", async () => {
    const away = { isAway: true };
    const real: { kept?: EvidenceStore } = {};
    const { b, kept } = await collecting("enforce", {
      beside: ", { name: isolate-pod, ttl: 8h }",
      put: async (name, bytes) => {
        if (away.isAway || real.kept === undefined) {
          throw new Retryable("no answer", "It is tried again.", { retryAfterMs: 1_000 });
        }
        return real.kept.put(name, bytes);
      },
    });
    real.kept = kept;
    await b.ingest(alert());
    expect(recordOf(b, "isolate-pod")).toMatchObject({ state: "in-force" });
    expect(recordOf(b)).toMatchObject({ state: "applying" });
    away.isAway = false;
    await sweepAfter(b, 10);
    expect(recordOf(b)).toMatchObject({ state: "done", proof: "proved" });
  });

  it("is kept whole though its pod goes in between", async () => {
    const real: { gone?: () => void; kept?: EvidenceStore } = {};
    const { b, cluster, kept } = await collecting("enforce", {
      put: async (name, bytes) => {
        real.gone?.();
        return real.kept === undefined ? "there" : real.kept.put(name, bytes);
      },
    });
    real.kept = kept;
    real.gone = () => void cluster.seed([pod("web-1", { metadata: { uid: "uid-of-another" } })]);
    await b.ingest(alert());
    expect(recordOf(b)).toMatchObject({ state: "done", proof: "proved" });
  });

  it("goes on with the next run where the time of one is used up", async () => {
    const real: { pass?: () => void; kept?: EvidenceStore } = {};
    const { b, kept } = await collecting("enforce", {
      put: async (name, bytes) => {
        real.pass?.();
        return real.kept === undefined ? "there" : real.kept.put(name, bytes);
      },
    });
    real.kept = kept;
    real.pass = () => b.clock.pass(12_000);
    await b.ingest(alert());
    expect(recordOf(b)).toMatchObject({ state: "applying", touched: true });
    const first = [...kept.files.keys()];
    expect(first.length).toBeLessThan(5);
    delete real.pass;
    await sweepAfter(b, 10);
    expect(recordOf(b)).toMatchObject({ state: "done", proof: "proved" });
    expect([...kept.files.keys()]).toEqual(expect.arrayContaining(first));
  });

  it("waits for a pause to end, as every write does", async () => {
    const { b, kept } = await collecting("enforce");
    await pause(b.engine, ALL, ANN);
    await b.ingest(alert());
    expect(recordOf(b)).toMatchObject({
      state: "applying",
      reason: "held: ann paused everything: a change freeze",
    });
    expect(kept.files.size).toBe(0);
    await resume(b.engine, ALL, ANN);
    await sweepAfter(b, 1);
    expect(recordOf(b)).toMatchObject({ state: "done", proof: "proved" });
  });

  it("is held by the kill switch", async () => {
    const { b, kept } = await collecting("enforce", { held: true });
    await b.ingest(alert());
    expect(recordOf(b)).toMatchObject({ state: "applying", reason: expect.stringContaining("REFLEX_MODE") });
    expect(kept.files.size).toBe(0);
  });

  it.each([
    ["observe", "observed"],
    ["approve", "awaiting-approval"],
  ])("is only planned where the rule is at %s", async (mode, state) => {
    const { b, kept } = await collecting(mode);
    await b.ingest(alert());
    expect(recordOf(b)).toMatchObject({ state });
    expect(kept.files.size).toBe(0);
  });

  it("is refused, with the setting that is missing, where there is nowhere to keep it", async () => {
    const { b } = await collecting("enforce", { store: false });
    await b.ingest(alert());
    expect(recordOf(b)).toMatchObject({
      state: "refused",
      reason: expect.stringContaining("Set REFLEX_EVIDENCE__blobServiceUri"),
    });
  });

  it("is never taken back", async () => {
    const { b, kept } = await collecting("enforce");
    await b.ingest(alert());
    const before = new Map(kept.files);
    await expect(revert(b.engine, recordOf(b).id, ANN)).rejects.toThrow(Refused);
    expect(new Map(kept.files)).toEqual(before);
  });
});

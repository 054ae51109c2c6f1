import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { confirm } from "../../src/engine/confirm.ts";
import { referenceOf } from "../../src/engine/defender-reference.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { sweep } from "../../src/engine/sweep.ts";
import type { DefenderPort, DefenderRecord, DefenderReference } from "../../src/model/defender-port.ts";
import { Permanent, Retryable } from "../../src/model/errors.ts";
import type { SignalSummary } from "../../src/model/remediation.ts";
import { noDefender } from "./fixtures.ts";
import { alert, type Bench, bench, summaryOf } from "./harness.ts";
import { knowingDefender } from "./known-alerts.ts";
import { CLUSTER, SUBSCRIPTION } from "./world.ts";

const NOW = "2026-03-02T08:00:00.000Z";
const OTHER_CLUSTER = CLUSTER.replace(/prod$/, "test");

type Asked = Parameters<typeof confirm>[1];

/** What is asked about, as the record of a claim of just now holds it. */
function asked(signal: Partial<SignalSummary> = {}, more: Partial<Asked> = {}): Asked {
  return {
    signal: { ...summaryOf(alert()), ...signal },
    target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" },
    rule: { maxAgeMs: 86_400_000 } as Asked["rule"],
    clusterByRule: false,
    createdAt: NOW,
    ...more,
  };
}

/** An engine whose Defender says what it knows, changed. */
function engineWith(change: (record: DefenderRecord) => DefenderRecord | null = (record) => record): Engine {
  const known = knowingDefender();
  const defender: DefenderPort = {
    find: async (reference) => {
      const record = await known.find(reference);
      return record === null ? null : change(record);
    },
  };
  return bench({ engine: { defender } }).engine;
}

const saying = (more: Partial<DefenderRecord>): Engine => engineWith((record) => ({ ...record, ...more }));
const raising = (error: unknown): Engine =>
  bench({ engine: { defender: { find: () => Promise.reject(error) } } }).engine;

/** Another body for Defender's record: the same alert about something else. */
function bodyOf(more: Parameters<typeof alert>[0], from = "", to = ""): unknown {
  return JSON.parse(new TextDecoder().decode(alert(more)).replaceAll(from, to));
}

describe("an alert that Defender is asked about", () => {
  it("is confirmed where Defender says the same", async () => {
    expect(await confirm(engineWith(), asked())).toBeNull();
  });

  it("is confirmed in whatever casing ids and words are written", async () => {
    const shouting = engineWith((record) => ({
      ...record,
      id: record.id.toUpperCase(),
      key: record.key?.toUpperCase() ?? null,
      severity: "HIGH",
      resourceIds: [`${CLUSTER.toUpperCase()}/`],
    }));
    expect(await confirm(shouting, asked())).toBeNull();
  });

  it("is confirmed where only another part of the record moved on since its export", async () => {
    expect(await confirm(saying({ at: NOW, resourceIds: [OTHER_CLUSTER, CLUSTER] }), asked())).toBeNull();
  });

  it("is not asked about where a person runs a playbook", async () => {
    expect(await confirm(raising(new Error("nobody asks")), asked({ kind: "manual" }))).toBeNull();
  });

  const DISAGREEMENTS: readonly (readonly [string, Partial<DefenderRecord>, RegExp])[] = [
    ["another id", { id: "a-2" }, /another record/],
    ["another type", { key: "K8S.NODE_Webshell" }, /calls it K8S.NODE_Webshell/],
    ["a sample's type", { key: "SIMULATED_K8S.NODE_CryptoCoinMinerExecution" }, /calls it SIMULATED_/],
    ["no type", { key: null }, /calls it nothing/],
    [
      "another resource",
      { resourceIds: [OTHER_CLUSTER], body: bodyOf({}, CLUSTER, OTHER_CLUSTER) },
      /resource that the export names/,
    ],
    [
      "no resource",
      { resourceIds: [], body: { AlertType: "x", SystemAlertId: "a-1" } },
      /resource that the export names/,
    ],
    ["another pod", { body: bodyOf({ pod: "web-2" }) }, /the pod that the export names/],
    ["another namespace", { body: bodyOf({ namespace: "pay" }) }, /the namespace that the export names/],
    ["nothing that can be read", { body: "<html>" }, /no record that can be read/],
    ["a sample", { body: bodyOf({}, "A miner", "[SAMPLE ALERT] A miner") }, /a sample/],
    ["another severity", { severity: "Low" }, /severity Low, the export High/],
    ["no severity", { severity: null }, /severity unknown/],
    ["that it was dismissed", { open: false, status: "Dismissed" }, /no longer open \(Dismissed\)/],
    ["that it is old", { at: "2026-03-01T07:59:59.999Z" }, /older than the rule allows/],
    ["no time", { at: null }, /time \(unknown\)/],
    ["no time that can be read", { at: "yesterday" }, /time \(yesterday\)/],
    ["an earlier time than the export", { at: "2026-03-02T06:49:59.999Z" }, /made to look younger/],
  ];
  it.each(DISAGREEMENTS)("needs a person where Defender says %s", async (_name, more, reason) => {
    expect(await confirm(saying(more), asked())).toMatch(reason);
  });

  it("has a sentence of its own for each disagreement", async () => {
    const told = await Promise.all(DISAGREEMENTS.map(([, more]) => confirm(saying(more), asked())));
    // Two resources, two names of resources, and two unreadable things share theirs.
    expect(new Set(told).size).toBeGreaterThanOrEqual(DISAGREEMENTS.length - 1);
  });

  it("is never confirmed where any one thing that it says is not what Defender says", async () => {
    const alter: Record<string, fc.Arbitrary<Partial<Asked>>> = {
      key: fc.string().map((key) => ({ signal: { ...asked().signal, key } })),
      severity: fc
        .constantFrom("Informational", "Low", "Medium", "Critical", null)
        .map((severity) => ({ signal: { ...asked().signal, severity } as SignalSummary })),
      resource: fc.tuple(fc.string(), fc.string()).map((names) => ({
        signal: { ...asked().signal, resourceIds: [`${CLUSTER}x${names.join("/")}`, CLUSTER] },
      })),
      target: fc.string({ minLength: 1 }).map((name) => ({
        target: { kind: "pod", cluster: `${CLUSTER}${name}x`, namespace: "shop", name: "web-1" },
      })),
      named: fc
        .tuple(
          fc.constantFrom("namespace", "pod", "workload", "image", "digest", "container", "finding"),
          fc.string(),
        )
        .map(([what, name]) => ({
          signal: { ...asked().signal, named: { ...asked().signal.named, [what]: `${name}!` } },
        })),
      age: fc.integer({ min: 600_001, max: 1e9 }).map((ms) => ({
        rule: { maxAgeMs: 1_200_000 - ms } as Asked["rule"],
      })),
      time: fc.integer({ min: 3_600_001, max: 1e12 }).map((ms) => ({
        signal: {
          ...asked().signal,
          at: new Date(Date.parse("2026-03-02T07:50:00.000Z") + ms).toISOString(),
        },
      })),
    };
    const engine = engineWith();
    for (const [field, altered] of Object.entries(alter)) {
      await fc.assert(
        fc.asyncProperty(altered, async (more) => {
          expect(await confirm(engine, asked({}, more)), field).toEqual(expect.any(String));
        }),
        { numRuns: 50 },
      );
    }
  });

  it("needs no cluster of its own where the operator's rule names the cluster", async () => {
    const elsewhere: Asked["target"] = {
      kind: "pod",
      cluster: OTHER_CLUSTER,
      namespace: "shop",
      name: "web-1",
    };
    expect(await confirm(engineWith(), asked({}, { target: elsewhere }))).toMatch(/target's cluster/);
    expect(await confirm(engineWith(), asked({}, { target: elsewhere, clusterByRule: true }))).toBeNull();
  });

  it("needs a person where the export does not say where it is kept, and Defender is not asked", async () => {
    const engine = raising(new Error("nobody asks"));
    expect(await confirm(engine, asked({ reference: null }))).toMatch(/does not say where Defender keeps/);
  });

  it.each([
    [
      "refuses",
      new Permanent("Azure answered 403 to: read it.", "Grant the right."),
      /403 to: read it\. Grant/,
    ],
    ["is down", new Retryable("Azure answered 503.", "Wait.", { retryAfterMs: 1_000 }), /503\. Wait/],
    ["fails in a way that nobody knows", new TypeError("secret"), /unexpected fault \(TypeError\)/],
  ])("needs a person where Defender %s", async (_how, error, reason) => {
    expect(await confirm(raising(error), asked())).toMatch(reason);
  });

  it("needs a person where Defender says nothing for three seconds", async () => {
    const { engine } = bench({ engine: { defender: { find: () => new Promise<never>(() => {}) } } });
    expect(await confirm(engine, asked())).toMatch(/could not be asked .* longer than 3000 ms/);
  });

  it("is asked for again while it is new and Defender does not show it yet, and then needs a person", async () => {
    const b = bench({ engine: { defender: noDefender } });
    await expect(confirm(b.engine, asked())).rejects.toMatchObject({
      kind: "retryable",
      retryAfterMs: 10_000,
    });
    b.clock.pass(59_999);
    await expect(confirm(b.engine, asked())).rejects.toBeInstanceOf(Retryable);
    b.clock.pass(1);
    expect(await confirm(b.engine, asked())).toBe("Defender does not know this alert");
    expect(await confirm(b.engine, asked({}, { createdAt: "never" }))).toBe(
      "Defender does not know this alert",
    );
  });
});

describe("where Defender keeps a record", () => {
  const of = (body: object): DefenderReference | null => {
    const summary = summaryOf(new TextEncoder().encode(JSON.stringify(body)));
    return summary.reference;
  };
  const assessed = (id: string, more: object = {}) => ({
    type: "Microsoft.Security/assessments",
    id,
    name: "5d90913f-a1c5-4429-ad54-2c6c17fb3c73",
    properties: { status: { code: "Unhealthy" } },
    ...more,
  });
  const KEY = "5d90913f-a1c5-4429-ad54-2c6c17fb3c73";
  const ID = `${CLUSTER}/providers/Microsoft.Security/assessments/${KEY}`;

  it("is said by its link, or by its id", () => {
    expect(summaryOf(alert()).reference).toMatchObject({
      kind: "alert",
      subscriptionId: SUBSCRIPTION,
      resourceGroup: "shop",
      name: "a-1",
    });
    expect(of(assessed(ID))).toEqual({ kind: "assessment", resourceId: CLUSTER, key: KEY });
    const finding = { type: "Microsoft.Security/assessments/subAssessments" };
    expect(of(assessed(`${ID}/subassessments/f-1`, finding))).toEqual({
      kind: "sub-assessment",
      resourceId: CLUSTER,
      key: KEY,
      name: "f-1",
    });
  });

  it("is not known where no address can be made of what the export says", () => {
    const signal = { ...JSON.parse(new TextDecoder().decode(alert())) };
    for (const more of [{ AlertUri: null }, { AlertUri: "https://x/location/" }, { SystemAlertId: "../x" }]) {
      expect(of({ ...signal, ...more })).toBeNull();
    }
    expect(
      of({ ...signal, AzureResourceId: "/subscriptions/1", ResourceIdentifiers: [], Entities: [] }),
    ).toBeNull();
    expect(of(assessed("/providers/Microsoft.Security/assessments/x"))).toBeNull();
    expect(of(assessed(`/subscriptions/1/providers/Microsoft.Security/assessments/${KEY}`))).toBeNull();
    expect(of(assessed(`${ID}/subassessments/f-1`))).toBeNull();
    expect(referenceOf({ kind: "other" } as Parameters<typeof referenceOf>[0])).toBeNull();
  });
});

/** A bench whose Defender can be told what to say of all that it knows. */
function doubting(mode = "enforce"): Bench & {
  asked: readonly DefenderReference[];
  answer: (record: DefenderRecord) => Promise<DefenderRecord | null> | DefenderRecord | null;
} {
  const known = knowingDefender();
  const state = {
    asked: known.asked,
    answer: (record: DefenderRecord): Promise<DefenderRecord | null> | DefenderRecord | null => record,
  };
  const defender: DefenderPort = {
    find: async (reference) => {
      const record = await known.find(reference);
      return record === null ? null : state.answer(record);
    },
  };
  return Object.assign(state, bench({ mode, engine: { defender } }));
}

/** The same alert as somebody makes it up who can send to the hub. */
function forged(more: Record<string, unknown>): Uint8Array {
  const real = JSON.parse(new TextDecoder().decode(alert()));
  return new TextEncoder().encode(JSON.stringify({ ...real, ...more }));
}

async function sweepFor(b: Bench, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 10) {
    b.clock.pass(10_000);
    await sweep(b.engine);
  }
}

describe("an alert that came through the hub", () => {
  it("is acted upon at once where Defender confirms it, with one question", async () => {
    const b = doubting();
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
    expect(b.asked).toHaveLength(1);
    expect(b.world.effects).toHaveLength(1);
  });

  const FORGERIES: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
    ["is unknown to Defender", { SystemAlertId: "a-9" }, /does not know/],
    [
      "bears the id of a real one about another pod",
      { Entities: JSON.parse(new TextDecoder().decode(alert({ pod: "web-2" }))).Entities },
      /the pod/,
    ],
    ["is made severer", { Severity: "Medium" }, /severity/],
    ["is made another type", { AlertType: "K8S.NODE_Webshell" }, /calls it/],
    ["is made to look younger", { EndTimeUtc: "2026-03-02T09:10:00.000Z" }, /younger/],
    ["does not say where it is kept", { AlertUri: "" }, /does not say/],
  ];
  it.each(FORGERIES)("awaits approval and changes nothing where it %s", async (_how, more, reason) => {
    const b = doubting();
    b.world.addPod("web-2");
    await b.ingest(forged(more));
    await sweepFor(b, 120);
    expect(b.records()).toMatchObject([
      { state: "awaiting-approval", reason: expect.stringMatching(reason) },
    ]);
    expect(b.world.effects).toEqual([]);
    expect(b.sent.map(({ kind }) => kind)).toContain("awaiting-approval");
    expect(b.broken()).toEqual([]);
  });

  it.each<readonly [string, (record: DefenderRecord) => DefenderRecord | Promise<DefenderRecord>]>([
    ["was dismissed meanwhile", (record) => ({ ...record, open: false, status: "Dismissed" })],
    ["is about another resource", (record) => ({ ...record, resourceIds: [OTHER_CLUSTER], body: {} })],
    ["has another severity", (record) => ({ ...record, severity: "Low" })],
    ["is too old", (record) => ({ ...record, at: "2026-02-01T00:00:00.000Z" })],
    ["cannot be asked for", () => Promise.reject(new Retryable("down", "Wait.", { retryAfterMs: 1 }))],
    ["may not be read", () => Promise.reject(new Permanent("403", "Grant it."))],
  ])("awaits approval and changes nothing where it %s", async (_how, answer) => {
    const b = doubting();
    b.answer = answer;
    await b.ingest(alert());
    await sweepFor(b, 60);
    expect(b.records()).toMatchObject([{ state: "awaiting-approval", mode: "approve" }]);
    expect(b.world.effects).toEqual([]);
  });

  it("is acted upon when Defender shows it after half a minute", async () => {
    const b = doubting();
    b.answer = (record) => (b.clock.now() < new Date("2026-03-02T08:00:30.000Z") ? null : record);
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "pending", reason: expect.stringMatching(/does not show/) }]);
    await sweepFor(b, 20);
    expect(b.records()).toMatchObject([{ state: "pending" }]);
    expect(b.world.effects).toEqual([]);
    await sweepFor(b, 20);
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
    expect(b.world.effects).toHaveLength(1);
    expect(b.asked.length).toBeLessThanOrEqual(5);
  });

  it("is asked about only where something would be changed without a person", async () => {
    for (const mode of ["observe", "approve"]) {
      const b = doubting(mode);
      await b.ingest(alert(), alert({ id: "a-2", key: "VM_Bruteforce" }), alert({ id: "a-3", key: "Other" }));
      expect(b.asked, mode).toEqual([]);
      expect(b.records().length, mode).toBeGreaterThan(0);
    }
    const refused = doubting();
    refused.world.addPod("web-1", { namespace: "kube-system" });
    await refused.ingest(alert({ namespace: "kube-system" }));
    expect(refused.asked).toEqual([]);
    expect(refused.records()).toMatchObject([{ state: "refused" }]);
  });

  it("is asked about once for each change, and not for what is known already", async () => {
    const b = doubting();
    const names = ["web-1", "web-2", "web-3", "web-4"];
    for (const name of names.slice(1)) b.world.addPod(name);
    const batch = names.map((pod, index) => alert({ id: `a-${index}`, pod }));
    await b.ingest(...batch);
    await b.ingest(...batch);
    expect(b.records()).toHaveLength(4);
    expect(b.asked).toHaveLength(4);
  });

  it("in another subscription than its target's is refused before anybody is asked", async () => {
    const other = SUBSCRIPTION.replace(/3333$/, "4444");
    const b = doubting();
    const body = new TextDecoder().decode(alert());
    const swapped = body.replace(
      `"AzureResourceId":"${CLUSTER}"`,
      `"AzureResourceId":"/subscriptions/${other}/resourceGroups/x/providers/Microsoft.Compute/virtualMachines/v"`,
    );
    await b.ingest(new TextEncoder().encode(swapped));
    expect(b.records()).toMatchObject([
      { state: "refused", reason: expect.stringMatching(/own subscription/) },
    ]);
    expect([b.world.effects, b.asked]).toEqual([[], []]);
  });
});

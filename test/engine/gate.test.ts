import { describe, expect, it } from "vitest";
import { begin } from "../../src/engine/begin.ts";
import { OPT_OUT } from "../../src/engine/guard.ts";
import { revert } from "../../src/engine/revert.ts";
import { Permanent, Retryable } from "../../src/model/errors.ts";
import type { Namespace } from "../../src/model/kubernetes-objects.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { sweepAfter } from "./processes.ts";
import { twoWriteBench, twoWriteRules, written } from "./two-writes.ts";
import { CLUSTER } from "./world.ts";

const ANN = { who: "ann", id: "t/ann", why: "a drill" };
const DENY = "scope: { deny: [ { namespace: shop } ] }";

/** From now on the bench works with another configuration. */
function reconfigure(b: Bench, of: ReturnType<typeof twoWriteRules>): void {
  Object.assign(b.engine, { configuration: of });
}

/** From now on the namespace of every pod is another one than it was. */
function changeNamespace(b: Bench, more: Partial<Namespace>): void {
  const kubernetes = b.engine.ports.read.kubernetes.bind(b.engine.ports.read);
  const read = {
    kubernetes: (id: string) => ({
      ...kubernetes(id),
      namespace: async (name: string) => ({ name, uid: `uid-${name}`, labels: {}, annotations: {}, ...more }),
    }),
  };
  Object.assign(b.engine, { ports: { ...b.engine.ports, read } });
}

describe("between two writes of one run", () => {
  const changes: readonly (readonly [string, (b: Bench) => void, RegExp])[] = [
    [
      "its owner opts out",
      (b) => b.world.change("web-1", { annotations: { [OPT_OUT]: "true" } }),
      /its owner opted out/,
    ],
    [
      "the owner of its namespace opts out",
      (b) => changeNamespace(b, { labels: { [OPT_OUT]: "" } }),
      /its owner opted out/,
    ],
    [
      "its namespace becomes protected",
      (b) => reconfigure(b, twoWriteRules("", "protected: { namespaces: [shop] }")),
      /namespace shop is protected/,
    ],
    ["the scope denies it", (b) => reconfigure(b, twoWriteRules("", DENY)), /the scope denies it/],
  ];

  it.each(changes)("the second does not follow where %s", async (_name, change, reason) => {
    const b = twoWriteBench(change, { kind: "containment" });
    await b.ingest(alert());
    expect(written(b)).toEqual(["first"]);
    // Half a containment stands, on record and with its deadline.
    expect(b.records()).toMatchObject([
      { state: "in-force", proof: "partial", touched: true, deadline: expect.any(String) },
    ]);
    expect(b.records()[0]?.remains).toEqual(["label second is missing", expect.stringMatching(reason)]);
    expect(b.broken()).toEqual([]);
  });

  it.each([
    ["the ceiling falls", (b: Bench) => reconfigure(b, { ...twoWriteRules(), ceiling: "observe" })],
    ["the rule's window closes", (b: Bench) => b.clock.pass(12_000)],
    [
      "an exception begins to cover it",
      (b: Bench) =>
        reconfigure(
          b,
          twoWriteRules(
            "",
            "exceptions: [ { name: x, owner: ann@e.com, reason: test, until: 2026-12-31, rule: miners } ]",
          ),
        ),
    ],
    ["another object takes its name", (b: Bench) => b.world.addPod("web-1", { labels: { app: "new" } })],
  ])("the second does not follow where %s, and the first is taken back", async (_name, change) => {
    const night = "    windows: [ { from: '07:00', to: '08:00', timezone: UTC, mode: enforce } ]\n";
    const windowed = twoWriteRules(night).rules.map((rule) => ({ ...rule, mode: "approve" as const }));
    const b = twoWriteBench(change, { configuration: { ...twoWriteRules(), rules: windowed } });
    b.clock.pass(-10_000);
    await b.ingest(alert());
    expect(b.world.effects.filter(({ change: of }) => "second" in of)).toEqual([]);
    expect(written(b)).toEqual([]);
    expect(b.records()).toMatchObject([{ state: "superseded" }]);
  });

  it("the second does not follow where the target cannot be read, until it can", async () => {
    let down = false;
    const b = twoWriteBench(() => {
      down = true;
    });
    b.world.before = async (call) => {
      if (down && call.startsWith("namespace")) {
        throw new Retryable("the cluster does not answer", "Wait.", { retryAfterMs: 1_000 });
      }
    };
    await b.ingest(alert());
    expect(written(b)).toEqual(["first"]);
    expect(b.records()).toMatchObject([{ state: "applying", touched: true, attempts: 1 }]);
    down = false;
    await sweepAfter(b, 1);
    expect(written(b)).toEqual(["first", "second"]);
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
  });

  it("nothing follows where reading is forbidden, and what was written is taken back", async () => {
    const b = twoWriteBench(() => {
      Object.assign(b.engine, {
        configuration: twoWriteRules("", "scope: { deny: [ { tags: { stage: live } } ] }"),
        azure: { ...b.engine.azure, tags: () => Promise.reject(new Permanent("403", "Grant it.")) },
      });
    });
    await b.ingest(alert());
    expect(b.world.effects.filter(({ change }) => change["second"] === "yes")).toEqual([]);
    // It cannot be told that it may be touched: so it is not, and that is told.
    expect(b.records()).toMatchObject([{ state: "reverting" }]);
    Object.assign(b.engine, { azure: { ...b.engine.azure, tags: () => Promise.resolve({ stage: "test" }) } });
    await sweepAfter(b, 61);
    expect(written(b)).toEqual([]);
  });
});

describe("the first write after planning", () => {
  const spoil = (b: Bench, change: (b: Bench) => void): void => {
    let planned = false;
    b.world.before = async (call) => {
      // The plan has been made, guarded and claimed: what is read now is read for the write.
      if (planned || call !== "read web-1" || b.records().length === 0) return;
      planned = true;
      change(b);
    };
  };

  it("is not begun where the target was protected meanwhile, and nothing is", async () => {
    const b = bench();
    spoil(b, () => b.world.change("web-1", { labels: { app: "web", [OPT_OUT]: "yes" } }));
    await b.ingest(alert());
    expect(b.world.effects).toEqual([]);
    expect(b.records()).toMatchObject([{ state: "refused", touched: false, dueRow: null }]);
    expect(b.records()[0]?.reason).toContain("opted out");
  });

  it("is not begun on another object", async () => {
    const b = bench();
    spoil(b, () => b.world.addPod("web-1"));
    await b.ingest(alert());
    expect(b.world.effects).toEqual([]);
    expect(b.records()[0]?.state).toBe("superseded");
  });

  it.each([
    ["observe", "observed", ["observed"]],
    ["approve", "awaiting-approval", ["awaiting-approval"]],
    ["off", "skipped", []],
  ] as const)("is not begun under a ceiling that fell to %s: it ends as %s", async (ceiling, state, told) => {
    const b = bench();
    spoil(b, () => Object.assign(b.engine, { configuration: { ...b.engine.configuration, ceiling } }));
    await b.ingest(alert());
    await sweepAfter(b, 1);
    expect(b.world.effects).toEqual([]);
    expect(b.records()).toMatchObject([{ state, mode: ceiling, touched: false }]);
    expect(b.sent.map(({ kind }) => kind)).toEqual(told);
  });

  it("is read for once, and each further write once more", async () => {
    const reads: string[] = [];
    const b = twoWriteBench(() => undefined);
    b.world.before = async (call) => {
      if (b.records().length > 0) reads.push(call);
    };
    await b.ingest(alert());
    const once = ["read web-1", "read web-1", "namespace shop", "label web-1"];
    expect(reads).toEqual([...once, ...once, "read web-1"]);
  });
});

describe("what is taken back", () => {
  async function inForce(): Promise<Bench> {
    const b = bench();
    await b.ingest(alert());
    b.sent.length = 0;
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
    return b;
  }

  it.each([
    ["protected", (text: string) => text.replace("rules:", "protected: { namespaces: [shop] }\nrules:")],
    ["denied", (text: string) => text.replace("rules:", `${DENY}\nrules:`)],
  ])("is not touched where it is %s by now: told once, and tried every hour", async (_name, change) => {
    const b = await inForce();
    Object.assign(b.engine, { configuration: configuration("enforce", change) });
    const [record] = b.records();
    await revert(b.engine, record?.id ?? "", ANN);
    await sweepAfter(b, 1, 61, 61);
    expect(b.world.labelsOf("web-1")["quarantine"]).toBe(record?.id);
    expect(b.records()).toMatchObject([
      { state: "reverting", remains: [expect.stringContaining("by hand")] },
    ]);
    expect(b.sent.map(({ kind }) => kind)).toEqual(["failed"]);
    Object.assign(b.engine, { configuration: configuration("enforce") });
    await sweepAfter(b, 61);
    expect(b.world.labelsOf("web-1")["quarantine"]).toBeUndefined();
    expect(b.records()).toMatchObject([{ state: "reverted" }]);
    expect(b.broken()).toEqual([]);
  });

  it("is judged right before each write", async () => {
    const b = twoWriteBench(() => undefined);
    await b.ingest(alert());
    let writes = 0;
    b.world.after = async (call) => {
      if (call.startsWith("label") && ++writes === 1) {
        b.world.change("web-1", { annotations: { [OPT_OUT]: "true" } });
      }
    };
    await revert(b.engine, b.records()[0]?.id ?? "", ANN);
    expect(written(b)).toEqual(["second"]);
    expect(b.records()).toMatchObject([{ state: "reverting" }]);
  });

  it.each([
    ["the ceiling is off", { ceiling: "off" as const }],
    ["the scope allows it no more", { scope: { allow: [{ namespace: "other" }], deny: [] } }],
    ["its signal is old", {}],
  ])("is taken back although %s", async (_name, more) => {
    const b = await inForce();
    b.clock.pass(7 * 3_600_000);
    Object.assign(b.engine, { configuration: { ...b.engine.configuration, ...more } });
    await revert(b.engine, b.records()[0]?.id ?? "", ANN);
    expect(b.records()).toMatchObject([{ state: "reverted" }]);
    expect(b.world.labelsOf("web-1")["quarantine"]).toBeUndefined();
  });

  it("is let go where the object has gone, also in a namespace that is denied by now", async () => {
    const b = await inForce();
    b.world.pods.clear();
    Object.assign(b.engine, {
      configuration: configuration("enforce", (text) => text.replace("rules:", `${DENY}\nrules:`)),
    });
    await revert(b.engine, b.records()[0]?.id ?? "", ANN);
    expect(b.records()).toMatchObject([{ state: "reverted" }]);
  });
});

describe("a sample or a copy of the weekly snapshot", () => {
  it("is never acted upon, also by a rule that enforces and asks for it", async () => {
    for (const unreal of ["sample", "snapshot"] as const) {
      const b = twoWriteBench(() => undefined);
      await b.ingest(alert());
      const [record] = b.records();
      if (record === undefined) throw new Error("a record is wanted");
      const summary = { ...record.signal, identity: unreal, unreal };
      b.world.addPod("web-2");
      const before = b.world.effects.length;
      await begin(b.engine, {
        playbook: "two-labels",
        target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-2" },
        unresolved: false,
        decided: null,
        rule: record.rule,
        mode: "enforce",
        aside: false,
        evidence: [],
        clusterByRule: false,
        signals: [{ summary, signal: null, body: null }],
        requestedBy: null,
      });
      await sweepAfter(b, 1);
      expect(b.world.effects).toHaveLength(before);
      expect(b.records().find(({ signal }) => signal.unreal !== null)).toMatchObject({
        state: "observed",
        reason: expect.stringContaining(unreal),
      });
    }
  });
});

describe("an exception", () => {
  const excepted = (until: string, where = ""): string =>
    `exceptions: [ { name: load-test, owner: ann@e.com, reason: it mines on purpose, until: ${until}, key: "K8S.*"${where} } ]`;

  it("leaves alone what it covers, and says whose it is", async () => {
    const b = twoWriteBench(() => undefined, { configuration: twoWriteRules("", excepted("2026-03-02")) });
    await b.ingest(alert());
    expect(b.world.effects).toEqual([]);
    expect(b.records()).toMatchObject([{ state: "skipped" }]);
    expect(b.records()[0]?.reason).toMatch(/load-test of ann@e.com .*it mines on purpose/);
  });

  it("ends by itself", async () => {
    const b = twoWriteBench(() => undefined, { configuration: twoWriteRules("", excepted("2026-03-01")) });
    await b.ingest(alert());
    expect(written(b)).toEqual(["first", "second"]);
  });

  it("covers only where it says, and where that cannot be told", async () => {
    for (const [where, count] of [
      [", where: { namespace: other }", 2],
      [", where: { namespace: shop }", 0],
      [", where: { managementGroup: mg-live }", 2],
    ] as const) {
      const b = twoWriteBench(() => undefined, {
        configuration: twoWriteRules("", excepted("2026-03-02", where)),
      });
      await b.ingest(alert());
      expect(b.world.effects).toHaveLength(count);
    }
    const b = twoWriteBench(() => undefined, {
      configuration: twoWriteRules("", excepted("2026-03-02", ", where: { tags: { stage: live } }")),
    });
    Object.assign(b.engine, { azure: { ...b.engine.azure, tags: () => Promise.resolve(null) } });
    await b.ingest(alert());
    expect(b.world.effects).toEqual([]);
  });
});

describe("tags and management groups", () => {
  const rules = twoWriteRules(
    "",
    "scope: { allow: [ { managementGroup: mg-live, tags: { stage: live } } ] }",
  );
  const azure = (tags: Record<string, string> | null, groups: readonly string[]) => ({
    tags: () => Promise.resolve(tags),
    managementGroups: () => Promise.resolve(groups),
  });

  it("are asked of Azure, and allow only what is surely so", async () => {
    for (const [tags, groups, count] of [
      [{ Stage: "live" }, ["mg-live"], 2],
      [{ Stage: "test" }, ["mg-live"], 0],
      [null, ["mg-live"], 0],
      [{ Stage: "live" }, [], 0],
    ] as const) {
      const b = twoWriteBench(() => undefined, { configuration: rules });
      Object.assign(b.engine, { azure: azure(tags, groups) });
      await b.ingest(alert());
      expect(b.world.effects).toHaveLength(count);
    }
  });

  it("are waited for where Azure does not answer, and never taken for granted", async () => {
    const b = twoWriteBench(() => undefined, { configuration: rules });
    const down = () =>
      Promise.reject(new Retryable("Azure does not answer", "Wait.", { retryAfterMs: 1_000 }));
    Object.assign(b.engine, { azure: { tags: down, managementGroups: down } });
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "pending" }]);
    await sweepAfter(b, 10, 10, 10, 10, 10, 10, 10, 10, 10);
    expect(b.world.effects).toEqual([]);
    expect(b.records()).toMatchObject([{ state: "failed" }]);
  });

  it("are not asked for where no scope names them", async () => {
    const b = twoWriteBench(() => undefined);
    const asked = (): never => {
      throw new Error("must not be asked");
    };
    Object.assign(b.engine, { azure: { tags: asked, managementGroups: asked } });
    await b.ingest(alert());
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
  });
});

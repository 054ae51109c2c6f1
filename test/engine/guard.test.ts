import { describe, expect, it } from "vitest";
import { type GuardQuestion, type GuardVerdict, guard, OPT_OUT, protection } from "../../src/engine/guard.ts";
import type { TargetFacts } from "../../src/engine/target-facts.ts";
import { MODES } from "../../src/model/mode.ts";
import type { RuleAsItWas, SignalSummary } from "../../src/model/remediation.ts";
import type { Exception } from "../../src/model/rule.ts";
import type { Approval } from "../../src/model/word.ts";
import { REAL, UNASKED, UNLIMITED } from "./fixtures.ts";
import { CLUSTER, SUBSCRIPTION } from "./world.ts";

const NOW = new Date("2026-03-02T08:00:00.000Z");
const HOUR = 3_600_000;

const FACTS: TargetFacts = {
  namespace: "shop",
  name: "web-1",
  uid: "uid-1",
  labels: { app: "web" },
  annotations: {},
  namespaceLabels: {},
  namespaceAnnotations: {},
  priorityClass: null,
  createdAt: "2026-03-01T00:00:00Z",
  resource: CLUSTER,
  ...UNASKED,
};

const APPROVAL: Approval = {
  who: "ann",
  id: "t/ann",
  why: "seen",
  at: "2026-03-02T07:59:00.000Z",
  planHash: "h",
};

const EXCEPTION: Exception = {
  name: "load test",
  owner: "ann@example.com",
  reason: "it mines on purpose",
  until: "2026-04-01T00:00:00Z",
  rule: null,
  playbook: null,
  key: null,
  where: null,
};

const RULE: RuleAsItWas = {
  name: "miners",
  mode: "enforce",
  ttlMs: null,
  cooldownMs: 0,
  maxAgeMs: 24 * HOUR,
  notify: [],
  labels: {},
  parameters: {},
  releaseWhenResolved: false,
  ...UNLIMITED,
  configuration: "",
};

const SIGNAL: SignalSummary = {
  identity: "a-1",
  id: "a-1",
  kind: "alert",
  key: null,
  title: null,
  severity: "High",
  subscriptionId: SUBSCRIPTION,
  at: "2026-03-02T07:50:00.000Z",
  startedAt: "2026-03-02T07:50:00.000Z",
  resourceIds: [],
  ...REAL,
};

interface Asked extends Partial<Omit<GuardQuestion, "record" | "facts" | "playbook" | "scope">> {
  facts?: Partial<TargetFacts>;
  signal?: Partial<SignalSummary>;
  rule?: Partial<RuleAsItWas>;
  record?: Partial<GuardQuestion["record"]>;
  playbook?: Partial<GuardQuestion["playbook"]>;
  scope?: Partial<GuardQuestion["scope"]>;
}

function ask({ facts, signal, rule, record, playbook, scope, ...more }: Asked = {}): GuardVerdict {
  return guard({
    record: {
      mode: "enforce",
      clusterByRule: false,
      approval: null,
      createdAt: NOW.toISOString(),
      ...record,
      signal: { ...SIGNAL, ...signal },
      rule: { ...RULE, ...rule },
    },
    playbook: { name: "quarantine", kind: "containment", highImpact: false, reversible: true, ...playbook },
    facts: { ...FACTS, ...facts },
    scope: { allow: [], deny: [], ...scope },
    ceiling: "enforce",
    protectedNamespaces: [],
    exception: null,
    tripped: null,
    byPerson: signal?.kind === "manual",
    touched: false,
    now: NOW,
    episodes: 1,
    ...more,
  });
}

const go = (mode = "enforce", lowered: unknown = null): object => ({ verdict: "go", mode, lowered });
const refused = (reason: string): unknown => ({ verdict: "refuse", reason });

describe("what the guard refuses because it is protected", () => {
  it("lets an ordinary object of an ordinary namespace go", () => {
    expect(ask()).toEqual(go());
  });

  it.each([
    ["kube-system", "namespace kube-system is protected"],
    ["", "namespace (unknown) is protected"],
    ["Shop", "namespace Shop is protected"],
  ])("refuses the namespace %j", (namespace, reason) => {
    expect(ask({ facts: { namespace } })).toEqual(refused(reason));
  });

  it("refuses what the configuration protects, and no other namespace", () => {
    const protectedNamespaces = ["payments-*"];
    expect(ask({ protectedNamespaces, facts: { namespace: "payments-eu" } })).toEqual(
      refused("namespace payments-eu is protected"),
    );
    expect(ask({ protectedNamespaces })).toEqual(go());
  });

  it("asks nothing about a namespace where the target has none", () => {
    expect(ask({ facts: { namespace: null } })).toEqual(go());
  });

  it("refuses what Kubernetes itself calls a part of the system, and only that", () => {
    expect(ask({ facts: { name: "system:node" } })).toEqual(refused("system:node belongs to the system"));
    expect(ask({ facts: { name: "my-system:node" } })).toEqual(go());
  });

  it.each(["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"])(
    "refuses a node of the control plane, whatever the value of its label %s",
    (role) => {
      const node = { namespace: null, name: "cp-1", namespaceLabels: {} };
      for (const value of ["", "true", "false"]) {
        const facts = { ...node, labels: { [role]: value } };
        expect(ask({ facts })).toEqual(refused("node cp-1 runs the control plane"));
        expect(ask({ facts, record: { approval: APPROVAL } })).toMatchObject({ verdict: "refuse" });
      }
      expect(ask({ facts: { ...node, labels: { pool: role } } })).toEqual(go());
      // A pod may bear any label that its author likes.
      expect(ask({ facts: { labels: { [role]: "" } } })).toEqual(go());
    },
  );

  it.each(["system-node-critical", "system-cluster-critical"])(
    "refuses the priority class %s",
    (priorityClass) => {
      expect(ask({ facts: { priorityClass } })).toEqual(refused(`its priority class is ${priorityClass}`));
    },
  );

  it.each(["high", "my-system-node-critical", "system-node-critical-2", "system-disk-critical"])(
    "lets the priority class %s go",
    (priorityClass) => {
      expect(ask({ facts: { priorityClass } })).toEqual(go());
    },
  );

  it("refuses the Defender sensor, which an attacker wants gone", () => {
    const sensor = refused("it is the Defender sensor");
    expect(ask({ facts: { labels: { app: "microsoft-defender" } } })).toEqual(sensor);
    expect(ask({ facts: { labels: { app: "microsoft-defender-collector" } } })).toEqual(sensor);
    expect(ask({ facts: { labels: { app: "not-microsoft-defender" } } })).toEqual(go());
    expect(ask({ facts: { labels: {} } })).toEqual(go());
  });
});

describe("a binding that gives rights to accounts elsewhere", () => {
  it.each([["shop", "kube-system"], ["gatekeeper-system"], ["openshift-monitoring"], ["Shop"], [""]])(
    "is refused where one of the namespaces is protected: %s %s",
    (...concerned) => {
      expect(ask({ facts: { namespace: null, namespaceLabels: {}, concerned } })).toMatchObject({
        verdict: "refuse",
        reason: expect.stringMatching(/, which it concerns, is protected$/),
      });
    },
  );

  it("is not refused for accounts of other namespaces, or for none", () => {
    for (const concerned of [[], ["shop", "ci"]]) {
      expect(ask({ facts: { namespace: null, namespaceLabels: {}, concerned } })).toMatchObject({
        verdict: "go",
      });
    }
  });
});

describe("an owner's word that an object is not to be touched", () => {
  const places = ["labels", "annotations", "namespaceLabels", "namespaceAnnotations"] as const;

  it.each(places)("counts in the %s, with any value but false", (place) => {
    const out = refused(`its owner opted out (${OPT_OUT})`);
    for (const value of ["true", "", "False", "no", "0", "false "]) {
      expect(ask({ facts: { [place]: { [OPT_OUT]: value } } })).toEqual(out);
    }
    expect(ask({ facts: { [place]: { [OPT_OUT]: "false" } } })).toEqual(go());
  });

  it("counts on a node as well, by label and by annotation", () => {
    const node = { namespace: null, name: "n1", labels: { pool: "a" }, namespaceLabels: {} };
    expect(ask({ facts: node })).toEqual(go());
    for (const place of ["labels", "annotations"] as const) {
      const facts = { ...node, [place]: { [OPT_OUT]: "true" } };
      expect(ask({ facts })).toEqual(refused(`its owner opted out (${OPT_OUT})`));
    }
  });

  it("is not undone by a false elsewhere", () => {
    const facts = { labels: { [OPT_OUT]: "false" }, namespaceAnnotations: { [OPT_OUT]: "true" } };
    expect(ask({ facts })).toMatchObject({ verdict: "refuse" });
  });

  it("stands under the documented name", () => {
    expect(OPT_OUT).toBe("defender-reflex.dev/protected");
  });
});

describe("where the signal and its object come from", () => {
  const foreign = refused("the target is not in the signal's own subscription");

  it("refuses a target outside the signal's own subscription, or one of a signal that names none", () => {
    expect(ask({ signal: { subscriptionId: "0b1f6471-1bf0-4dda-aec3-111122223334" } })).toEqual(foreign);
    expect(ask({ signal: { subscriptionId: null } })).toEqual(foreign);
    expect(ask({ signal: { subscriptionId: SUBSCRIPTION.toUpperCase() } })).toEqual(go());
    expect(ask({ facts: { resource: CLUSTER.toUpperCase() } })).toEqual(go());
  });

  it("refuses where the cluster's subscription cannot be told", () => {
    expect(ask({ facts: { resource: "prod" } })).toEqual(foreign);
    expect(ask({ facts: { resource: "prod" }, signal: { subscriptionId: null } })).toEqual(foreign);
  });

  it("exempts a cluster that the operator's rule names, and a person's run", () => {
    expect(ask({ signal: { subscriptionId: null }, record: { clusterByRule: true } })).toEqual(go());
    expect(ask({ signal: { subscriptionId: null, kind: "manual" } })).toEqual(go());
  });

  it("refuses an object that was created after the activity began, to the millisecond", () => {
    const startedAt = "2026-03-02T07:50:00.000Z";
    const created = (createdAt: string | null): unknown =>
      ask({ facts: { createdAt }, signal: { startedAt } });
    expect(created("2026-03-02T07:50:00.001Z")).toEqual(
      refused("it was created at 2026-03-02T07:50:00.001Z, after the activity that the alert is about began"),
    );
    expect(created("2026-03-02T07:50:00Z")).toEqual(go());
    expect(created("2026-03-02T07:49:59.999Z")).toEqual(go());
    expect(created(null)).toEqual(go());
  });

  it("refuses an object whose creation cannot be read", () => {
    expect(ask({ facts: { createdAt: "lately" } })).toMatchObject({ verdict: "refuse" });
  });

  it("asks a person where an alert does not say when its activity began", () => {
    const unknown = { signal: { startedAt: null } };
    const lowered = "the alert does not say when the activity began, so that its object may be another one";
    expect(ask(unknown)).toEqual(go("approve", lowered));
    expect(ask({ ...unknown, facts: { createdAt: null } })).toEqual(go());
    expect(ask({ signal: { startedAt: null, kind: "recommendation" } })).toEqual(go());
  });
});

describe("what lowers the mode to a person's word", () => {
  const old = "the signal is older than the rule allows";
  const ago = (ms: number): string => new Date(NOW.getTime() - ms).toISOString();

  it("does so for a signal older than the rule allows, to the millisecond, and for one of unknown age", () => {
    expect(ask({ signal: { at: ago(24 * HOUR) } })).toEqual(go());
    expect(ask({ signal: { at: ago(24 * HOUR + 1) } })).toEqual(go("approve", old));
    expect(ask({ signal: { at: ago(2 * HOUR) }, rule: { maxAgeMs: HOUR } })).toEqual(go("approve", old));
    expect(ask({ signal: { at: null } })).toEqual(go("approve", old));
    expect(ask({ signal: { at: "lately" } })).toEqual(go("approve", old));
  });

  it("does not ask a person about the age of their own run", () => {
    expect(ask({ signal: { at: null, kind: "manual" } })).toEqual(go());
  });

  it("does so for what cannot be taken back, also in a person's run", () => {
    const lowered = "quarantine cannot be taken back, so a person decides";
    expect(ask({ playbook: { reversible: false } })).toEqual(go("approve", lowered));
    expect(ask({ playbook: { reversible: false }, signal: { kind: "manual" } })).toEqual(
      go("approve", lowered),
    );
  });

  it("does so where the playbook wants it for what the rule asks of it, also in a person's run", () => {
    const playbook = {
      needsApproval: (given: unknown) => (JSON.stringify(given) === '{"action":"deny"}' ? "it denies" : null),
    };
    const rule = { parameters: { action: "deny" } };
    expect(ask({ playbook })).toEqual(go());
    expect(ask({ playbook, rule })).toEqual(go("approve", "it denies"));
    expect(ask({ playbook, rule, signal: { kind: "manual" }, byPerson: true })).toEqual(
      go("approve", "it denies"),
    );
    expect(ask({ playbook, rule, record: { approval: APPROVAL } })).toEqual(go());
  });

  it("does so from the third episode in a day on", () => {
    const lowered = "it is the third time in a day: somebody is pulling the other way";
    expect(ask({ episodes: 2 })).toEqual(go());
    expect(ask({ episodes: 3 })).toEqual(go("approve", lowered));
    expect(ask({ episodes: 4 })).toEqual(go("approve", lowered));
  });

  it("says nothing where it lowers nothing", () => {
    for (const mode of ["approve", "observe", "off"] as const) {
      expect(ask({ record: { mode }, episodes: 3 })).toEqual(go(mode));
    }
  });

  it("never goes above the ceiling, nor above what was asked", () => {
    for (const mode of MODES) {
      for (const ceiling of MODES) {
        const lower = MODES[Math.min(MODES.indexOf(mode), MODES.indexOf(ceiling))];
        expect(ask({ record: { mode }, ceiling })).toMatchObject({
          verdict: "go",
          mode: lower,
          lowered: null,
        });
      }
    }
  });
});

describe("a signal that was too old when it came", () => {
  const signal = { at: new Date(NOW.getTime() - 24 * HOUR - 1).toISOString() };
  const old = "the signal is older than the rule allows";

  it("does what its rule says: recorded, told, or asked about", () => {
    expect(ask({ signal, rule: { whenOld: "record" } })).toEqual({ ...go("observe", old), quiet: true });
    expect(ask({ signal, rule: { whenOld: "notify" } })).toEqual(go("observe", old));
    expect(ask({ signal, rule: { whenOld: "approve" } })).toEqual(go("approve", old));
  });

  it("is recorded without a word also where the rule would only look", () => {
    const record = { mode: "observe" } as const;
    expect(ask({ signal, record, rule: { whenOld: "record" } })).toEqual({ ...go("observe"), quiet: true });
    expect(ask({ signal, record, rule: { whenOld: "notify" } })).toEqual(go("observe"));
  });

  it("is another thing than one that became too old while it waited, which is asked about", () => {
    const record = { createdAt: new Date(NOW.getTime() - 1).toISOString() };
    for (const whenOld of ["record", "notify", "approve"] as const) {
      expect(ask({ signal, record, rule: { whenOld } })).toEqual(
        go("approve", "the signal became older than the rule allows while it waited"),
      );
    }
    const later = { createdAt: new Date(NOW.getTime()).toISOString() };
    expect(ask({ signal, record: later, rule: { whenOld: "notify" } })).toEqual(go("observe", old));
    expect(ask({ signal, record: { createdAt: "lately" }, rule: { whenOld: "notify" } })).toEqual(
      go("observe", old),
    );
  });
});

describe("samples and copies of the weekly snapshot", () => {
  it("are only observed, whatever the rule says of old ones", () => {
    for (const unreal of ["sample", "snapshot"] as const) {
      const lowered = expect.stringContaining(unreal);
      expect(ask({ signal: { unreal }, rule: { whenOld: "record" } })).toEqual({
        ...go("observe", lowered),
        quiet: true,
      });
      for (const whenOld of ["notify", "approve"] as const) {
        expect(ask({ signal: { unreal }, rule: { whenOld } })).toEqual(go("observe", lowered));
      }
    }
  });

  it("are only observed also when somebody approved it, or it is under way", () => {
    const approval = APPROVAL;
    expect(ask({ signal: { unreal: "sample" }, record: { approval } })).toMatchObject({ mode: "observe" });
    expect(ask({ signal: { unreal: "snapshot" }, touched: true })).toMatchObject({ mode: "observe" });
  });
});

describe("the mode of the moment", () => {
  const windows: RuleAsItWas["windows"] = [
    { days: ["mon"], from: "07:00", to: "09:00", timezone: "UTC", mode: "approve" },
  ];
  const after = new Date("2026-03-02T09:00:00.000Z");

  it("is held down by a window while it holds, and not after", () => {
    const lowered = "rule miners is at approve at this time";
    expect(ask({ rule: { windows } })).toEqual(go("approve", lowered));
    expect(ask({ rule: { windows }, now: after })).toEqual(go());
  });

  it("may be raised by a window above the rule's own", () => {
    const night: RuleAsItWas["windows"] = [
      { days: ["mon"], from: "07:00", to: "09:00", timezone: "UTC", mode: "enforce" },
    ];
    const rule = { mode: "observe", windows: night } as const;
    expect(ask({ rule })).toEqual(go());
    expect(ask({ rule, now: after })).toEqual(go("observe", "rule miners is at observe at this time"));
  });

  it("is not held down by a rule that another one, which enforces, has lifted", () => {
    expect(ask({ rule: { mode: "approve" } })).toEqual(go());
    expect(ask({ rule: { mode: "approve" }, record: { mode: "approve" } })).toEqual(go("approve"));
  });

  it("is observe at most for a tripped rule, also half-way", () => {
    const lowered = "rule miners is tripped: of its remediations 3 failed within 24 hours";
    const tripped = "of its remediations 3 failed within 24 hours";
    expect(ask({ tripped })).toEqual(go("observe", lowered));
    expect(ask({ tripped, touched: true })).toEqual(go("observe", lowered));
    expect(ask({ tripped, record: { mode: "observe" } })).toEqual(go("observe"));
  });
});

describe("a person's approval of the plan", () => {
  const approved = { record: { approval: APPROVAL, mode: "approve" } } as const;

  it("answers every doubt", () => {
    expect(ask(approved)).toEqual(go());
    expect(ask({ ...approved, playbook: { reversible: false, highImpact: true }, byPerson: true })).toEqual(
      go(),
    );
    expect(ask({ ...approved, signal: { at: null, startedAt: null }, episodes: 9 })).toEqual(go());
    expect(ask({ ...approved, tripped: "it failed", rule: { mode: "observe" } })).toEqual(go());
    expect(ask({ ...approved, ceiling: "approve" })).toEqual(go());
  });

  it("answers no ceiling under which people decide nothing", () => {
    expect(ask({ ...approved, ceiling: "observe" })).toEqual(go("observe"));
    expect(ask({ ...approved, ceiling: "off" })).toEqual(go("off"));
  });

  it("answers nothing that protects, and no exception", () => {
    expect(ask({ ...approved, facts: { namespace: "kube-system" } })).toMatchObject({ verdict: "refuse" });
    expect(ask({ ...approved, scope: { deny: [{ namespace: "shop" }] } })).toMatchObject({
      verdict: "refuse",
    });
    expect(ask({ ...approved, exception: EXCEPTION })).toMatchObject({ verdict: "skip" });
  });
});

describe("what somebody answers for leaving alone", () => {
  it("is skipped with who it is, why and until when", () => {
    expect(ask({ exception: EXCEPTION })).toEqual({
      verdict: "skip",
      reason:
        "the exception load test of ann@example.com leaves it alone until 2026-04-01T00:00:00Z: it mines on purpose",
    });
  });

  it("hides nothing that is refused anyway", () => {
    expect(ask({ exception: EXCEPTION, facts: { namespace: "kube-system" } })).toMatchObject({
      verdict: "refuse",
    });
  });
});

describe("a person's run", () => {
  it("wants a second person where the playbook may harm more than its target", () => {
    const lowered = "quarantine may harm more than its target, so a second person decides";
    const asked = { byPerson: true, playbook: { highImpact: true } };
    expect(ask(asked)).toEqual(go("approve", lowered));
    expect(ask({ ...asked, record: { mode: "observe" } })).toEqual(go("observe"));
    expect(ask({ playbook: { highImpact: true } })).toEqual(go());
    expect(ask({ byPerson: true })).toEqual(go());
  });
});

describe("what is under way", () => {
  it("is not stopped half-way by what only casts doubt on beginning it", () => {
    const doubtful = { signal: { at: null, startedAt: null }, episodes: 9, playbook: { reversible: false } };
    expect(ask(doubtful)).toMatchObject({ mode: "approve" });
    expect(ask({ ...doubtful, touched: true })).toEqual(go());
    expect(ask({ ...doubtful, touched: true, ceiling: "approve" })).toEqual(go("approve"));
    expect(ask({ ...doubtful, touched: true, facts: { namespace: "kube-system" } })).toMatchObject({
      verdict: "refuse",
    });
  });
});

describe("what protects from being taken back", () => {
  const asked = (facts: Partial<TargetFacts>, scope: Partial<GuardQuestion["scope"]> = {}, rule = {}) =>
    protection({
      record: { signal: SIGNAL, rule: { ...RULE, ...rule }, clusterByRule: false },
      facts: { ...FACTS, ...facts },
      scope: { allow: [], deny: [], ...scope },
      protectedNamespaces: ["vault"],
    });

  it("is what is protected or denied, and the subscription", () => {
    expect(asked({})).toBeNull();
    expect(asked({ namespace: "vault" })).toBe("namespace vault is protected");
    expect(asked({ annotations: { [OPT_OUT]: "" } })).toBe(`its owner opted out (${OPT_OUT})`);
    expect(asked({}, { deny: [{ namespace: "shop" }] })).toBe("the scope denies it");
    expect(asked({}, {}, { scope: { allow: [], deny: [{ namespace: "shop" }] } })).toBe(
      "the rule's scope denies it",
    );
    expect(asked({ resource: "/subscriptions/other/resourceGroups/g" })).toMatch("own subscription");
  });

  it("is neither a scope that only allows no more, nor an object of another age", () => {
    expect(asked({}, { allow: [{ namespace: "other" }] })).toBeNull();
    expect(asked({ createdAt: "2026-03-02T07:59:00Z" })).toBeNull();
  });
});

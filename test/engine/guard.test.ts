import { describe, expect, it } from "vitest";
import { type GuardQuestion, type GuardVerdict, guard, OPT_OUT } from "../../src/engine/guard.ts";
import type { TargetFacts } from "../../src/engine/target-facts.ts";
import { MODES } from "../../src/model/mode.ts";
import type { RuleAsItWas, SignalSummary } from "../../src/model/remediation.ts";
import { CLUSTER, SUBSCRIPTION } from "./world.ts";

const NOW = new Date("2026-03-02T08:00:00.000Z");
const HOUR = 3_600_000;

const FACTS: TargetFacts = {
  cluster: CLUSTER,
  namespace: "shop",
  name: "web-1",
  uid: "uid-1",
  labels: { app: "web" },
  annotations: {},
  namespaceLabels: {},
  namespaceAnnotations: {},
  priorityClass: null,
  createdAt: "2026-03-01T00:00:00Z",
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
      ...record,
      signal: { ...SIGNAL, ...signal },
      rule: { ...RULE, ...rule },
    },
    playbook: { name: "quarantine", kind: "containment", reversible: true, ...playbook },
    facts: { ...FACTS, ...facts },
    scope: { allow: [], deny: [], ...scope },
    ceiling: "enforce",
    protectedNamespaces: [],
    now: NOW,
    episodes: 1,
    ...more,
  });
}

const go = (mode = "enforce", lowered: string | null = null): unknown => ({ verdict: "go", mode, lowered });
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

describe("an owner's word that an object is not to be touched", () => {
  const places = ["labels", "annotations", "namespaceLabels", "namespaceAnnotations"] as const;

  it.each(places)("counts in the %s, with any value but false", (place) => {
    const out = refused(`its owner opted out (${OPT_OUT})`);
    for (const value of ["true", "", "False", "no", "0", "false "]) {
      expect(ask({ facts: { [place]: { [OPT_OUT]: value } } })).toEqual(out);
    }
    expect(ask({ facts: { [place]: { [OPT_OUT]: "false" } } })).toEqual(go());
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
    expect(ask({ facts: { cluster: CLUSTER.toUpperCase() } })).toEqual(go());
  });

  it("refuses where the cluster's subscription cannot be told", () => {
    expect(ask({ facts: { cluster: "prod" } })).toEqual(foreign);
    expect(ask({ facts: { cluster: "prod" }, signal: { subscriptionId: null } })).toEqual(foreign);
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
        expect(ask({ record: { mode }, ceiling })).toEqual(go(lower));
      }
    }
  });
});

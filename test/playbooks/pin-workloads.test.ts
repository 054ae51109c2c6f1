import { describe, expect, it } from "vitest";
import { LIST_GROUP, LIST_RESOURCE } from "../../src/model/admission-list.ts";
import { BEFORE_LABEL, HOLD_LIST, INCIDENT_LABEL, OWN_NAMESPACE } from "../../src/model/incident-mark.ts";
import { WORKLOAD_KINDS, type WorkloadKind } from "../../src/model/kubernetes-objects.ts";
import { STOP_FIELDS, STOP_KEY, WORKLOAD_GROUPS } from "../../src/model/workload-state.ts";
import { KEDA_PAUSE } from "../../src/playbooks/keda-pause.ts";
import { FLUX_PAUSE } from "../../src/playbooks/starts-again.ts";
import { pinVerdict } from "./pin-verdict.ts";
import type { Request } from "./pinned-requests.ts";

const WORKLOAD = /^reflex-pinned-identity: it marks, stops and restarts workloads/;
const MARK = { [INCIDENT_LABEL]: "a-1", [BEFORE_LABEL]: "3" };
const [PAUSE, DISABLED] = FLUX_PAUSE;

interface Workload {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: Readonly<Record<string, unknown>>;
}

const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "web:1" }], nodeSelector: { pool: "a" } },
};
const found: Workload = {
  metadata: { labels: { app: "web" }, annotations: { note: "x" } },
  spec: { replicas: 3, suspend: false, template },
};

function withNodes(nodes: Readonly<Record<string, string>>): object {
  return {
    ...template,
    spec: { ...template.spec, nodeSelector: { ...template.spec.nodeSelector, ...nodes } },
  };
}

/** What a stop of a kind makes of its specification. */
function stop(kind: WorkloadKind): object {
  switch (STOP_FIELDS[kind]) {
    case "replicas":
      return { replicas: 0 };
    case "suspend":
      return { suspend: true };
    case "nodeSelector":
      return { template: withNodes({ [STOP_KEY]: "a-1" }) };
  }
}

function changed({ labels = {}, spec = {}, ...metadata }: Readonly<Record<string, object>>): Workload {
  return {
    metadata: { ...found.metadata, labels: { app: "web", ...labels }, ...metadata },
    spec: { ...found.spec, ...spec },
  };
}

function on(kind: WorkloadKind, object: Workload | null, oldObject: Workload | null = found): Request {
  return { group: WORKLOAD_GROUPS[kind], resource: `${kind.toLowerCase()}s`, name: "web", object, oldObject };
}

describe.each(WORKLOAD_KINDS)("the pin on a %s", (kind) => {
  const stopped = changed({ labels: MARK, spec: stop(kind) });
  const paused = changed({
    labels: MARK,
    spec: stop(kind),
    annotations: { note: "x", [PAUSE]: DISABLED },
  });

  it.each<[string, Request]>([
    ["its stop with our marks", on(kind, stopped)],
    ["its restart", on(kind, found, stopped)],
    ["our marks alone", on(kind, changed({ labels: MARK }))],
    ["the annotation by which Flux leaves it alone", on(kind, paused)],
    ["taking that off", on(kind, found, paused)],
  ])("allows %s", (_what, request) => {
    expect(pinVerdict(request)).toEqual([]);
  });

  it.each<[string, Request]>([
    ["another image", on(kind, changed({ spec: { template: { ...template, spec: { containers: [] } } } }))],
    [
      "another image beside a stop",
      on(kind, changed({ labels: MARK, spec: { ...stop(kind), template: { spec: { containers: [] } } } })),
    ],
    ["another label of its pods", on(kind, changed({ spec: { template: { ...template, metadata: {} } } }))],
    ["another node of its pods", on(kind, changed({ spec: { template: withNodes({ pool: "b" }) } }))],
    ["another key in its node selector", on(kind, changed({ spec: { template: withNodes({ zone: "1" }) } }))],
    ["no template any more", on(kind, { ...found, spec: { replicas: 3, suspend: false } })],
    ["another field", on(kind, changed({ spec: { paused: true } }))],
    ["a foreign label", on(kind, changed({ labels: { tier: "x" } }))],
    ["a foreign annotation", on(kind, changed({ annotations: { note: "x", other: "y" } }))],
    ["opting it out", on(kind, changed({ labels: { "defender-reflex.dev/protected": "true" } }))],
    ["another owner", on(kind, changed({ ownerReferences: [{ kind: "Deployment", uid: "u" }] }))],
    ["a finalizer", on(kind, changed({ finalizers: ["a/b"] }))],
    ["its scale", { ...on(kind, stopped), subResource: "scale" }],
    ["its status", { ...on(kind, stopped), subResource: "status" }],
    ["a new one", { ...on(kind, stopped, null), operation: "CREATE" }],
    ["its deletion", { ...on(kind, null), operation: "DELETE" }],
    ["an object that is not there", on(kind, null)],
    ["an old object that is not there", on(kind, stopped, null)],
  ])("denies %s", (_what, request) => {
    expect(pinVerdict(request)).toContainEqual(expect.stringMatching(WORKLOAD));
  });

  it("lets the API server count the templates of a DaemonSet, and of nothing else", () => {
    const annotations = { note: "x", "deprecated.daemonset.template.generation": "2" };
    const verdict = pinVerdict(on(kind, changed({ labels: MARK, spec: stop(kind), annotations })));
    expect(verdict).toHaveLength(kind === "DaemonSet" ? 0 : 1);
  });

  it("denies the field by which another kind is stopped", () => {
    const others = [{ replicas: 0 }, { suspend: true }, { template: withNodes({ [STOP_KEY]: "a-1" }) }];
    const allowed = others.filter(
      (spec) => pinVerdict(on(kind, changed({ labels: MARK, spec })))?.length === 0,
    );
    expect(allowed).toEqual([stop(kind)]);
  });
});

describe("the pin on the list of held workloads", () => {
  const list: Request = {
    group: LIST_GROUP,
    resource: LIST_RESOURCE,
    namespace: OWN_NAMESPACE,
    name: HOLD_LIST,
  };

  it("allows its entries, and neither its end nor one of its name elsewhere", () => {
    expect(pinVerdict({ ...list, object: { spec: { entries: { a: "b" } } }, oldObject: {} })).toEqual([]);
    for (const request of [
      { ...list, group: "", resource: "configmaps" },
      { ...list, operation: "DELETE" },
      { ...list, operation: "CREATE" },
      { ...list, namespace: "kube-system" },
    ]) {
      expect(pinVerdict(request)).not.toEqual([]);
    }
  });
});

describe("the pin on a ScaledObject of KEDA", () => {
  const asked = { scaleTargetRef: { name: "web" }, minReplicaCount: 1 };
  const free: Workload = { metadata: { annotations: { note: "x" } }, spec: asked };
  const held: Workload = {
    metadata: { labels: { [INCIDENT_LABEL]: "a-1" }, annotations: { note: "x", [KEDA_PAUSE]: "0" } },
    spec: asked,
  };
  const scaled = (
    object: Workload | null,
    oldObject: Workload | null,
    more: Partial<Request> = {},
  ): Request => ({
    group: "keda.sh",
    resource: "scaledobjects",
    name: "queue",
    object,
    oldObject,
    ...more,
  });

  it.each<[string, Request]>([
    ["its pause with our mark", scaled(held, free)],
    ["letting it go on", scaled(free, held)],
  ])("lets %s through", (_what, request) => {
    expect(pinVerdict(request)).toEqual([]);
  });

  it.each<[string, Request]>([
    [
      "a pause without our mark",
      scaled({ ...held, metadata: { annotations: held.metadata["annotations"] } }, free),
    ],
    ["another trigger", scaled({ ...held, spec: { ...asked, minReplicaCount: 9 } }, free)],
    [
      "another annotation",
      scaled({ ...held, metadata: { ...held.metadata, annotations: { note: "y" } } }, free),
    ],
    [
      "another label",
      scaled({ ...held, metadata: { labels: { [INCIDENT_LABEL]: "a-1", team: "x" } } }, free),
    ],
    ["a new one", scaled(held, null, { operation: "CREATE" })],
    ["its deletion", scaled(null, held, { operation: "DELETE" })],
    ["another kind of KEDA", scaled(held, free, { resource: "triggerauthentications" })],
  ])("refuses %s", (_what, request) => {
    expect(pinVerdict(request)).toContainEqual(
      expect.stringMatching(/^reflex-pinned-identity: it marks and pauses scaled objects/),
    );
  });
});

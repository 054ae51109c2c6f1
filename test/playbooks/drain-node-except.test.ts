import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { valueAt } from "../../local/kubernetes/json-value.ts";
import { Conflict, Refused, Retryable } from "../../src/model/errors.ts";
import { EGRESS_LABEL, INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import type { KubernetesWriter } from "../../src/model/kubernetes-port.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { WritePorts } from "../../src/model/playbook.ts";
import { drainNodeExcept } from "../../src/playbooks/drain-node-except.ts";
import { CLUSTER, node, pod, workload } from "./cluster-objects.ts";
import { startCluster } from "./start-cluster.ts";

const ID = "a-1";
const OPT_OUT = { "defender-reflex.dev/protected": "true" };
const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "suspect" } as const;
const suspect = pod("suspect", { metadata: { labels: { app: "suspect" } } });

/** Without controllers nobody comes in the place of who is evicted. */
function start(objects: readonly object[], controllers = false) {
  return startCluster(objects, { controllers });
}

function propose(ports: WritePorts) {
  return drainNodeExcept.plan({ target, parameters: {}, remediationId: ID }, ports);
}

async function planOf(ports: WritePorts): Promise<Plan> {
  const outcome = await propose(ports);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, { remediationId: ID, playbook: drainNodeExcept.name, target });
}

/** A pod of a workload, on the node of the suspect. */
function of(kind: string, name: string, owner = "web", more: { metadata?: object; spec?: object } = {}) {
  const apiVersion = kind === "Job" ? "batch/v1" : "apps/v1";
  const reference = { apiVersion, kind, name: owner, uid: `uid-of-${owner}`, controller: true };
  return pod(name, {
    ...more,
    metadata: { labels: { app: owner }, ownerReferences: [reference], ...more.metadata },
  });
}
const owner = (name = "web", more: object = {}) =>
  workload("ReplicaSet", name, 3, { metadata: { uid: `uid-of-${name}`, ...more } });
const nodes = [node("n1"), node("n2")];
const budget = (name: string, spec: object) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { namespace: "shop", name },
  spec: { selector: { matchLabels: { app: "web" } }, ...spec },
});
const running = (object: object) => ({
  ...object,
  status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
});
const closed = (label: string | null) =>
  node("n1", {
    metadata: { labels: label === null ? {} : { [INCIDENT_LABEL]: label } },
    spec: { unschedulable: true },
  });
const writes = (cluster: KubernetesStandIn) =>
  cluster.requests
    .filter(({ method }) => method !== "GET")
    .map(({ method, path }) => `${method} ${path.split("/").slice(3).join("/")}`);
const onNode = (cluster: KubernetesStandIn, name = "n1") =>
  cluster
    .readAll("pods")
    .filter(({ spec }) => valueAt(Object(spec), "nodeName") === name)
    .map(({ metadata }) => metadata.name)
    .toSorted();

/** The ports with something that happens before each eviction. */
function interrupted(ports: WritePorts, happens: (nth: number) => void): WritePorts {
  const writer = ports.write.kubernetes(CLUSTER);
  let nth = 0;
  const askEviction: KubernetesWriter["askEviction"] = (...named) => {
    happens(nth++);
    return writer.askEviction(...named);
  };
  return { ...ports, write: { ...ports.write, kubernetes: () => ({ ...writer, askEviction }) } };
}

describe("what is not emptied", () => {
  const held = node("n1", { metadata: { labels: { [INCIDENT_LABEL]: "b-2" } } });
  const many = Array.from({ length: 111 }, (_none, n) => of("ReplicaSet", `web-${n}`));
  it.each<[string, object[], string]>([
    ["a node around a pod that has gone", nodes, "has gone"],
    [
      "a node around a pod that runs nowhere yet",
      [...nodes, pod("suspect", { spec: { nodeName: undefined } })],
      "is on no node yet",
    ],
    [
      "a node around a pod that has ended",
      [...nodes, { ...suspect, status: { phase: "Failed" } }],
      "nothing of it runs",
    ],
    ["a node that is not there", [node("n2"), suspect], "Node n1 has gone"],
    [
      "a node of the control plane",
      [
        node("n1", { metadata: { labels: { "node-role.kubernetes.io/control-plane": "" } } }),
        node("n2"),
        suspect,
      ],
      "control plane",
    ],
    [
      "a node that opted out",
      [node("n1", { metadata: { annotations: OPT_OUT } }), node("n2"), suspect],
      "Node n1 opted out",
    ],
    [
      "a node that bears another remediation's label",
      [held, node("n2"), suspect],
      "still bears the label of remediation b-2",
    ],
    [
      "a node that another remediation holds",
      [closed("b-2"), node("n2"), suspect],
      "held by remediation b-2",
    ],
    [
      "a node of too many pods",
      [...nodes, suspect, owner(), ...many],
      "111 pods that might be moved; 110 at most",
    ],
    [
      "the only node",
      [node("n1"), suspect, owner(), of("ReplicaSet", "web-1")],
      "No other node takes new pods",
    ],
    [
      "a node beside one that is cordoned",
      [
        node("n1"),
        node("n2", { spec: { unschedulable: true } }),
        suspect,
        owner(),
        of("ReplicaSet", "web-1"),
      ],
      "No other node takes new pods",
    ],
    [
      "a node beside one that is not ready",
      [
        node("n1"),
        { ...node("n2"), status: { conditions: [] } },
        suspect,
        owner(),
        of("ReplicaSet", "web-1"),
      ],
      "No other node takes new pods",
    ],
    [
      "a node beside the control plane's",
      [
        node("n1"),
        node("n2", { metadata: { labels: { "node-role.kubernetes.io/master": "" } } }),
        suspect,
        owner(),
        of("ReplicaSet", "web-1"),
      ],
      "No other node takes new pods",
    ],
  ])("is %s", async (_what, objects, reason) => {
    const { cluster, ports } = await start(objects);
    expect(await propose(ports)).toMatchObject({ outcome: "skip", reason: expect.stringContaining(reason) });
    expect(writes(cluster)).toEqual([]);
  });

  it("is anything where nobody tells what is protected", async () => {
    const { cluster, ports } = await start([...nodes, suspect, owner(), of("ReplicaSet", "web-1")]);
    const { kubernetes } = ports.read;
    await expect(propose({ ...ports, read: { kubernetes } })).rejects.toThrow(Refused);
    expect(writes(cluster)).toEqual([]);
  });

  it("is any node without a person's word", () => {
    expect(drainNodeExcept.needsApproval?.({})).toContain("a person decides");
    expect(drainNodeExcept).toMatchObject({ highImpact: true, reversible: true, destroysEvidence: true });
  });
});

describe("who stays", () => {
  const two = [budget("one", { minAvailable: 0 }), budget("two", { minAvailable: 0 })];
  const tolerant = {
    spec: {
      nodeName: "n1",
      containers: [{ name: "c", image: "a" }],
      tolerations: [{ key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" }],
    },
  };
  const mirror = { annotations: { "kubernetes.io/config.mirror": "x" } };
  const marked = { labels: { app: "web", [INCIDENT_LABEL]: "b-2" } };
  const top = { apiVersion: "apps/v1", kind: "Deployment", name: "top", uid: "uid-of-top", controller: true };
  const deployment = (more: object = {}) =>
    workload("Deployment", "top", 3, { metadata: { uid: "uid-of-top", ...more } });
  it.each<[string, object[], string]>([
    ["a pod of a DaemonSet", [of("DaemonSet", "x")], "its DaemonSet would start another right there"],
    ["a static pod", [pod("x", { metadata: mirror })], "static pod"],
    ["a pod that nobody controls", [pod("x")], "nobody controls it"],
    [
      "a pod that has ended",
      [owner(), { ...of("ReplicaSet", "x"), status: { phase: "Succeeded" } }],
      "it has ended by itself",
    ],
    [
      "a pod that another remediation marked",
      [owner(), of("ReplicaSet", "x", "web", { metadata: marked })],
      "label of remediation b-2",
    ],
    [
      "a pod whose egress another remediation restricts",
      [
        owner(),
        of("ReplicaSet", "x", "web", { metadata: { labels: { app: "web", [EGRESS_LABEL]: "b-2" } } }),
      ],
      "label of remediation b-2",
    ],
    [
      "a pod of the platform",
      [
        workload("ReplicaSet", "web", 3, { metadata: { namespace: "kube-system", uid: "uid-of-web" } }),
        of("ReplicaSet", "x", "web", { metadata: { namespace: "kube-system" } }),
      ],
      "namespace kube-system is protected",
    ],
    [
      "a pod whose owner opted out",
      [owner("web", { annotations: OPT_OUT }), of("ReplicaSet", "x")],
      "its owner ReplicaSet shop/web opted out",
    ],
    [
      "a pod whose owner's owner opted out",
      [deployment({ labels: OPT_OUT }), owner("web", { ownerReferences: [top] }), of("ReplicaSet", "x")],
      "its owner Deployment shop/top opted out",
    ],
    ["a pod whose owner has gone", [of("ReplicaSet", "x")], "its owner ReplicaSet shop/web has gone"],
    [
      "a pod whose owner was made anew",
      [owner("web", { uid: "another" }), of("ReplicaSet", "x")],
      "has gone",
    ],
    ["a pod of a kind of owner that is not known", [of("Database", "x")], "of a kind that is not known here"],
    [
      "a pod that tolerates the cordon",
      [owner(), of("ReplicaSet", "x", "web", tolerant)],
      "it tolerates a cordon, and would come right back",
    ],
    [
      "a pod in several budgets",
      [...two, owner(), of("ReplicaSet", "x")],
      "several disruption budgets count it (one, two)",
    ],
  ])("is %s, by name and reason", async (_what, objects, why) => {
    const { cluster, ports } = await start([...nodes, suspect, ...objects]);
    const plan = await planOf(ports);
    expect(plan.limits.find((limit) => limit.includes(why))).toMatch(/^1 pod stays, since .*\/x\.$/);
    await drainNodeExcept.apply(plan, ports);
    expect(writes(cluster)).toEqual(["PATCH nodes/n1"]);
    expect(onNode(cluster)).toEqual(["suspect", "x"]);
    expect(await drainNodeExcept.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
  });
});

describe("the plan", () => {
  it("says who is moved, whom that costs what, and that taking it back moves nobody back", async () => {
    const { cluster, ports } = await start([
      ...nodes,
      suspect,
      owner(),
      running(of("ReplicaSet", "web-1")),
      running(
        of("ReplicaSet", "web-2", "web", {
          spec: {
            volumes: [{ name: "v", emptyDir: {} }],
            containers: [{ name: "c", image: "a" }],
            nodeName: "n1",
          },
        }),
      ),
      {
        ...budget("web", { minAvailable: 2 }),
        status: { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2, expectedPods: 2 },
      },
    ]);
    const plan = await planOf(ports);
    expect(plan.steps.map(({ sentence }) => sentence)).toEqual([
      "cordon node n1, and label it as cordoned by this remediation",
      "evict from node n1 the pods of ReplicaSet shop/web",
    ]);
    const said = plan.limits.join(" ");
    for (const words of [
      "2 pods of ReplicaSet shop/web (2) are evicted, one after another.",
      "lost to, or left behind by: shop/web-2.",
      "PodDisruptionBudget shop/web lets nobody go now: 2 pods wait for it",
      "What an evicted pod printed goes with it",
      "moves nobody back",
      "Whether the other node has room",
    ]) {
      expect(said).toContain(words);
    }
    expect(writes(cluster)).toEqual([]);
  });

  it("keeps its hash while pods come and go, and loses it with another owner", async () => {
    const { cluster, ports } = await start([...nodes, suspect, owner(), of("ReplicaSet", "web-1")]);
    const { hash } = await planOf(ports);
    cluster.seed([of("ReplicaSet", "web-2"), of("DaemonSet", "agent")]);
    expect((await planOf(ports)).hash).toBe(hash);
    cluster.seed([owner("db"), of("ReplicaSet", "db-1", "db")]);
    expect((await planOf(ports)).hash).not.toBe(hash);
  });
});

describe("emptying a node", () => {
  const three = ["web-1", "web-2", "web-3"].map((name) => of("ReplicaSet", name));

  it("cordons first, then evicts one after another, and the suspect runs on alone", async () => {
    const { cluster, ports } = await start(
      [node("n1"), workload("Deployment", "web", 3), node("n2"), suspect],
      true,
    );
    const names = onNode(cluster).filter((name) => name !== "suspect");
    expect(names).toHaveLength(3);
    const plan = await planOf(ports);
    const uid = cluster.read("pods", "shop", "suspect")?.metadata.uid;
    await drainNodeExcept.apply(plan, ports);
    expect(writes(cluster)[0]).toBe("PATCH nodes/n1");
    expect(writes(cluster).slice(1).toSorted()).toEqual(
      names.map((name) => `POST namespaces/shop/pods/${name}/eviction`),
    );
    expect(onNode(cluster)).toEqual(["suspect"]);
    expect(cluster.read("pods", "shop", "suspect")?.metadata.uid).toBe(uid);
    expect(onNode(cluster, "n2")).toHaveLength(3);
    expect(await drainNodeExcept.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
  });

  it("never evicts the suspect, also where it is of the same owner as all others, or the only one", async () => {
    const own = of("ReplicaSet", "suspect");
    const { cluster, ports } = await start([...nodes, owner(), own, ...three]);
    const plan = await planOf(ports);
    for (let time = 0; time < 3; time++) await drainNodeExcept.apply(plan, ports);
    expect(onNode(cluster)).toEqual(["suspect"]);
    expect(writes(cluster)).toHaveLength(4);
  });

  it("evicts nobody once the suspect has gone, or another bears its name", async () => {
    const { cluster, ports } = await start([...nodes, owner(), of("ReplicaSet", "suspect"), ...three]);
    const plan = await planOf(ports);
    const uid = "11111111-2222-3333-4444-555555555555";
    cluster.seed([of("ReplicaSet", "suspect", "web", { metadata: { uid } })]);
    await expect(drainNodeExcept.apply(plan, ports)).rejects.toThrow(Conflict);
    expect(writes(cluster)).toEqual([]);
    expect(await drainNodeExcept.verify(plan, ports)).toMatchObject({ verdict: "absent" });
  });

  it("leaves alone whoever gets the suspect's name in the middle of it", async () => {
    const { cluster, ports } = await start([...nodes, owner(), of("ReplicaSet", "suspect"), ...three]);
    const plan = await planOf(ports);
    const uid = "11111111-2222-3333-4444-555555555555";
    const again = of("ReplicaSet", "suspect", "web", { metadata: { uid } });
    await drainNodeExcept.apply(
      plan,
      interrupted(ports, (nth) => nth === 0 && cluster.seed([again])),
    );
    expect(onNode(cluster)).toEqual(["suspect"]);
    expect(writes(cluster).some((write) => write.includes("suspect"))).toBe(false);
  });

  it("goes on past what a budget holds, tries that again, and calls it partial till then", async () => {
    const { cluster, ports } = await start([
      ...nodes,
      suspect,
      owner(),
      owner("db"),
      ...three.map(running),
      running(of("ReplicaSet", "db-1", "db")),
      budget("web", { minAvailable: 3 }),
    ]);
    const plan = await planOf(ports);
    const refusal = drainNodeExcept.apply(plan, ports);
    await expect(refusal).rejects.toThrow(Retryable);
    await expect(refusal).rejects.toMatchObject({
      message: expect.stringContaining("shop/web-1, shop/web-2, shop/web-3"),
      retryAfterMs: 30_000,
    });
    expect(onNode(cluster)).toEqual(["suspect", "web-1", "web-2", "web-3"]);
    expect(await drainNodeExcept.verify(plan, ports)).toMatchObject({
      verdict: "partial",
      remains: three.map((_pod, at) => expect.stringContaining(`Pod shop/web-${at + 1} is left on the node`)),
    });
    cluster.seed([budget("web", { minAvailable: 2 })]);
    await expect(drainNodeExcept.apply(plan, ports)).rejects.toThrow("shop/web-2, shop/web-3");
    cluster.seed([budget("web", { minAvailable: 0 })]);
    await drainNodeExcept.apply(plan, ports);
    expect(onNode(cluster)).toEqual(["suspect"]);
    expect(await drainNodeExcept.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
  });

  it("moves who came since of an owner that was approved, and tells of anybody else", async () => {
    const { cluster, ports } = await start([...nodes, suspect, owner(), owner("db"), ...three]);
    const plan = await planOf(ports);
    cluster.seed([of("ReplicaSet", "web-4"), of("ReplicaSet", "db-1", "db")]);
    await drainNodeExcept.apply(plan, ports);
    expect(onNode(cluster)).toEqual(["db-1", "suspect"]);
    cluster.seed([of("ReplicaSet", "web-5")]);
    expect(await drainNodeExcept.verify(plan, ports)).toEqual({
      verdict: "partial",
      remains: [
        "Pod shop/db-1 is left on the node: nobody approved to move pods of ReplicaSet shop/db.",
        "Pod shop/web-5 is left on the node: it was not evicted, or came since.",
      ],
    });
  });

  it("reads the owner, the namespace and the node again right before each eviction", async () => {
    const objects = [
      ...nodes,
      suspect,
      owner("a"),
      owner("b"),
      of("ReplicaSet", "a-1", "a"),
      of("ReplicaSet", "b-1", "b"),
    ];
    const { cluster, ports } = await start(objects);
    const plan = await planOf(ports);
    const optsOut = interrupted(ports, () => cluster.seed([owner("b", { annotations: OPT_OUT })]));
    await drainNodeExcept.apply(plan, optsOut);
    expect(onNode(cluster)).toEqual(["b-1", "suspect"]);

    const other = await start(objects);
    const its = await planOf(other.ports);
    await drainNodeExcept.apply(
      its,
      interrupted(other.ports, () =>
        other.cluster.seed([node("n1", { metadata: { labels: { [INCIDENT_LABEL]: ID } } })]),
      ),
    );
    expect(onNode(other.cluster)).toEqual(["b-1", "suspect"]);
    expect(await drainNodeExcept.verify(its, other.ports)).toMatchObject({ verdict: "absent" });

    const third = await start(objects);
    const own = await planOf(third.ports);
    let asked = 0;
    const protects = () => Promise.resolve(asked++ > 2 ? "it is protected by now" : null);
    await drainNodeExcept.apply(own, { ...third.ports, read: { ...third.ports.read, protects } });
    expect(onNode(third.cluster)).toEqual(["b-1", "suspect"]);
  });

  it("comes to the same wherever it ends between two writes, and evicts nobody twice", async () => {
    for (let last = 0; last <= three.length; last++) {
      const { cluster, ports } = await start([...nodes, suspect, owner(), ...three]);
      const plan = await planOf(ports);
      const dying = interrupted(ports, (nth) => {
        if (nth === last) throw new Error("the process died");
      });
      const [died] = await Promise.allSettled([drainNodeExcept.apply(plan, dying)]);
      expect(died.status).toBe(last < three.length ? "rejected" : "fulfilled");
      expect(onNode(cluster)).toHaveLength(1 + three.length - last);
      await drainNodeExcept.apply(plan, ports);
      expect(onNode(cluster)).toEqual(["suspect"]);
      expect(new Set(writes(cluster)).size).toBe(writes(cluster).length);
      expect(await drainNodeExcept.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    }
  });

  it("waits where no other node takes pods any more, and refuses once the node opted out", async () => {
    const { cluster, ports } = await start([...nodes, suspect, owner(), ...three]);
    const plan = await planOf(ports);
    cluster.seed([node("n2", { spec: { unschedulable: true } })]);
    await expect(drainNodeExcept.apply(plan, ports)).rejects.toThrow("No other node takes new pods");
    expect(onNode(cluster)).toHaveLength(4);
    const other = await start([...nodes, suspect, owner(), ...three]);
    const its = await planOf(other.ports);
    other.cluster.seed([node("n1", { metadata: { labels: OPT_OUT } })]);
    await expect(drainNodeExcept.apply(its, other.ports)).rejects.toThrow(Refused);
    expect(writes(other.cluster)).toEqual([]);
  });
});

describe("verifying", () => {
  it("waits for who takes his time to end", async () => {
    const slow = of("ReplicaSet", "web-1", "web", { metadata: { finalizers: ["x.example/keep"] } });
    const { cluster, ports } = await start([...nodes, suspect, owner(), slow]);
    const plan = await planOf(ports);
    await drainNodeExcept.apply(plan, ports);
    await drainNodeExcept.apply(plan, ports);
    expect(writes(cluster)).toHaveLength(2);
    expect(await drainNodeExcept.verify(plan, ports)).toMatchObject({
      verdict: "not-yet",
      reason: expect.stringContaining("shop/web-1"),
    });
    cluster.seed([of("ReplicaSet", "web-1", "web", { metadata: { finalizers: [] } })]);
    expect(await drainNodeExcept.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
  });
});

describe("taking it back", () => {
  it("lets new pods on the node, and moves nobody back", async () => {
    const { cluster, ports } = await start(
      [node("n1"), workload("Deployment", "web", 2), node("n2"), suspect],
      true,
    );
    const plan = await planOf(ports);
    await drainNodeExcept.apply(plan, ports);
    expect(await drainNodeExcept.revert(plan, ports)).toEqual({ outcome: "restored" });
    const after = cluster.read("nodes", "", "n1");
    expect(after?.["spec"]).not.toHaveProperty("unschedulable");
    expect(valueAt(after, "metadata", "labels", INCIDENT_LABEL)).toBeUndefined();
    expect(onNode(cluster)).toEqual(["suspect"]);
  });

  it("takes the label alone off a node that somebody else had cordoned, and keeps their cordon", async () => {
    const { cluster, ports } = await start([
      closed(null),
      node("n2"),
      suspect,
      owner(),
      of("ReplicaSet", "web-1"),
    ]);
    const plan = await planOf(ports);
    expect(plan.steps[0]?.sentence).toBe(
      "label node n1, which somebody else has cordoned, with this remediation",
    );
    await drainNodeExcept.apply(plan, ports);
    expect(onNode(cluster)).toEqual(["suspect"]);
    for (let time = 0; time < 2; time++) {
      expect(await drainNodeExcept.revert(plan, ports)).toEqual({ outcome: "restored" });
      expect(cluster.read("nodes", "", "n1")?.["spec"]).toMatchObject({ unschedulable: true });
    }
    expect(valueAt(cluster.read("nodes", "", "n1"), "metadata", "labels", INCIDENT_LABEL)).toBeUndefined();
  });

  it("is done also where the suspect has gone meanwhile", async () => {
    const { cluster, ports } = await start([...nodes, suspect]);
    const plan = await planOf(ports);
    await drainNodeExcept.apply(plan, ports);
    await ports.write.kubernetes(CLUSTER).deletePod("shop", "suspect", {
      uid: plan.identity,
      resourceVersion: cluster.read("pods", "shop", "suspect")?.metadata.resourceVersion ?? "",
    });
    expect(await drainNodeExcept.revert(plan, ports)).toEqual({ outcome: "restored" });
  });
});

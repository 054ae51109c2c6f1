import { describe, expect, it } from "vitest";
import { type Resolution, resolve } from "../../src/engine/resolve.ts";
import { Permanent, Refused, Retryable } from "../../src/model/errors.ts";
import type { Node, Owner, Pod, Workload, WorkloadKind } from "../../src/model/kubernetes-objects.ts";
import type { KubernetesReader } from "../../src/model/kubernetes-port.ts";
import type { Signal } from "../../src/model/signal.ts";
import type { TargetKind } from "../../src/model/target.ts";
import { aSignal, CLUSTER } from "../rules/rule-fixtures.ts";
import { noEvidence } from "./no-evidence.ts";

const IMAGE = "reg.example.io:5000/team/web:1.2";
const DIGEST = `sha256:${"a".repeat(64)}`;
const OTHER_DIGEST = `sha256:${"b".repeat(64)}`;

const identity = {
  namespace: "shop",
  resourceVersion: "1",
  labels: {},
  annotations: {},
  createdAt: "2026-03-01T00:00:00Z",
  deleting: false,
  managers: [],
};

function aPod(more: Partial<Pod> = {}): Pod {
  return {
    ...identity,
    name: "web-front-1",
    uid: "pod-1",
    controller: owner("ReplicaSet", "web-front-abc", "rs-1"),
    node: null,
    hostNetwork: false,
    mirror: false,
    priorityClass: null,
    serviceAccount: null,
    phase: "Running",
    ready: true,
    containers: [{ name: "web", image: IMAGE, digest: DIGEST }],
    ...more,
  };
}

const MACHINE = "/subscriptions/x/resourceGroups/MC_shop/providers/Microsoft.Compute/virtualMachines/7";

function aNode(more: Partial<Node> = {}): Node {
  const { namespace: _none, deleting: _no, ...rest } = identity;
  return {
    ...rest,
    name: "pool-vmss000007",
    uid: "node-7",
    unschedulable: false,
    ready: true,
    operatingSystem: "linux",
    osImage: null,
    providerId: `azure://${MACHINE.toLowerCase()}`,
    ...more,
  };
}

function host(attributes: Readonly<Record<string, string>>): Signal["entities"][number] {
  return { type: "host", name: attributes["hostName"] ?? null, asset: false, attributes };
}

function aWorkload(kind: WorkloadKind, name: string, uid: string, controller: Owner | null = null): Workload {
  return {
    ...identity,
    kind,
    name,
    uid,
    controller,
    replicas: 1,
    selector: null,
    templateLabels: {},
    priorityClass: null,
    claimsWhenScaled: null,
  };
}

function owner(kind: string, name: string, uid: string): Owner {
  return { apiVersion: "apps/v1", kind, name, uid };
}

/** A cluster of these objects; it notes what it was asked for. */
function cluster(pods: readonly Pod[], workloads: readonly Workload[] = [], nodes: readonly Node[] = []) {
  const asked: string[] = [];
  const absent = (): Promise<never> => Promise.reject(new Error("nobody should ask for this"));
  const reader: KubernetesReader = {
    pod: async (namespace, name) => {
      asked.push(`pod ${namespace}/${name}`);
      return pods.find((pod) => pod.namespace === namespace && pod.name === name) ?? null;
    },
    workload: async (kind, namespace, name) => {
      asked.push(`${kind} ${namespace}/${name}`);
      return (
        workloads.find((one) => one.kind === kind && one.namespace === namespace && one.name === name) ?? null
      );
    },
    node: async (name) => {
      asked.push(`node ${name}`);
      return nodes.find((node) => node.name === name) ?? null;
    },
    pods: absent,
    nodes: absent,
    podsOnNode: absent,
    namespace: absent,
    workloadState: absent,
    ownedWorkloads: absent,
    autoscalers: absent,
    scaledObject: absent,
    scaledObjects: absent,
    holdList: absent,
    networkPolicy: absent,
    networkPolicies: absent,
    enginePolicy: absent,
    enginePolicies: absent,
    services: absent,
    daemonSet: absent,
    disruptionBudgets: absent,
    apiGroups: absent,
    ciliumEndpoint: absent,
    roleBinding: absent,
    sessionList: absent,
    webhooks: absent,
    service: absent,
    serviceAccount: absent,
    blockList: absent,
    tryPods: absent,
    eachPod: absent,
    podRules: absent,
    marked: absent,
    ...noEvidence,
  };
  return { asked, open: () => reader };
}

const CHAIN = [
  aWorkload("ReplicaSet", "web-front-abc", "rs-1", owner("Deployment", "web-front", "d-1")),
  aWorkload("Deployment", "web-front", "d-1"),
];

function resolved(
  kind: TargetKind,
  signal: Partial<Signal>,
  { open } = cluster([aPod()], CHAIN),
): Promise<Resolution> {
  return resolve(aSignal(signal), kind, null, open, []);
}

const workload = (workloadKind: WorkloadKind, name: string): unknown => ({
  outcome: "target",
  target: { kind: "workload", cluster: CLUSTER, namespace: "shop", workloadKind, name },
});
const image = (reference: string | null, digest: string | null): unknown => ({
  outcome: "target",
  target: { kind: "image", cluster: CLUSTER, reference, digest },
});
const none = (reason: string): unknown => ({ outcome: "none", reason });

describe("the workload of a pod", () => {
  it("is found by the uids of its owners, through the ReplicaSet to the Deployment", async () => {
    const here = cluster([aPod()], CHAIN);
    expect(await resolved("workload", { workload: null }, here)).toEqual(workload("Deployment", "web-front"));
    expect(here.asked).toEqual([
      "pod shop/web-front-1",
      "ReplicaSet shop/web-front-abc",
      "Deployment shop/web-front",
    ]);
  });

  it("is not an owner of the right name that is another object", async () => {
    const [set] = CHAIN;
    const stranger = aWorkload("Deployment", "web-front", "d-2");
    const above = await resolved("workload", {}, cluster([aPod()], set ? [set, stranger] : []));
    expect(above).toEqual(workload("ReplicaSet", "web-front-abc"));
    const strange = aWorkload("ReplicaSet", "web-front-abc", "rs-2", owner("Deployment", "web-front", "d-1"));
    expect(await resolved("workload", {}, cluster([aPod()], [strange, ...CHAIN.slice(1)]))).toEqual(
      none("its ReplicaSet web-front-abc has gone"),
    );
  });

  it("is the highest one of a kind that we know", async () => {
    const ruled = aWorkload("ReplicaSet", "web-front-abc", "rs-1", owner("Rollout", "web", "x-1"));
    expect(await resolved("workload", {}, cluster([aPod()], [ruled]))).toEqual(
      workload("ReplicaSet", "web-front-abc"),
    );
    const foreign = aPod({ controller: owner("Node", "n1", "n-1") });
    expect(await resolved("workload", {}, cluster([foreign]))).toEqual(
      none("it is controlled by the Node n1, which we do not know how to act upon"),
    );
  });

  it("is none where the chain of owners turns in circles", async () => {
    const ring = [
      aWorkload("ReplicaSet", "a", "1", owner("ReplicaSet", "b", "2")),
      aWorkload("ReplicaSet", "b", "2", owner("ReplicaSet", "a", "1")),
    ];
    const here = cluster([aPod({ controller: owner("ReplicaSet", "a", "1") })], ring);
    expect(await resolved("workload", {}, here)).toEqual(none("its chain of owners does not end"));
    expect(here.asked.length).toBeLessThan(12);
  });

  it("is none where the pod stands alone", async () => {
    expect(await resolved("workload", {}, cluster([aPod({ controller: null })], CHAIN))).toEqual(
      none(
        "pod shop/web-front-1 belongs to no workload: there is nothing to scale, and once the pod itself is ended nothing starts it again",
      ),
    );
  });

  it("is the one that the signal names where the pod has gone, or where it names none", async () => {
    const gone = cluster([], CHAIN);
    expect(await resolved("workload", {}, gone)).toEqual(workload("Deployment", "web-front"));
    expect(await resolved("workload", { pod: null })).toEqual(workload("Deployment", "web-front"));
    const lower = { kind: "replicaset", name: "web-front-abc" };
    expect(await resolved("workload", { pod: null, workload: lower })).toEqual(
      workload("Deployment", "web-front"),
    );
  });

  it("is none where pod and workload have gone, or none is named, or nobody knows its kind", async () => {
    const empty = cluster([]);
    expect(await resolved("workload", {}, empty)).toEqual(none("the workload has gone"));
    expect(await resolved("workload", { workload: null }, empty)).toEqual(
      none("the pod has gone and the signal names no workload"),
    );
    const rollout = { kind: "Rollout", name: "web-front" };
    expect(await resolved("workload", { pod: null, workload: rollout })).toMatchObject({ outcome: "none" });
  });

  it("is none where the signal names no namespace, without asking", async () => {
    const here = cluster([aPod()], CHAIN);
    expect(await resolved("workload", { namespace: null }, here)).toEqual(
      none("the signal names no namespace"),
    );
    expect(here.asked).toEqual([]);
  });
});

describe("the image of a signal", () => {
  it("has the digest that the signal names, without asking", async () => {
    const here = cluster([]);
    expect(await resolved("image", { digest: OTHER_DIGEST }, here)).toEqual(image(IMAGE, OTHER_DIGEST));
    expect(await resolved("image", { digest: OTHER_DIGEST, image: null }, here)).toEqual(
      image(null, OTHER_DIGEST),
    );
    expect(here.asked).toEqual([]);
  });

  it("is its digest alone where a finding names a repository of some registry, and none without a digest", async () => {
    const here = cluster([aPod()]);
    const finding = { kind: "finding", image: "team/web" } as const;
    expect(await resolved("image", { ...finding, digest: DIGEST }, here)).toEqual(image(null, DIGEST));
    expect(await resolved("image", { ...finding, digest: null }, here)).toMatchObject({ outcome: "none" });
    expect(here.asked).toEqual([]);
  });

  it("has the digest that the container runs, if that still runs the image of the signal", async () => {
    expect(await resolved("image", {})).toEqual(image(IMAGE, DIGEST));
    expect(await resolved("image", { container: null })).toEqual(image(IMAGE, DIGEST));
    expect(await resolved("image", { image: "reg.example.io:5000/team/web:1.3" })).toEqual(
      image("reg.example.io:5000/team/web:1.3", null),
    );
  });

  it("has not the digest of a namesake that runs something else beside", async () => {
    const containers = [
      { name: "web", image: "reg.example.io:5000/team/other:1", digest: OTHER_DIGEST },
      { name: "side", image: IMAGE, digest: DIGEST },
    ];
    expect(await resolved("image", {}, cluster([aPod({ containers })]))).toEqual(image(IMAGE, null));
    expect(await resolved("image", { container: "gone" }, cluster([aPod({ containers })]))).toEqual(
      image(IMAGE, DIGEST),
    );
  });

  it("has no digest where two containers run the reference as different images", async () => {
    const twice = (second: string | null): Pod =>
      aPod({
        containers: [
          { name: "a", image: IMAGE, digest: DIGEST },
          { name: "b", image: IMAGE, digest: second },
        ],
      });
    const signal = { container: null };
    expect(await resolved("image", signal, cluster([twice(OTHER_DIGEST)]))).toEqual(image(IMAGE, null));
    expect(await resolved("image", signal, cluster([twice(null)]))).toEqual(image(IMAGE, null));
    expect(await resolved("image", signal, cluster([twice(DIGEST)]))).toEqual(image(IMAGE, DIGEST));
  });

  it("has not the digest of a pod that came back under its name after the activity began", async () => {
    const startedAt = "2026-03-02T07:50:00.000Z";
    const times = { startedAt, endedAt: null, generatedAt: null, statusChangedAt: null };
    const born = (createdAt: string) => cluster([aPod({ createdAt })]);
    expect(await resolved("image", { times }, born("2026-03-02T07:50:01Z"))).toEqual(image(IMAGE, null));
    expect(await resolved("image", { times }, born("2026-03-02T07:50:00Z"))).toEqual(image(IMAGE, DIGEST));
  });

  it("has no digest where the pod has gone or is not named, and is none without an image", async () => {
    expect(await resolved("image", {}, cluster([]))).toEqual(image(IMAGE, null));
    expect(await resolved("image", { pod: null })).toEqual(image(IMAGE, null));
    expect(await resolved("image", { image: null })).toEqual(none("the signal names no image"));
  });
});

describe("the node of a signal", () => {
  const node = (name: string): unknown => ({
    outcome: "target",
    target: { kind: "node", cluster: CLUSTER, name },
  });
  const onlyHost = (...attributes: Readonly<Record<string, string>>[]): Partial<Signal> => ({
    ...{ namespace: null, pod: null, workload: null },
    entities: attributes.map(host),
  });
  const here = () => cluster([], [], [aNode()]);

  it("is the one that runs its pod, whatever host the signal names besides", async () => {
    const entities = [host({ hostName: "pool-vmss000009" })];
    const { asked, open } = cluster([aPod({ node: "pool-vmss000007" })]);
    expect(await resolved("node", { entities }, { asked, open })).toEqual(node("pool-vmss000007"));
    expect(asked).toEqual(["pod shop/web-front-1"]);
  });

  it("is none where the pod has gone, is on no node, or came back after the activity began", async () => {
    const entities = [host({ hostName: "pool-vmss000007" })];
    expect(await resolved("node", { entities }, here())).toEqual(
      none("pod shop/web-front-1 has gone, and with it where it ran"),
    );
    expect(await resolved("node", {}, cluster([aPod()]))).toEqual(none("pod shop/web-front-1 is on no node"));
    const younger = aPod({ node: "n1", createdAt: "2026-03-03T00:00:00Z" });
    const times = { ...aSignal().times, startedAt: "2026-03-02T00:00:00.000Z" };
    expect(await resolved("node", { times }, cluster([younger]))).toEqual(
      none("pod shop/web-front-1 came back after the activity began"),
    );
  });

  it("is the host where the signal names no pod, if the cluster has that node on that machine", async () => {
    const named = { hostName: "POOL-vmss000007", azureID: MACHINE };
    expect(await resolved("node", onlyHost(named), here())).toEqual(node("pool-vmss000007"));
    expect(await resolved("node", onlyHost(named, named), here())).toEqual(node("pool-vmss000007"));
    const bare = onlyHost({ hostName: "pool-vmss000007" });
    expect(await resolved("node", bare, here())).toEqual(node("pool-vmss000007"));
    const untold = cluster([], [], [aNode({ providerId: null })]);
    expect(await resolved("node", onlyHost(named), untold)).toEqual(node("pool-vmss000007"));
  });

  it("is none where the host is no node, is on another machine, or is not one", async () => {
    const noNode = none("the signal names no pod, and a host that is no node of the cluster");
    expect(await resolved("node", onlyHost({ hostName: "web-front" }), here())).toEqual(noNode);
    for (const hostName of [
      "..",
      "a/b",
      "pool-vmss000007 ",
      "a..b",
      "x".repeat(300),
      "pool-vmss00000\u212a",
    ]) {
      const { asked, open } = here();
      const resolution = await resolved("node", onlyHost({ hostName }), { asked, open });
      expect(resolution).toEqual(noNode);
      expect(asked).toEqual([]);
    }
    const azureID = MACHINE.replace(/7$/, "8");
    expect(await resolved("node", onlyHost({ hostName: "pool-vmss000007", azureID }), here())).toEqual(
      none("the signal names another machine than the one of node pool-vmss000007"),
    );
    const two = onlyHost({ hostName: "pool-vmss000007" }, { hostName: "pool-vmss000008" });
    for (const nothing of [two, onlyHost(), onlyHost({ osFamily: "Linux" })]) {
      expect(await resolved("node", nothing, here())).toEqual(
        none("the signal names no pod and no single host"),
      );
    }
  });

  it("stands as named while the cluster does not answer: the pod, else the host", async () => {
    const busy = () => Promise.reject(new Retryable("busy", "Wait.", { retryAfterMs: 1 }));
    const open = () => ({ ...cluster([]).open(), pod: busy, node: busy });
    const pod = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-front-1" };
    expect(await resolved("node", {}, { asked: [], open })).toMatchObject({ outcome: "later", target: pod });
    const named = onlyHost({ hostName: "pool-vmss000007" });
    expect(await resolved("node", named, { asked: [], open })).toMatchObject({
      outcome: "later",
      target: { kind: "node", name: "pool-vmss000007" },
    });
  });
});

describe("the service account of a signal", () => {
  const account = (namespace: string, name: string): unknown => ({
    outcome: "target",
    target: { kind: "service-account", cluster: CLUSTER, namespace, name },
  });
  const nobody = { pod: null, serviceAccount: null };

  it("is the one that it names in full, whatever its pod runs with", async () => {
    const here = cluster([aPod({ serviceAccount: "other" })]);
    const named = { serviceAccount: "system:serviceaccount:ci:runner" };
    expect(await resolved("service-account", named, here)).toEqual(account("ci", "runner"));
    expect(here.asked).toEqual([]);
  });

  it("is the one of its pod where it names none in full", async () => {
    const here = () => cluster([aPod({ serviceAccount: "web" })]);
    for (const serviceAccount of [
      null,
      "runner",
      "system:serviceaccount:ci",
      "system:serviceaccount:a:b:c",
    ]) {
      expect(await resolved("service-account", { serviceAccount }, here())).toEqual(account("shop", "web"));
    }
  });

  it("is none where nothing names one, or the pod is gone, younger or without", async () => {
    const reason = async (signal: Partial<Signal>, ...pods: Pod[]) => {
      const found = await resolved("service-account", { serviceAccount: null, ...signal }, cluster(pods));
      return found.outcome === "none" ? found.reason : found;
    };
    expect(await reason(nobody)).toBe("the signal names no service account and no single pod");
    expect(await reason({})).toBe("pod shop/web-front-1 has gone, and with it whose rights it had");
    expect(await reason({}, aPod())).toBe("pod shop/web-front-1 has no service account");
    const younger = aPod({ serviceAccount: "web", createdAt: "2100-01-01T00:00:00Z" });
    const times = { ...aSignal().times, startedAt: "2026-03-02T07:50:00.000Z" };
    expect(await reason({ times }, younger)).toBe("pod shop/web-front-1 came back after the activity began");
  });
});

describe("the binding of a signal", () => {
  it.each([
    { kind: "ClusterRoleBinding", namespace: null, name: "ci-admin" },
    { kind: "RoleBinding", namespace: "shop", name: "ci-admin" },
  ] as const)("is the one that it names: $kind", async (object) => {
    const { namespace, name } = object;
    const here = cluster([]);
    expect(await resolved("role-binding", { object }, here)).toEqual({
      outcome: "target",
      target: { kind: "role-binding", cluster: CLUSTER, namespace, name },
    });
    expect(here.asked).toEqual([]);
  });

  it("is none where the signal names another object, or is about another cluster", async () => {
    const object = { kind: "Service", namespace: "shop", name: "web" } as const;
    const nothing = none("the signal names no role-binding");
    expect(await resolved("role-binding", { object })).toEqual(nothing);
    expect(await resolved("role-binding", { object: null })).toEqual(nothing);
    const named = { kind: "ClusterRoleBinding", namespace: null, name: "ci-admin" } as const;
    const elsewhere = `${CLUSTER}-2`;
    const found = await resolve(aSignal({ object: named }), "role-binding", elsewhere, cluster([]).open, []);
    expect(found).toEqual(nothing);
  });
});

describe("what cannot be told for now", () => {
  const failing = (error: Error) => ({
    asked: [],
    open: () => ({
      ...cluster([]).open(),
      pod: () => Promise.reject(error),
      workload: () => Promise.reject(error),
    }),
  });
  const slow = failing(new Retryable("the API server is busy", "Wait.", { retryAfterMs: 1 }));
  const later = (target: unknown): unknown => ({
    outcome: "later",
    target,
    reason: "the API server is busy",
  });
  const pod = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-front-1" };

  it("stands as the signal names it: pod, else workload, else image", async () => {
    expect(await resolved("workload", {}, slow)).toEqual(later(pod));
    expect(await resolved("image", {}, slow)).toEqual(later(pod));
    expect(await resolved("workload", { pod: null }, slow)).toEqual(
      later({
        kind: "workload",
        cluster: CLUSTER,
        namespace: "shop",
        workloadKind: "Deployment",
        name: "web-front",
      }),
    );
  });

  it("is not what will never work: that is raised", async () => {
    const forbidden = new Permanent("403", "Grant it.");
    await expect(resolved("workload", {}, failing(forbidden))).rejects.toBe(forbidden);
    const unknown = new Refused("cluster is not configured", "Add it.");
    const open = (): never => {
      throw unknown;
    };
    await expect(resolved("workload", {}, { asked: [], open })).rejects.toBe(unknown);
  });
});

import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { type KubernetesStandIn, startKubernetes } from "../../../local/kubernetes/index.ts";
import { createKubernetes } from "../../../src/clients/kubernetes/index.ts";
import { Conflict, Permanent, Retryable } from "../../../src/model/errors.ts";
import {
  BLOCK_LIST,
  BLOCK_POLICY,
  blockListValue,
  HOLD_LIST,
  INCIDENT_LABEL,
  OWN_NAMESPACE,
} from "../../../src/model/incident-mark.ts";
import { blockListObjects, node, pod, policy, workload } from "../../playbooks/cluster-objects.ts";
import { holdListObjects, running } from "../../playbooks/workload-objects.ts";

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function start(objects: readonly object[], controllers = false) {
  const cluster: KubernetesStandIn = await startKubernetes({ controllers });
  open.push(cluster);
  cluster.seed(objects);
  cluster.clear();
  return { cluster, ...createKubernetes({ kubeconfigText: cluster.kubeconfig(), context: null }) };
}

describe("reading", () => {
  it("reads what matters of a pod, with the digests that run", async () => {
    const digest = `sha256:${"ab".repeat(32)}`;
    const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-5d", uid: "rs-1" };
    const image = "reg.example/shop/web:1";
    const statuses = [
      { name: "web", image, imageID: `reg.example/shop/web@${digest}`, ready: true, restartCount: 0 },
      { name: "local", image, imageID: digest, ready: true, restartCount: 0 },
    ];
    const { reader } = await start([
      {
        ...pod("web-1", {
          metadata: {
            ownerReferences: [
              { ...owner, uid: "other" },
              { ...owner, controller: true },
            ],
            annotations: { "kubernetes.io/config.mirror": "x" },
          },
          spec: {
            hostNetwork: true,
            serviceAccountName: "web",
            priorityClassName: "high",
            containers: [
              { name: "web", image },
              { name: "local", image },
            ],
            initContainers: [{ name: "first", image }],
          },
        }),
        status: { phase: "Running", containerStatuses: statuses },
      },
    ]);
    expect(await reader.pod("shop", "web-1")).toMatchObject({
      namespace: "shop",
      name: "web-1",
      uid: expect.stringMatching(/./),
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      deleting: false,
      controller: owner,
      node: "n1",
      hostNetwork: true,
      mirror: true,
      priorityClass: "high",
      serviceAccount: "web",
      phase: "Running",
      containers: [
        { name: "web", image, digest },
        { name: "local", image, digest: null },
        { name: "first", image, digest: null },
      ],
    });
  });

  it("reads what matters of a node", async () => {
    const taken = { ready: true, unschedulable: false, operatingSystem: "linux", osImage: "Azure Linux 3" };
    const { reader, cluster } = await start([
      node("n1", { metadata: { labels: { pool: "a" }, annotations: { b: "c" } } }),
      { apiVersion: "v1", kind: "Node", metadata: { name: "n2" }, spec: { unschedulable: true } },
    ]);
    expect(await reader.node("n1")).toMatchObject({
      ...taken,
      name: "n1",
      uid: cluster.read("nodes", "", "n1")?.metadata.uid,
      labels: { pool: "a" },
      annotations: { b: "c" },
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      managers: [expect.objectContaining({ name: "administrator" })],
      providerId: "azure:///subscriptions/6f0e7c1a/virtualMachines/n1",
    });
    const silent = {
      ready: false,
      unschedulable: true,
      operatingSystem: null,
      osImage: null,
      providerId: null,
    };
    expect(await reader.node("n2")).toMatchObject(silent);
  });

  it("reads the disruption budgets of a namespace, or of all", async () => {
    const budget = (namespace: string, more: object = {}): object => ({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { namespace, name: "web" },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "web" } } },
      ...more,
    });
    const { reader } = await start([
      budget("shop", { status: { disruptionsAllowed: 2 } }),
      budget("bank", { spec: { minAvailable: 1 } }),
    ]);
    const shop = { namespace: "shop", name: "web", selector: { matchLabels: { app: "web" } }, allowed: 2 };
    expect(await reader.disruptionBudgets("shop")).toMatchObject([shop]);
    const all = await reader.disruptionBudgets();
    expect(all).toHaveLength(2);
    expect(all).toContainEqual(
      expect.objectContaining({ namespace: "bank", name: "web", selector: null, allowed: null }),
    );
  });

  it("reads absent objects as null", async () => {
    const { reader } = await start([]);
    expect(await reader.pod("shop", "web")).toBeNull();
    expect(await reader.namespace("shop")).toBeNull();
    expect(await reader.node("n1")).toBeNull();
    expect(await reader.workload("CronJob", "shop", "web")).toBeNull();
    expect(await reader.workloadState("StatefulSet", "shop", "web")).toBeNull();
    expect(await reader.workloadState("Rollout", "shop", "web")).toBeNull();
    expect(await reader.ownedWorkloads("Job", "shop")).toEqual({ workloads: [], whole: true });
    expect(await reader.autoscalers("shop")).toEqual([]);
    // Where KEDA is not installed there is none of it.
    expect(await reader.scaledObject("shop", "web")).toBeNull();
    expect(await reader.scaledObjects("shop")).toEqual([]);
    expect(await reader.disruptionBudgets("shop")).toEqual([]);
    expect(await reader.holdList()).toBeNull();
    expect(await reader.networkPolicy("shop", "web")).toBeNull();
    expect(await reader.networkPolicies("shop")).toEqual([]);
  });

  it("reads workloads of every kind", async () => {
    const template = {
      metadata: { labels: { app: "j" } },
      spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] },
    };
    const { reader } = await start([
      workload("Deployment", "d", 3),
      workload("ReplicaSet", "r", 0),
      workload("StatefulSet", "s", 2, {
        spec: { persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" } },
      }),
      workload("DaemonSet", "n", 1, { spec: { replicas: undefined } }),
      { apiVersion: "batch/v1", kind: "Job", metadata: { namespace: "shop", name: "j" }, spec: { template } },
      {
        apiVersion: "batch/v1",
        kind: "CronJob",
        metadata: { namespace: "shop", name: "c" },
        spec: { schedule: "* * * * *", jobTemplate: { spec: { template } } },
      },
    ]);
    expect(await reader.workload("Deployment", "shop", "d")).toMatchObject({
      replicas: 3,
      claimsWhenScaled: null,
    });
    expect(await reader.workload("ReplicaSet", "shop", "r")).toMatchObject({
      replicas: 0,
      templateLabels: { app: "r" },
    });
    expect(await reader.workload("StatefulSet", "shop", "s")).toMatchObject({
      replicas: 2,
      claimsWhenScaled: "Delete",
    });
    expect(await reader.workload("DaemonSet", "shop", "n")).toMatchObject({
      kind: "DaemonSet",
      replicas: null,
    });
    expect(await reader.workload("Job", "shop", "j")).toMatchObject({
      kind: "Job",
      templateLabels: { app: "j" },
    });
    expect(await reader.workload("CronJob", "shop", "c")).toMatchObject({
      replicas: null,
      templateLabels: { app: "j" },
    });
  });

  it("keeps the specification of a network policy in the words of the wire", async () => {
    const spec = {
      podSelector: { matchExpressions: [{ key: "app", operator: "Exists" }] },
      ingress: [
        {
          from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }],
          ports: [{ port: "http" }, { port: 80 }],
        },
      ],
      policyTypes: ["Ingress"],
    };
    const { reader, cluster } = await start([policy("allow", spec)]);
    const [listed] = await reader.networkPolicies("shop");
    expect(listed).toEqual(await reader.networkPolicy("shop", "allow"));
    expect(listed?.spec).toEqual(cluster.read("networkpolicies", "shop", "allow")?.["spec"]);
    expect(listed).toMatchObject({
      policyTypes: ["Ingress"],
      podSelector: { matchLabels: {}, matchExpressions: [{ key: "app", operator: "Exists", values: [] }] },
    });
  });

  it("has a block list only where policy, binding and list are there and belong together", async () => {
    const whole = blockListObjects();
    const kindOf = (object: object) => ("kind" in object ? object.kind : "");
    expect(await (await start(whole)).reader.blockList()).toMatchObject({ entries: {} });
    for (const kind of [
      "AdmissionList",
      "CustomResourceDefinition",
      "ValidatingAdmissionPolicy",
      "ValidatingAdmissionPolicyBinding",
    ]) {
      // A definition takes its objects with it.
      const gone = kind === "CustomResourceDefinition" ? [kind, "AdmissionList"] : [kind];
      const { reader } = await start(whole.filter((object) => !gone.includes(String(kindOf(object)))));
      expect(await reader.blockList()).toBeNull();
    }
    const spoiled = [
      { paramRef: { name: "another", namespace: OWN_NAMESPACE, parameterNotFoundAction: "Allow" } },
      { paramRef: { name: BLOCK_LIST, namespace: "default", parameterNotFoundAction: "Allow" } },
      { validationActions: ["Audit"] },
      { policyName: "another" },
    ];
    for (const wrong of spoiled) {
      const objects = whole.map((object) =>
        kindOf(object) === "ValidatingAdmissionPolicyBinding" &&
        "spec" in object &&
        typeof object.spec === "object"
          ? { ...object, spec: { ...object.spec, ...wrong } }
          : object,
      );
      expect(await (await start(objects)).reader.blockList()).toBeNull();
    }
  });

  it("lists all that bears our mark in the whole cluster, and nothing else", async () => {
    const labels = { [INCIDENT_LABEL]: "rem-1" };
    const { reader, cluster, writer } = await start([
      ...blockListObjects(),
      ...holdListObjects(),
      running("Deployment", "web", { labels: { [INCIDENT_LABEL]: "rem-5" } }),
      running("CronJob", "nightly", { labels: { [INCIDENT_LABEL]: "rem-5" } }),
      running("Job", "other"),
      {
        apiVersion: "defender-reflex.dev/v1",
        kind: "AdmissionList",
        metadata: { namespace: OWN_NAMESPACE, name: HOLD_LIST },
        spec: { entries: { "shop_Deployment.apps_web": blockListValue("rem-5"), byHand: "an operator" } },
      },
      pod("web-1", { metadata: { labels } }),
      pod("web-2", { metadata: { namespace: "bank", labels: { [INCIDENT_LABEL]: "rem-2" } } }),
      pod("web-3"),
      node("n1", { metadata: { labels: { [INCIDENT_LABEL]: "rem-4" } } }),
      node("n2"),
      policy("reflex-isolate-rem-1", { podSelector: {} }, labels),
      policy("theirs", { podSelector: {} }),
    ]);
    const list = await reader.blockList();
    expect(list).not.toBeNull();
    if (list !== null) {
      await writer.changeBlockList(list, {
        "sha256.ab": blockListValue("rem-3"),
        "by-hand": "an operator's note",
      });
    }
    expect(new Set(await reader.marked())).toEqual(
      new Set([
        { object: "pod shop/web-1", remediationId: "rem-1" },
        { object: "pod bank/web-2", remediationId: "rem-2" },
        { object: "node n1", remediationId: "rem-4" },
        { object: "network policy shop/reflex-isolate-rem-1", remediationId: "rem-1" },
        { object: "entry sha256.ab of reflex-blocked-images", remediationId: "rem-3" },
        { object: "Deployment shop/web", remediationId: "rem-5" },
        { object: "CronJob shop/nightly", remediationId: "rem-5" },
        { object: "entry shop_Deployment.apps_web of reflex-held-workloads", remediationId: "rem-5" },
      ]),
    );
    // A kind that the cluster does not have is one of which nothing bears our mark.
    expect(cluster.requests.filter(({ query }) => query.includes("labelSelector"))).toHaveLength(21);
  });
});

describe("writing", () => {
  it("labels a pod in one change that names its version, under our own name", async () => {
    const { reader, writer, cluster } = await start([
      pod("web-1", { metadata: { labels: { app: "web", old: "x" } } }),
    ]);
    const before = await reader.pod("shop", "web-1");
    if (before === null) throw new Error("no pod");
    cluster.clear();
    const after = await writer.labelPod("shop", "web-1", before, { new: "y", old: null });
    expect(after.labels).toEqual({ app: "web", new: "y" });
    expect(cluster.requests).toEqual([
      expect.objectContaining({
        method: "PATCH",
        contentType: "application/merge-patch+json",
        query: expect.stringContaining("fieldManager=defender-reflex"),
      }),
    ]);
    for (const stale of [before, { ...after, uid: "another" }]) {
      const attempt = writer.labelPod("shop", "web-1", stale, { z: "z" });
      await expect(attempt).rejects.toMatchObject({ kind: "retryable", retryAfterMs: 0 });
    }
    expect((await reader.pod("shop", "web-1"))?.labels).toEqual(after.labels);
    const missing = writer.labelPod("shop", "web-9", before, { z: "z" });
    await expect(missing).rejects.toThrow(Conflict);
  });

  it.each(["Deployment", "StatefulSet", "ReplicaSet"] as const)(
    "stops a %s with a mark and lets it go on, in one conditional change each",
    async (kind) => {
      const { reader, writer, cluster } = await start([workload(kind, "web", 3)], true);
      const before = await reader.workloadState(kind, "shop", "web");
      if (before === null) throw new Error("no workload");
      expect(before).toMatchObject({ stop: 3, present: 3, ended: false });
      const mark = { stop: 0, labels: { [INCIDENT_LABEL]: "a-1" }, annotations: { "a.example/b": "c" } };
      const zero = await writer.changeWorkload(kind, "shop", "web", before, mark);
      expect(zero).toMatchObject({ stop: 0, labels: mark.labels, annotations: mark.annotations });
      expect(await reader.workloadState(kind, "shop", "web")).toMatchObject({
        stop: 0,
        present: 0,
        uid: before.uid,
      });
      const nine = { stop: 9, labels: {}, annotations: {} };
      for (const stale of [before, { ...zero, uid: "another" }]) {
        await expect(writer.changeWorkload(kind, "shop", "web", stale, nine)).rejects.toThrow(Retryable);
      }
      const fresh = (await reader.workloadState(kind, "shop", "web")) ?? zero;
      const back = { stop: 3, labels: { [INCIDENT_LABEL]: null }, annotations: { "a.example/b": null } };
      expect(await writer.changeWorkload(kind, "shop", "web", fresh, back)).toMatchObject({
        stop: 3,
        labels: {},
        annotations: {},
      });
      const wrong = writer.changeWorkload(
        kind,
        "shop",
        "web",
        { uid: "", resourceVersion: "" },
        { ...nine, stop: -1 },
      );
      await expect(wrong).rejects.toThrow(Permanent);
      expect(cluster.effects.every(({ subresource }) => subresource === "")).toBe(true);
    },
  );

  it("deletes and evicts only the pod of that state, and takes one that has gone for done", async () => {
    const { reader, writer, cluster } = await start([pod("web-1"), pod("web-2")]);
    const first = await reader.pod("shop", "web-1");
    const second = await reader.pod("shop", "web-2");
    if (first === null || second === null) throw new Error("no pod");
    const moved = { kind: "retryable", retryAfterMs: 0 };
    for (const stale of [
      { ...first, uid: "another" },
      { ...first, resourceVersion: "1" },
    ]) {
      await expect(writer.deletePod("shop", "web-1", stale)).rejects.toMatchObject(moved);
    }
    await expect(writer.evictPod("shop", "web-2", { uid: "another" })).rejects.toMatchObject(moved);
    expect(cluster.readAll("pods")).toHaveLength(2);
    cluster.clear();
    for (let time = 0; time < 2; time++) {
      await writer.deletePod("shop", "web-1", first);
      await writer.evictPod("shop", "web-2", second);
    }
    expect(cluster.readAll("pods")).toEqual([]);
    expect(cluster.effects.map(({ verb, subresource, name }) => [verb, subresource, name])).toEqual([
      ["delete", "", "web-1"],
      ["create", "eviction", "web-2"],
    ]);
  });

  it("cordons a node and lets pods on again, with labels, in one change that names its version", async () => {
    const { reader, writer, cluster } = await start([node("n1", { metadata: { labels: { pool: "a" } } })]);
    const before = await reader.node("n1");
    if (before === null) throw new Error("no node");
    cluster.clear();
    const after = await writer.cordonNode("n1", before, { unschedulable: true, labels: { x: "y" } });
    expect(after).toMatchObject({ unschedulable: true, labels: { pool: "a", x: "y" } });
    expect(cluster.requests).toEqual([
      expect.objectContaining({
        method: "PATCH",
        contentType: "application/merge-patch+json",
        query: expect.stringContaining("fieldManager=defender-reflex"),
      }),
    ]);
    for (const stale of [before, { ...after, uid: "another" }]) {
      const attempt = writer.cordonNode("n1", stale, { unschedulable: false, labels: {} });
      await expect(attempt).rejects.toMatchObject({ kind: "retryable", retryAfterMs: 0 });
    }
    await writer.cordonNode("n1", after, { unschedulable: false, labels: { x: null } });
    expect(cluster.read("nodes", "", "n1")?.["spec"]).not.toHaveProperty("unschedulable");
    const missing = writer.cordonNode("n9", after, { unschedulable: true, labels: {} });
    await expect(missing).rejects.toThrow(Conflict);
  });

  it("makes a policy that denies both directions, once, and deletes only that one", async () => {
    const { reader, writer } = await start([pod("web-1")]);
    const wanted = {
      namespace: "shop",
      name: "reflex-isolate-x",
      podLabel: [INCIDENT_LABEL, "x"] as const,
      labels: { [INCIDENT_LABEL]: "x" },
      annotations: { why: "a test" },
    };
    const made = await writer.createDenyAllPolicy(wanted);
    expect(made).toMatchObject({ labels: wanted.labels, annotations: wanted.annotations });
    expect(made.spec).toEqual({
      podSelector: { matchLabels: { [INCIDENT_LABEL]: "x" } },
      policyTypes: ["Ingress", "Egress"],
    });
    await expect(writer.createDenyAllPolicy(wanted)).rejects.toThrow(Conflict);
    await expect(writer.deleteNetworkPolicy("shop", wanted.name, { uid: "another" })).rejects.toThrow(
      Retryable,
    );
    expect(await reader.networkPolicy("shop", wanted.name)).toEqual(made);
    await writer.deleteNetworkPolicy("shop", wanted.name, made);
    await writer.deleteNetworkPolicy("shop", wanted.name, made);
    expect(await reader.networkPolicy("shop", wanted.name)).toBeNull();
  });

  it("changes single entries of the block list, each only if it is still as it was read", async () => {
    const { reader, writer } = await start(blockListObjects());
    const list = await reader.blockList();
    if (list === null) throw new Error("no list");
    const first = await writer.changeBlockList(list, { a: "1", b: "2" });
    const moved = { retryAfterMs: 0 };
    // Without an entry there is none to be held against: then the list itself has to be as it was.
    await expect(writer.changeBlockList(list, { c: "3" })).rejects.toMatchObject(moved);
    const second = await writer.changeBlockList(first, { a: null, d: "4" });
    expect(second.entries).toEqual({ b: "2", d: "4" });
    const third = await writer.changeBlockList(first, { "e~/f": "5" });
    expect(third.entries).toEqual({ b: "2", d: "4", "e~/f": "5" });
    await expect(writer.changeBlockList(first, { d: "6" })).rejects.toMatchObject(moved);
    await expect(writer.changeBlockList(first, { a: null })).rejects.toMatchObject(moved);
    await expect(writer.changeBlockList({ ...third, uid: "another" }, { g: "7" })).rejects.toMatchObject(
      moved,
    );
    expect((await reader.blockList())?.entries).toEqual(third.entries);
    expect(BLOCK_POLICY).toBe("reflex-block-images");
  });
});

describe("the connection", () => {
  it("keeps to a bounded number of sockets, however many calls there are", async () => {
    let sockets = 0;
    const server = createServer((request, response) => {
      const name = request.url?.split("/").at(-1) ?? "";
      const metadata = { name, uid: "u", resourceVersion: "1", creationTimestamp: "2026-11-23T00:00:00Z" };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ kind: "Namespace", apiVersion: "v1", metadata }));
    }).on("connection", () => {
      sockets += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    open.push({
      close: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    });
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const { reader } = createKubernetes({
      kubeconfigText: JSON.stringify({
        clusters: [{ name: "c", cluster: { server: `http://127.0.0.1:${port}` } }],
        users: [{ name: "u", user: { token: "t" } }],
        contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
        "current-context": "x",
      }),
      context: null,
    });
    const calls = Array.from({ length: 300 }, (_, index) => reader.namespace(`n-${index}`));
    const namespaces = await Promise.all(calls);
    expect(namespaces.map((namespace) => namespace?.name)).toEqual(calls.map((_, index) => `n-${index}`));
    expect(sockets).toBeLessThanOrEqual(16);
  });

  it("loads the client only where a call needs it: one file names it for more than types", () => {
    const folder = new URL("../../../src/clients/kubernetes/", import.meta.url);
    const loading = readdirSync(folder).filter((file) =>
      /^(import|export) (?!type\b)[^;]*"(@kubernetes|undici)/m.test(
        readFileSync(new URL(file, folder), "utf8"),
      ),
    );
    expect(loading).toEqual(["sdk.ts"]);
    const importing = readdirSync(folder).filter((file) =>
      /from "\.\/sdk\.ts"/.test(readFileSync(new URL(file, folder), "utf8")),
    );
    expect(importing).toEqual([]);
  });
});

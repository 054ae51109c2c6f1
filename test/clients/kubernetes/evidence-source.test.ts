import { createSecureServer } from "node:http2";
import { afterEach, describe, expect, it } from "vitest";
import { type KubernetesStandIn, startKubernetes } from "../../../local/kubernetes/index.ts";
import { createKubernetes } from "../../../src/clients/kubernetes/index.ts";
import { Permanent, Refused, Retryable } from "../../../src/model/errors.ts";
import type { KubernetesReader } from "../../../src/model/kubernetes-port.ts";
import { node, pod, workload } from "../../playbooks/cluster-objects.ts";
import { tlsIdentity } from "../tls-identity.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function start(
  objects: readonly object[] = [node("n1"), pod("web-1")],
  rules?: [],
): Promise<{ cluster: KubernetesStandIn; reader: KubernetesReader }> {
  const cluster = await startKubernetes(rules === undefined ? {} : { rules });
  open.push(cluster);
  cluster.seed(objects);
  cluster.clear();
  const kubeconfigText = cluster.kubeconfig();
  const { reader } = createKubernetes({ kubeconfigText, context: null, timeoutMs: 500 });
  return { cluster, reader };
}

const LOG = { container: "web", previous: false, lastLines: 100, mostBytes: 1_000 };

describe("objects as they are", () => {
  it("come with what no type knows, and without managedFields", async () => {
    const { reader } = await start([
      pod("web-1", { spec: { containers: [{ name: "web", image: "w", novel: { a: 1 } }] } }),
    ]);
    const read = await reader.rawPod("shop", "web-1");
    expect(read).toMatchObject({ found: { kind: "Pod", spec: { containers: [{ novel: { a: 1 } }] } } });
    expect(JSON.stringify(read)).not.toContain("managedFields");
  });

  it("are said to be missing where they are not there", async () => {
    const { reader } = await start([]);
    const gone = { missing: "it is not there" };
    expect(await reader.rawPod("shop", "web-1")).toEqual(gone);
    expect(await reader.rawNode("n1")).toEqual(gone);
    expect(await reader.rawWorkload("Deployment", "shop", "web")).toEqual(gone);
    expect(await reader.rawServiceAccount("shop", "web")).toEqual(gone);
  });

  it("are said to be missing, with the right that is, where they may not be read", async () => {
    const { reader } = await start([workload("Deployment", "web", 1)], []);
    const answers = await Promise.all([
      reader.rawPod("shop", "web-1"),
      reader.rawWorkload("Deployment", "shop", "web"),
      reader.events("shop", "u"),
      reader.roleBindings("shop"),
      reader.clusterRoleBindings(),
      reader.readableNetworkPolicies("shop"),
      reader.log("shop", "web-1", LOG),
    ]);
    for (const answer of answers) expect(answer).toEqual({ missing: expect.stringContaining("(403)") });
  });

  it.each([
    { kind: "html" },
    { kind: "status", status: 503 },
    { kind: "hang" },
    { kind: "truncated" },
    { kind: "lost-answer" },
  ] as const)("are asked for again where the answer is none: $kind", async (answer) => {
    const { cluster, reader } = await start();
    cluster.faults.add({ match: { path: "/api/v1" }, times: 9, answer });
    await expect(reader.rawPod("shop", "web-1")).rejects.toThrow(Retryable);
    await expect(reader.events("shop", "u")).rejects.toThrow(Retryable);
  });

  it("are refused for good where the credential is not known", async () => {
    const { cluster } = await start();
    const kubeconfigText = cluster.kubeconfig().replace("stand-in-token", "another");
    const { reader } = createKubernetes({ kubeconfigText, context: null });
    await expect(reader.rawPod("shop", "web-1")).rejects.toThrow(Permanent);
    await expect(reader.log("shop", "web-1", LOG)).rejects.toThrow(Permanent);
  });

  it.each(["", ".", "..", "%2e%2e", "a/b", "A", "x".repeat(254)])(
    "are never asked for by a name that is none: %j",
    async (name) => {
      const { cluster, reader } = await start();
      const calls = [
        () => reader.rawPod("shop", name),
        () => reader.rawPod(name, "web-1"),
        () => reader.rawNode(name),
        () => reader.rawWorkload("Job", "shop", name),
        () => reader.rawServiceAccount("shop", name),
        () => reader.events(name, "u"),
        () => reader.roleBindings(name),
        () => reader.readableNetworkPolicies(name),
        () => reader.log("shop", name, LOG),
        () => reader.log("shop", "web-1", { ...LOG, container: name }),
      ];
      for (const call of calls) await expect(call()).rejects.toThrow(Refused);
      expect(cluster.requests).toEqual([]);
    },
  );

  it("are listed page by page, and not without end", async () => {
    const binding = (index: number): object => ({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: `b-${String(index).padStart(4, "0")}` },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
    });
    const { cluster, reader } = await start(Array.from({ length: 501 }, (_none, index) => binding(index)));
    const read = await reader.clusterRoleBindings();
    if (!("found" in read)) throw new Error(read.missing);
    expect([read.found.items.length, read.found.whole]).toEqual([501, true]);
    expect(cluster.requests).toHaveLength(2);
  });
});

describe("the log of a container", () => {
  it("is read to its limit and not beyond, also from a server that sends more than it was asked for", async () => {
    const { cluster, reader } = await start();
    cluster.print("shop", "web-1", { container: "web" }, new Uint8Array(5_000).fill(120));
    const read = await reader.log("shop", "web-1", LOG);
    expect(read).toMatchObject({ found: { cut: true } });
    expect("found" in read && read.found.bytes.byteLength).toBe(1_000);
    const body = "y".repeat(300_000);
    cluster.faults.add({ match: { path: "/log" }, times: 1, answer: { kind: "status", status: 200, body } });
    const more = await reader.log("shop", "web-1", LOG);
    expect("found" in more && [more.found.bytes.byteLength, more.found.cut]).toEqual([1_000, true]);
  });

  it("of just the limit is whole", async () => {
    const { cluster, reader } = await start();
    cluster.print("shop", "web-1", { container: "web" }, new Uint8Array(1_000).fill(120));
    const read = await reader.log("shop", "web-1", LOG);
    expect("found" in read && [read.found.bytes.byteLength, read.found.cut]).toEqual([1_000, false]);
  });

  it.each([
    [{ kind: "status", status: 400 } as const, "its node has no such log"],
    [{ kind: "status", status: 404 } as const, "the pod, or the node that it runs on, is not there"],
    [{ kind: "status", status: 500 } as const, "its node did not give it (500)"],
    [{ kind: "status", status: 504 } as const, "its node did not give it (504)"],
    [{ kind: "hang" } as const, "its node did not answer in time"],
  ])("that a node does not give is an answer: %j", async (answer, missing) => {
    const { cluster, reader } = await start();
    cluster.faults.add({ match: { path: "/log" }, times: 1, answer });
    expect(await reader.log("shop", "web-1", LOG)).toEqual({ missing });
  });

  it.each([{ kind: "status", status: 429 }, { kind: "html" }, { kind: "lost-answer" }] as const)(
    "is asked for again where the API server itself fails: $kind",
    async (answer) => {
      const { cluster, reader } = await start();
      cluster.faults.add({ match: { path: "/log" }, times: 1, answer });
      await expect(reader.log("shop", "web-1", LOG)).rejects.toThrow(Retryable);
    },
  );

  it("that is refused over HTTP/2 is told as over HTTP/1", async () => {
    const identity = tlsIdentity();
    const server = createSecureServer({ key: identity.key, cert: identity.cert }, (_request, response) => {
      response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify({ kind: "Status", apiVersion: "v1", code: 500, message: "no kubelet" }));
    });
    const sessions = new Set<{ destroy(): void }>();
    server.on("session", (session) => sessions.add(session));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    open.push({
      close: () => {
        for (const session of sessions) session.destroy();
        return new Promise((closed) => server.close(() => closed()));
      },
    });
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const kubeconfigText = JSON.stringify({
      clusters: [
        {
          name: "c",
          cluster: {
            server: `https://127.0.0.1:${port}`,
            "certificate-authority-data": identity.authority,
          },
        },
      ],
      users: [{ name: "u", user: { token: "t" } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    });
    const { reader } = createKubernetes({ kubeconfigText, context: null });
    expect(await reader.log("shop", "web-1", LOG)).toEqual({ missing: "its node did not give it (500)" });
  });
});

import { afterEach, describe, expect, it } from "vitest";
import { Permanent, Refused, Retryable } from "../../src/model/errors.ts";
import type { EvidenceStore } from "../../src/model/evidence-port.ts";
import { collectEvidence } from "../../src/playbooks/collect-evidence.ts";
import { node, pod, policy, workload } from "./cluster-objects.ts";
import { type EvidenceBench, evidenceBench, ID, sha256 } from "./evidence-bench.ts";

const benches: EvidenceBench[] = [];
afterEach(async () => {
  await Promise.all(benches.splice(0).map(({ cluster }) => cluster.close()));
});

async function bench(...of: Parameters<typeof evidenceBench>): Promise<EvidenceBench> {
  const made = await evidenceBench(...of);
  benches.push(made);
  return made;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (words: string): Uint8Array => new TextEncoder().encode(words);
const running = {
  containerStatuses: [{ name: "web", restartCount: 1, imageID: "reg.example/web@sha256:ab" }],
};
const binding = (kind: string, name: string, subject: object, more: object = {}): object => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind,
  metadata: { name, ...(kind === "RoleBinding" ? { namespace: "shop" } : {}), ...more },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
  subjects: [subject],
});

describe("what is collected", () => {
  it("is the pod with its owners, events, logs, policies, rights, references, images and node", async () => {
    const uid = "uid-of-web";
    const b = await bench(
      [
        workload("StatefulSet", "web", 1, { metadata: { uid } }),
        {
          ...pod("web-1", {
            metadata: {
              uid: "uid-1",
              labels: { app: "web" },
              ownerReferences: [
                { apiVersion: "apps/v1", kind: "StatefulSet", name: "web", uid, controller: true },
              ],
            },
            spec: {
              serviceAccountName: "web",
              volumes: [
                { name: "a", secret: { secretName: "tls" } },
                {
                  name: "b",
                  projected: { sources: [{ secret: { name: "p" } }, { configMap: { name: "c" } }] },
                },
              ],
              imagePullSecrets: [{ name: "pull" }],
              containers: [
                {
                  name: "web",
                  image: "reg.example/web:1",
                  env: [{ name: "K", valueFrom: { secretKeyRef: { name: "keys", key: "k" } } }],
                  envFrom: [{ configMapRef: { name: "settings" } }],
                },
              ],
            },
          }),
          status: { phase: "Running", ...running },
        },
        policy("open", { podSelector: {}, ingress: [{}] }),
        { apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace: "shop", name: "web" } },
        binding("RoleBinding", "ours", { kind: "ServiceAccount", name: "web", namespace: "shop" }),
        binding("RoleBinding", "theirs", { kind: "ServiceAccount", name: "other", namespace: "shop" }),
        binding("ClusterRoleBinding", "everybody", { kind: "Group", name: "system:serviceaccounts:shop" }),
        binding("ClusterRoleBinding", "elsewhere", {
          kind: "ServiceAccount",
          name: "web",
          namespace: "other",
        }),
        ...[
          { of: "uid-1", reason: "BackOff" },
          { of: uid, reason: "Scaled" },
          { of: "uid-2", reason: "Foreign" },
        ].map(({ of, reason }) => ({
          apiVersion: "v1",
          kind: "Event",
          metadata: { namespace: "shop", name: `e-${reason.toLowerCase()}` },
          involvedObject: { kind: "Pod", namespace: "shop", name: "web-1", uid: of },
          reason,
        })),
      ],
      { controllers: false },
    );
    b.cluster.print("shop", "web-1", { container: "web" }, bytesOf("now\n"));
    b.cluster.print("shop", "web-1", { container: "web", previous: true }, bytesOf("before\n"));
    expect(await b.collect()).toEqual({
      verdict: "holds",
      proof: "proved",
      kept: {
        place: "memory/evidence",
        manifest: `${ID}/manifest.json`,
        sha256: sha256(b.bytes("manifest.json")),
      },
    });
    expect(b.manifest().files.map(({ name }) => name)).toEqual([
      "cluster-role-bindings.json",
      "events.json",
      "images.json",
      "logs/web.log",
      "logs/web.previous.log",
      "network-policies.json",
      "network-verdict.json",
      "node.json",
      "owners.json",
      "pod.json",
      "references.json",
      "role-bindings.json",
      "service-account.json",
    ]);
    expect(b.manifest()).toMatchObject({ remediation: ID, uid: "uid-1", missing: [] });
    expect(text(b.bytes("logs/web.log"))).toBe("now\n");
    expect(text(b.bytes("logs/web.previous.log"))).toBe("before\n");
    expect(b.json("pod.json")).toMatchObject({ kind: "Pod", metadata: { uid: "uid-1" } });
    expect(text(b.bytes("pod.json"))).not.toContain("managedFields");
    expect(b.json("owners.json")).toMatchObject([{ kind: "StatefulSet", metadata: { uid } }]);
    expect(b.json("events.json")).toMatchObject([{ reason: "BackOff" }, { reason: "Scaled" }]);
    expect(b.json("events.json")).toHaveLength(2);
    expect(b.json("references.json")).toEqual({
      secrets: ["keys", "p", "pull", "tls"],
      configMaps: ["c", "settings"],
    });
    expect(b.json("images.json")).toEqual([
      { container: "web", image: "reg.example/web:1", imageId: "reg.example/web@sha256:ab", restarts: 1 },
    ]);
    expect(b.json("node.json")).toMatchObject({ kind: "Node", metadata: { name: "n1" } });
    expect(b.json("service-account.json")).toMatchObject({ metadata: { name: "web" } });
    expect(b.json("role-bindings.json")).toMatchObject([{ metadata: { name: "ours" } }]);
    expect(b.json("role-bindings.json")).toHaveLength(1);
    expect(b.json("cluster-role-bindings.json")).toMatchObject([{ metadata: { name: "everybody" } }]);
    expect(b.json("network-policies.json")).toMatchObject([{ name: "open", spec: { ingress: [{}] } }]);
    expect(b.json("network-verdict.json")).toMatchObject({
      verdict: {
        ingress: { covered: true, residual: [{ policy: "shop/open" }] },
        egress: { covered: false },
      },
      words: [
        expect.stringContaining("No network policy is for egress"),
        expect.stringContaining("shop/open"),
      ],
    });
    for (const { name, bytes, sha256: hash } of b.manifest().files) {
      expect([b.bytes(name).byteLength, sha256(b.bytes(name))]).toEqual([bytes, hash]);
    }
    expect(b.cluster.effects).toEqual([]);
    expect(b.cluster.requests.filter(({ path }) => path.includes("/secrets"))).toEqual([]);
  });

  it("holds of a log of 2 MB its last lines up to 1 MiB, and says that it is cut", async () => {
    const b = await bench([pod("web-1")]);
    const line = `${"x".repeat(399)}\n`;
    b.cluster.print("shop", "web-1", { container: "web" }, bytesOf(`first\n${line.repeat(5_000)}`));
    expect(await b.collect()).toMatchObject({ verdict: "holds", proof: "proved" });
    const log = b.bytes("logs/web.log");
    expect(log.byteLength).toBe(1024 * 1024);
    expect(text(log).startsWith("xxx")).toBe(true);
    expect(b.manifest().files.find(({ name }) => name === "logs/web.log")).toMatchObject({ cut: true });
    const asked = b.cluster.requests.find(({ path }) => path.endsWith("/log"))?.query ?? "";
    expect(new URLSearchParams(asked).get("limitBytes")).toBe(String(1024 * 1024 + 1));
    expect(new URLSearchParams(asked).get("tailLines")).toBe("5000");
  });

  it("holds at most 8 MiB of all logs together", async () => {
    const names = Array.from({ length: 16 }, (_none, index) => `c${index}`);
    const containers = names.map((name) => ({ name, image: "web:1" }));
    const b = await bench([pod("web-1", { spec: { nodeName: "n1", containers } })]);
    for (const container of names) {
      b.cluster.print("shop", "web-1", { container }, new Uint8Array(700 * 1024).fill(97));
    }
    await b.collect();
    const sizes = names.map((name) => b.bytes(`logs/${name}.log`).byteLength);
    expect(sizes).toEqual(names.map(() => 512 * 1024));
  });

  it("holds a log byte for byte, whatever it is", async () => {
    const b = await bench([pod("web-1")]);
    const binary = Uint8Array.from({ length: 70_000 }, (_none, index) => (index * 7919) % 256);
    b.cluster.print("shop", "web-1", { container: "web" }, binary);
    await b.collect();
    expect(Buffer.from(b.bytes("logs/web.log")).equals(Buffer.from(binary))).toBe(true);
  });

  it.each([
    ["has no node yet", { nodeName: "" }, {}],
    [
      "only waits to start",
      {},
      {
        containerStatuses: [
          { name: "web", restartCount: 0, state: { waiting: { reason: "ImagePullBackOff" } } },
        ],
      },
    ],
  ])("asks for no log of a container that %s", async (_what, spec, status) => {
    const b = await bench([{ ...pod("web-1", { spec }), status: { phase: "Pending", ...status } }]);
    expect(await b.collect()).toMatchObject({ verdict: "holds", proof: "proved" });
    expect(b.cluster.requests.filter(({ path }) => path.endsWith("/log"))).toEqual([]);
  });
});

describe("what cannot be had", () => {
  it("is said with its reason, and all else is kept: no previous log", async () => {
    const b = await bench([{ ...pod("web-1"), status: { phase: "Running", ...running } }]);
    expect(await b.collect()).toMatchObject({
      verdict: "partial",
      remains: ["No logs/web.previous.log: its node has no such log."],
      kept: { sha256: sha256(b.bytes("manifest.json")) },
    });
    expect(b.manifest().missing).toEqual([
      { what: "logs/web.previous.log", reason: "its node has no such log" },
    ]);
    expect(b.manifest().files.map(({ name }) => name)).toContain("logs/web.log");
  });

  it.each([
    [
      "has gone",
      { nodeName: "n9" },
      [
        "No node.json: it is not there.",
        "No logs/web.log: the pod, or the node that it runs on, is not there.",
      ],
    ],
    ["does not answer", { nodeName: "n2" }, ["No logs/web.log: its node did not give it (500)."]],
  ])("is said with its reason, and all else is kept: a node that %s", async (_what, spec, remains) => {
    const silent = { ...node("n2"), status: { addresses: [{ type: "InternalIP", address: "10.1.0.5" }] } };
    const b = await bench([silent, pod("web-1", { spec })], { controllers: true });
    expect(await b.collect()).toMatchObject({ verdict: "partial", remains });
    expect(b.manifest().files.map(({ name }) => name)).toContain("pod.json");
  });

  it.each([
    ["pods/log", "", "logs/web.log"],
    ["events", "", "events.json"],
    ["serviceaccounts", "", "service-account.json"],
    ["nodes", "", "node.json"],
    ["rolebindings", "rbac.authorization.k8s.io", "role-bindings.json"],
    ["clusterrolebindings", "rbac.authorization.k8s.io", "cluster-role-bindings.json"],
  ])("is said with its reason where the right to it is missing: %s", async (resource, group, file) => {
    const granted = collectEvidence.permissions.kubernetes
      .filter((one) => !(one.resource === resource && one.apiGroup === group))
      .map(({ apiGroup, resource: other, verbs }) => ({ apiGroups: [apiGroup], resources: [other], verbs }));
    const b = await bench([pod("web-1")], { rules: granted });
    expect(await b.collect()).toMatchObject({
      verdict: "partial",
      remains: [expect.stringContaining("403")],
    });
    expect(b.manifest().missing).toMatchObject([{ what: file }]);
    expect(b.manifest().files.map(({ name }) => name)).toContain("pod.json");
  });

  it("leaves out a verdict too where the policies may not be read", async () => {
    const granted = collectEvidence.permissions.kubernetes
      .filter(({ resource }) => resource !== "networkpolicies")
      .map(({ apiGroup, resource, verbs }) => ({ apiGroups: [apiGroup], resources: [resource], verbs }));
    const b = await bench([pod("web-1")], { rules: granted });
    await b.collect();
    expect(b.manifest().missing.map(({ what }) => what)).toEqual([
      "network-policies.json",
      "network-verdict.json",
    ]);
  });

  it("is said of an owner of an unknown kind", async () => {
    const owner = {
      apiVersion: "sparkoperator.k8s.io/v1beta2",
      kind: "SparkApplication",
      name: "web",
      uid: "u",
      controller: true,
    };
    const b = await bench([pod("web-1", { metadata: { ownerReferences: [owner] } })]);
    expect(await b.collect()).toMatchObject({
      verdict: "partial",
      remains: ["No owners.json: an owner of the kind SparkApplication, web, is not read."],
    });
  });

  it("is not an owner of a kind that somebody installed", async () => {
    const uid = "0f0f0f0f-1111-4222-8333-444444444444";
    const of = { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout" };
    const owner = { ...of, name: "web", uid, controller: true };
    const b = await bench([
      { ...of, metadata: { namespace: "shop", name: "web", uid } },
      pod("web-1", { metadata: { ownerReferences: [owner] } }),
    ]);
    expect(await b.collect()).toMatchObject({ verdict: "holds" });
    expect(b.manifest().files.map(({ name }) => name)).toContain("owners.json");
  });

  it("is tried again where the API server does not answer", async () => {
    const b = await bench([pod("web-1")]);
    const plan = await b.plan();
    b.cluster.faults.add({ match: { path: "/events" }, times: 1, answer: { kind: "status", status: 503 } });
    await expect(collectEvidence.apply(plan, b.ports)).rejects.toThrow(Retryable);
    expect(b.kept.files.size).toBe(0);
    await collectEvidence.apply(plan, b.ports);
    expect(await collectEvidence.verify(plan, b.ports)).toMatchObject({ verdict: "holds" });
  });

  it("is all that another pod of the name would say: of the old one what is left is kept", async () => {
    const b = await bench([pod("web-1", { metadata: { uid: "uid-1" } })]);
    const plan = await b.plan();
    b.cluster.seed([pod("web-1", { metadata: { uid: "uid-2", labels: { stranger: "yes" } } })]);
    b.cluster.print("shop", "web-1", { container: "web" }, bytesOf("a stranger's words"));
    await collectEvidence.apply(plan, b.ports);
    expect(await collectEvidence.verify(plan, b.ports)).toMatchObject({
      verdict: "partial",
      remains: ["No pod.json: the pod has gone, and another has its name."],
    });
    expect([...b.kept.files.values()].map(text).join()).not.toContain("stranger");
    expect(b.manifest().files.map(({ name }) => name)).toContain("events.json");
  });

  it("is a log that may be another pod's, where the pod went while it was read", async () => {
    const b = await bench([pod("web-1", { metadata: { uid: "uid-1" } })]);
    const plan = await b.plan();
    const reader = b.ports.read.kubernetes("");
    const swapping = {
      ...reader,
      log: async (...asked: Parameters<typeof reader.log>) => {
        b.cluster.seed([pod("web-1", { metadata: { uid: "uid-2" } })]);
        b.cluster.print("shop", "web-1", { container: "web" }, bytesOf("a stranger's words"));
        return reader.log(...asked);
      },
    };
    await collectEvidence.apply(plan, { ...b.ports, read: { ...b.ports.read, kubernetes: () => swapping } });
    expect(b.manifest().missing).toEqual([
      { what: "logs/web.log", reason: "the pod has gone, and another has its name" },
    ]);
    expect([...b.kept.files.values()].map(text).join()).not.toContain("stranger's");
  });
});

/** The ports with a store whose n-th write goes wrong. */
function failing(b: EvidenceBench, nth: number, fault: "crash" | "lost answer"): EvidenceBench["ports"] {
  let count = 0;
  const evidence: EvidenceStore = {
    ...b.kept,
    async put(name, bytes) {
      count += 1;
      if (count - 1 !== nth) return b.kept.put(name, bytes);
      if (fault === "lost answer") await b.kept.put(name, bytes);
      throw new Retryable("no answer", "It is tried again.", { retryAfterMs: 1_000 });
    },
  };
  return { read: b.ports.read, write: { ...b.ports.write, evidence } };
}

/** So many files are kept of a pod that nobody owns, the list not counted. */
const OF_A_BARE_POD = 12;

describe("the store", () => {
  it.each(["crash", "lost answer"] as const)(
    "ends with one whole list wherever a run ends early, and keeps what was written first: %s",
    async (fault) => {
      let reached = true;
      for (let nth = 0; reached; nth += 1) {
        const b = await bench([pod("web-1")]);
        b.cluster.print("shop", "web-1", { container: "web" }, bytesOf("first\n"));
        const plan = await b.plan();
        const early = await collectEvidence.apply(plan, failing(b, nth, fault)).then(
          () => null,
          (error: unknown) => error,
        );
        reached = early !== null;
        const before = new Map(b.kept.files);
        // The container goes on printing, and later its node is gone: what is kept does not change.
        b.cluster.print("shop", "web-1", { container: "web" }, bytesOf("first\nsecond\n"));
        await collectEvidence.apply(plan, b.ports);
        await collectEvidence.apply(plan, b.ports);
        for (const [name, bytes] of before) expect(b.kept.files.get(name)).toEqual(bytes);
        expect(await collectEvidence.verify(plan, b.ports)).toMatchObject({
          verdict: "holds",
          proof: "proved",
        });
      }
    },
  );

  it("counts what an earlier run could still read", async () => {
    const b = await bench([pod("web-1")]);
    b.cluster.print("shop", "web-1", { container: "web" }, bytesOf("x".repeat(1024 * 1024 + 5)));
    const plan = await b.plan();
    // It dies over the list: all files are there.
    await expect(collectEvidence.apply(plan, failing(b, OF_A_BARE_POD, "crash"))).rejects.toThrow(Retryable);
    expect(b.kept.files.has(`${ID}/manifest.json`)).toBe(false);
    const files = [...b.kept.files.keys()];
    expect(files).toHaveLength(OF_A_BARE_POD);
    b.cluster.faults.add({ match: { path: "/log" }, times: 9, answer: { kind: "status", status: 500 } });
    await collectEvidence.apply(plan, b.ports);
    expect(await collectEvidence.verify(plan, b.ports)).toMatchObject({ verdict: "holds", proof: "proved" });
    expect(
      b
        .manifest()
        .files.map(({ name }) => `${ID}/${name}`)
        .toSorted(),
    ).toEqual(files.toSorted());
  });

  it("is one list where two run at once", async () => {
    const b = await bench([pod("web-1")]);
    const plan = await b.plan();
    await Promise.all([collectEvidence.apply(plan, b.ports), collectEvidence.apply(plan, b.ports)]);
    expect(await collectEvidence.verify(plan, b.ports)).toMatchObject({ verdict: "holds", proof: "proved" });
  });

  it.each([
    ["is altered", (name: string) => [name, bytesOf("forged")] as const],
    ["has gone", () => null],
  ])("is not believed where a file %s afterwards", async (_what, change) => {
    const b = await bench([pod("web-1")]);
    const plan = await b.plan();
    await collectEvidence.apply(plan, b.ports);
    for (const name of b.kept.files.keys()) {
      const files = new Map(b.kept.files);
      files.delete(name);
      const instead = change(name);
      if (instead !== null) files.set(...instead);
      const evidence = { ...b.kept, read: async (asked: string) => files.get(asked) ?? null };
      const read = { ...b.ports.read, evidence };
      expect(await collectEvidence.verify(plan, { read })).toMatchObject({ verdict: "absent" });
    }
  });

  it("is refused with what to set where none is configured", async () => {
    const b = await bench([pod("web-1")]);
    const plan = await b.plan();
    const { kubernetes } = b.ports.read;
    const without = { read: { kubernetes }, write: { kubernetes: b.ports.write.kubernetes } };
    const { target } = plan;
    for (const call of [
      () => collectEvidence.plan({ target, parameters: {}, remediationId: ID }, without),
      () => collectEvidence.apply(plan, without),
    ]) {
      const error: unknown = await call().catch((raised: unknown) => raised);
      expect(error).toBeInstanceOf(Refused);
      expect(error).toMatchObject({ advice: expect.stringContaining("REFLEX_EVIDENCE__blobServiceUri") });
    }
  });

  it("that refuses for good makes the remediation fail", async () => {
    const b = await bench([pod("web-1")]);
    const plan = await b.plan();
    const evidence = { ...b.kept, put: () => Promise.reject(new Permanent("403", "Grant it.")) };
    const ports = { read: b.ports.read, write: { ...b.ports.write, evidence } };
    await expect(collectEvidence.apply(plan, ports)).rejects.toThrow(Permanent);
  });
});

describe("the plan", () => {
  it("says where it goes, what it holds and what not, and remembers names only", async () => {
    const b = await bench([
      pod("web-1", {
        metadata: { uid: "uid-1", annotations: { note: "a value" } },
        spec: {
          serviceAccountName: "web",
          containers: [{ name: "web", image: "w:1", env: [{ name: "A", value: "a value" }] }],
        },
      }),
    ]);
    const plan = await b.plan();
    expect(plan.steps).toMatchObject([
      { sentence: `keep what is known of pod shop/web-1 at memory/evidence, under ${ID}/`, before: null },
    ]);
    expect(plan.limits.join(" ")).toContain("command lines and annotations are kept as they are");
    expect(plan.data).toEqual({ controller: null, serviceAccount: "web", node: "n1" });
    expect(JSON.stringify(plan)).not.toContain("a value");
    expect(JSON.stringify(plan).length).toBeLessThan(3_000);
  });
});

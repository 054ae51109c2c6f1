import { afterEach, describe, expect, it } from "vitest";
import { type KubernetesStandIn, type PolicyRule, startKubernetes } from "../../local/kubernetes/index.ts";
import { Permanent } from "../../src/model/errors.ts";

import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { blockImage } from "../../src/playbooks/block-image.ts";
import {
  blockListObjects,
  CLUSTER,
  earlierBlockListObjects,
  manifest,
  pod,
  portsOf,
} from "./cluster-objects.ts";

const DIGEST = `sha256:${"4f".repeat(32)}`;
const TEMPLATES = "/api/v1/namespaces/defender-reflex/podtemplates";
const open: KubernetesStandIn[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((cluster) => cluster.close()));
});

async function start(
  objects: readonly object[] = [],
  base = blockListObjects(),
  rules?: readonly PolicyRule[],
) {
  const cluster = await startKubernetes({ controllers: false, rules });
  open.push(cluster);
  cluster.seed([...base, ...objects]);
  cluster.clear();
  return { cluster, ports: portsOf(cluster) };
}

type Ports = Awaited<ReturnType<typeof start>>["ports"];

const image = (reference: string | null, digest: string | null = null) =>
  ({ kind: "image", cluster: CLUSTER, reference, digest }) as const;
const propose = (ports: Ports, target: ReturnType<typeof image>, parameters: object = {}) =>
  blockImage.plan({ target, parameters, remediationId: "a-1" }, ports);

async function planOf(ports: Ports, target = image("evil:1", DIGEST), parameters = {}): Promise<Plan> {
  const outcome = await propose(ports, target, parameters);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, { remediationId: "a-1", playbook: blockImage.name, target });
}

async function blocked(objects: readonly object[] = [], base = blockListObjects()) {
  const { cluster, ports } = await start(objects, base);
  const plan = await planOf(ports);
  await blockImage.apply(plan, ports);
  cluster.clear();
  return { cluster, ports, plan };
}

const templates = (cluster: KubernetesStandIn) => cluster.requests.filter(({ path }) => path === TEMPLATES);

/** A running pod of some owner. */
function owned(
  name: string,
  namespace: string,
  of: string,
  more: { owner?: object; digest?: string } = {},
): object {
  const ownerReferences = more.owner === undefined ? [] : [{ uid: "u", controller: true, ...more.owner }];
  return {
    ...pod(name, {
      metadata: { namespace, ownerReferences, labels: { "pod-template-hash": "5d4f" } },
      spec: { containers: [{ name: "c", image: of }] },
    }),
    status: {
      phase: "Running",
      containerStatuses: [{ name: "c", image: of, imageID: more.digest ?? "", ready: true, restartCount: 0 }],
    },
  };
}
const replicaSet = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-5d4f" };

describe("the proof of a block", () => {
  it("is that the API server denies a pod with each entry, and takes a good one, over three connections", async () => {
    const { cluster, ports, plan } = await blocked();
    expect(await blockImage.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    // A good one, one by tag, one by digest.
    expect(templates(cluster).map(({ status }) => status)).toEqual([
      201, 422, 422, 201, 422, 422, 201, 422, 422,
    ]);
    expect(templates(cluster).every(({ query }) => query.includes("dryRun=All"))).toBe(true);
    expect(cluster.effects).toEqual([]);
    expect(cluster.readAll("podtemplates")).toEqual([]);
    expect(plan.limits.join(" ")).toContain("over 3 connections");
  });

  it.each([
    ["the policy does not cover what is tried", (one: object) => withoutTemplates(one)],
    ["the binding leaves our own namespace out", (one: object) => elsewhere(one)],
  ])("is not there yet where %s", async (_what, spoil) => {
    const { cluster, ports, plan } = await blocked();
    cluster.seed(manifest("3-block-images.yaml").map(spoil));
    expect(await blockImage.verify(plan, ports)).toMatchObject({
      verdict: "not-yet",
      reason: expect.stringMatching(
        /^Over 3 of 3 connections the API server did not refuse a pod with .*evil:1/,
      ),
    });
  });

  it("is not there yet where one API server of several has not seen the list", async () => {
    const { cluster, ports, plan } = await blocked();
    const body = {
      apiVersion: "v1",
      kind: "PodTemplate",
      metadata: { name: "reflex-probe-x", namespace: "defender-reflex" },
    };
    const match = { method: "POST", path: TEMPLATES };
    cluster.faults.add({ match, times: 3, answer: { kind: "status", status: 201, body } });
    expect(await blockImage.verify(plan, ports)).toMatchObject({
      verdict: "not-yet",
      reason: expect.stringContaining("Over 1 of 3 connections"),
    });
  });

  it("is partial, and says so at once, where good images are refused as well", async () => {
    const { cluster, ports, plan } = await blocked();
    const list = cluster.read("admissionlists", "defender-reflex", "reflex-blocked-images");
    const entries = { ...Object(list?.["spec"]).entries, "defender-reflex.invalid_S_probe": "by hand" };
    cluster.seed([{ ...list, spec: { entries } }]);
    expect(await blockImage.verify(plan, ports)).toEqual({
      verdict: "partial",
      remains: [
        expect.stringMatching(/refuses an image that nobody blocks.*over 3 of 3.*reflex-blocked-image: /),
      ],
    });
  });

  it("does not take somebody else's refusal for ours", async () => {
    const { cluster, ports, plan } = await blocked();
    const body = {
      kind: "Status",
      status: "Failure",
      reason: "Invalid",
      message: "no",
      details: {
        causes: [
          { message: "ValidatingAdmissionPolicy 'theirs' denied request: reflex-blocked-image: evil:1" },
        ],
      },
      code: 422,
    };
    cluster.faults.add({
      match: { method: "POST", path: TEMPLATES },
      times: 99,
      answer: { kind: "status", status: 422, body },
    });
    expect(await blockImage.verify(plan, ports)).toMatchObject({ verdict: "not-yet" });
    cluster.faults.clear();
    cluster.faults.add({
      match: { method: "POST", path: TEMPLATES },
      answer: { kind: "status", status: 422, body },
    });
    expect(await blockImage.verify(plan, ports)).toEqual({
      verdict: "partial",
      remains: [expect.stringContaining("by a policy or webhook that is none of ours")],
    });
  });

  it("names the right that is missing where our identity may not try", async () => {
    const rights = blockImage.permissions.kubernetes.filter(({ resource }) => resource !== "podtemplates");
    const rules = rights.map(({ apiGroup, resource, verbs, resourceNames, namespace }) => ({
      apiGroups: [apiGroup],
      resources: [resource],
      verbs,
      resourceNames,
      namespaces: namespace === undefined ? undefined : [namespace],
    }));
    const { ports } = await start([], blockListObjects(), rules);
    const plan = await planOf(ports);
    await blockImage.apply(plan, ports);
    expect(await blockImage.verify(plan, ports)).toMatchObject({
      verdict: "not-yet",
      reason: expect.stringContaining("right to create podtemplates in defender-reflex is missing"),
    });
  });
});

describe("no state of the list", () => {
  it("denies everything or passes for proved: list, or its kind, gone", async () => {
    for (const kind of ["AdmissionList", "CustomResourceDefinition"]) {
      const { cluster, ports, plan } = await blocked();
      const rest = blockListObjects().filter((object) => !("kind" in object && object.kind === kind));
      const { cluster: without, ports: there } = await start([], rest);
      expect(await blockImage.verify(plan, there)).toMatchObject({ verdict: "absent" });
      const [row] =
        (await there.read.kubernetes(CLUSTER).tryPods([{ containers: [{ image: "evil:1" }] }], 1)) ?? [];
      expect(row).toEqual([{ outcome: "admitted", words: [] }]);
      expect(without.effects).toEqual([]);
      expect(await blockImage.verify(plan, ports)).toMatchObject({ proof: "proved" });
      expect(cluster.effects).toEqual([]);
    }
  });

  it("lets in more entries than it can hold", async () => {
    const { cluster, ports } = await start();
    const entries = Object.fromEntries(Array.from({ length: 9_999 }, (_, at) => [`k${at}`, "x"]));
    const list = cluster.read("admissionlists", "defender-reflex", "reflex-blocked-images");
    cluster.seed([{ ...list, spec: { entries } }]);
    expect(await propose(ports, image("evil:1"))).toMatchObject({ outcome: "change" });
    expect(await propose(ports, image("evil:1", DIGEST))).toMatchObject({
      outcome: "skip",
      reason: "The block list is full with 10000 entries.",
    });
  });

  it("is read in its earlier form until the manifests are applied again, and the plan says so", async () => {
    const { cluster, ports, plan } = await blocked([], earlierBlockListObjects());
    expect(plan.limits.join(" ")).toContain("in an earlier form");
    expect(plan.steps[0]?.touches[0]).toContain("configmaps/defender-reflex/reflex-blocked-images#data.");
    expect(await blockImage.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    // The administrator applies what there is now, and moves the entries over, whose keys are the same.
    const data = cluster.read("configmaps", "defender-reflex", "reflex-blocked-images")?.["data"];
    cluster.seed(blockListObjects());
    expect(await blockImage.verify(plan, ports)).toMatchObject({ verdict: "absent" });
    const [list] = manifest("2-blocked-images.yaml");
    cluster.seed([{ ...list, spec: { entries: data } }]);
    expect(await blockImage.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    expect(await blockImage.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(await blockImage.verify(plan, ports)).toMatchObject({ verdict: "absent" });
  });
});

describe("who runs the image already", () => {
  it("is in the plan, by owner, found by every spelling and by the digest that runs", async () => {
    const { ports } = await start([
      owned("web-1", "shop", "evil:1", { owner: replicaSet }),
      owned("web-2", "shop", "docker.io/library/evil:1", { owner: replicaSet }),
      owned("web-3", "shop", "index.docker.io/evil:1", { owner: replicaSet }),
      owned("db-0", "bank", "copy:7", {
        owner: { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" },
        digest: `reg.example/copy@${DIGEST}`,
      }),
      owned("bare", "bank", "evil:1"),
      owned("good", "bank", "evil:2"),
      { ...Object(owned("over", "bank", "evil:1")), status: { phase: "Succeeded" } },
    ]);
    expect((await planOf(ports)).limits.slice(0, 3)).toEqual([
      "3 pods of Deployment shop/web run it already and go on.",
      "1 pod of StatefulSet bank/db runs it already and goes on.",
      "Pod bank/bare runs it already and goes on.",
    ]);
  });

  it("is cut to ten owners and the number of the others", async () => {
    const many = Array.from({ length: 13 }, (_, at) => owned(`bare-${at}`, "shop", "evil:1"));
    const { limits } = await planOf((await start(many)).ports);
    expect(limits.filter((limit) => limit.endsWith("runs it already and goes on."))).toHaveLength(10);
    expect(limits).toContain("So do 3 pods of 3 more workloads.");
  });

  it("is looked for page by page, and the plan says where there were too many to look at all", async () => {
    const { cluster, ports } = await start();
    const item = {
      metadata: {
        name: "p",
        namespace: "shop",
        uid: "u",
        resourceVersion: "1",
        creationTimestamp: "2026-01-01T00:00:00Z",
      },
    };
    const body = {
      kind: "PodList",
      apiVersion: "v1",
      metadata: { resourceVersion: "1", continue: "more" },
      items: [item],
    };
    const match = { method: "GET", path: "/api/v1/pods" };
    cluster.faults.add({ match, times: 99, answer: { kind: "status", status: 200, body } });
    expect((await planOf(ports)).limits.join(" ")).toContain("Only the first 10,000 pods were looked at");
    const pages = cluster.requests.filter(({ path }) => path === "/api/v1/pods");
    expect(pages).toHaveLength(20);
    expect(pages[1]?.query).toContain("continue=more");
    expect(pages.every(({ query }) => query.includes("limit=500"))).toBe(true);
  });
});

describe("what is never blocked", () => {
  it.each<[string, object]>([
    ["an image that a protected namespace runs", owned("dns", "kube-system", "evil:1")],
    ["one that the platform runs by digest", owned("x", "openshift-dns", "y:1", { digest: `y@${DIGEST}` })],
    [
      "a digest of the platform's registry",
      owned("x", "shop", "mcr.microsoft.com/a:1", { digest: `m/a@${DIGEST}` }),
    ],
  ])("is %s, and the reason names the pod", async (_what, one) => {
    const { cluster, ports } = await start([one]);
    expect(await propose(ports, image("evil:1", DIGEST))).toMatchObject({
      outcome: "skip",
      reason: expect.stringMatching(/is never blocked, since pod [a-z-]+\/[a-z]+ runs it/),
    });
    expect(cluster.requests.filter(({ method }) => method !== "GET")).toEqual([]);
  });

  it("is what our own probe names", async () => {
    const { ports } = await start();
    const outcome = await propose(ports, image("defender-reflex.invalid/probe:good"), { neverBlock: [] });
    expect(outcome).toMatchObject({ outcome: "skip", reason: expect.stringContaining("never blocked") });
  });

  it("is a whole repository, unless the rule says so and a person agrees", async () => {
    const { ports } = await start();
    expect(blockImage.needsApproval?.({})).toBeNull();
    expect(blockImage.needsApproval?.({ wholeRepository: true })).toMatch(/so a person decides$/);
    expect(blockImage.needsApproval?.({ wholeRepository: "yes" })).toMatch(/cannot be read/);
    const plan = await planOf(ports, image("evil/miner:1"), { wholeRepository: true });
    expect(plan.steps.map(({ sentence }) => sentence)).toEqual([
      "add docker.io_S_evil_S_miner to the block list",
    ]);
    await blockImage.apply(plan, ports);
    expect(await blockImage.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    expect(await propose(ports, image(null, DIGEST), { wholeRepository: true })).toMatchObject({
      outcome: "skip",
    });
  });
});

describe("a write that a policy of ours refuses", () => {
  it("is told in that policy's words, and those of nobody else", async () => {
    const { cluster, ports } = await start();
    const plan = await planOf(ports);
    const refusal = (message: string) => ({
      match: { method: "PATCH" },
      answer: {
        kind: "status" as const,
        status: 422,
        body: {
          kind: "Status",
          reason: "Invalid",
          message: "secret",
          details: { causes: [{ message }] },
          code: 422,
        },
      },
    });
    const ours =
      "ValidatingAdmissionPolicy 'reflex-pin-identity' with binding 'reflex-pin-identity' denied request: ";
    cluster.faults.add(refusal(`${ours}reflex-pinned-identity: it writes no pods in kube-system`));
    const told = blockImage.apply(plan, ports);
    await expect(told).rejects.toThrow(Permanent);
    await expect(told).rejects.toThrow("reflex-pinned-identity: it writes no pods in kube-system");
    for (const message of [
      'admission webhook "x" denied the request: reflex-pinned-identity: not ours',
      `x ${ours}reflex-pinned-identity: not at the beginning`,
      `${ours}token=abc`,
      `${ours}reflex-pinned-identity: \u001b[31m`,
    ]) {
      cluster.faults.add(refusal(message));
      await expect(blockImage.apply(plan, ports)).rejects.toThrow(
        /^(?!.*(not ours|beginning|token|31m)).*$/s,
      );
    }
    cluster.faults.add(refusal(`${ours}reflex-x: ${"a".repeat(9_000)}`));
    await expect(blockImage.apply(plan, ports)).rejects.toThrow(/^.{1,800}$/);
  });
});

function withoutTemplates(object: object): object {
  return JSON.parse(JSON.stringify(object).replaceAll(',"podtemplates"', ""));
}

/** The binding without our own namespace. */
function elsewhere(object: object): object {
  return JSON.parse(JSON.stringify(object).replace('"values":[', '"values":["defender-reflex",'));
}

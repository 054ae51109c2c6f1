import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { Permanent } from "../../src/model/errors.ts";
import { blockImage } from "../../src/playbooks/block-image.ts";
import { blocked, DIGEST, image, planOf, propose, start } from "./block-image-bench.ts";
import { blockListObjects, CLUSTER, earlierBlockListObjects, manifest } from "./cluster-objects.ts";

const TEMPLATES = "/api/v1/namespaces/defender-reflex/podtemplates";
const templates = (cluster: KubernetesStandIn) => cluster.requests.filter(({ path }) => path === TEMPLATES);

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
      remains: [expect.stringContaining("by what is no policy of ours")],
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
    // A definition takes its objects with it.
    for (const kinds of [["AdmissionList"], ["CustomResourceDefinition", "AdmissionList"]]) {
      const { cluster, ports, plan } = await blocked();
      const rest = blockListObjects().filter(
        (object) => !kinds.includes(String(Reflect.get(object, "kind"))),
      );
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

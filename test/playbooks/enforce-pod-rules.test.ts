import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { Refused } from "../../src/model/errors.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { POD_RULES } from "../../src/model/pod-rules.ts";
import { enforcePodRules } from "../../src/playbooks/enforce-pod-rules.ts";
import { blockListObjects, CLUSTER, manifest, pod, podRuleObjects } from "./cluster-objects.ts";
import { startCluster } from "./start-cluster.ts";

const TEMPLATES = "/api/v1/namespaces/defender-reflex/podtemplates";
const target = { kind: "cluster", cluster: CLUSTER } as const;
const secure = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true };

function start(objects: readonly object[] = [], base: readonly object[] = podRuleObjects()) {
  return startCluster(
    [...base, { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }, ...objects],
    { controllers: false },
  );
}

type Ports = Awaited<ReturnType<typeof start>>["ports"];

const propose = (ports: Ports, parameters: object, remediationId = "a-1") =>
  enforcePodRules.plan({ target, parameters, remediationId }, ports);

async function planOf(ports: Ports, parameters: object = {}, remediationId = "a-1"): Promise<Plan> {
  const outcome = await propose(ports, parameters, remediationId);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, { remediationId, playbook: enforcePodRules.name, target });
}

const entriesOf = (cluster: KubernetesStandIn, action: string): unknown =>
  Object(cluster.read("admissionlists", "defender-reflex", `reflex-pod-rules-${action}`)?.["spec"]).entries ??
  {};

/** A pod with one container of that context. */
const podWith = (name: string, securityContext: object, more: object = {}) =>
  pod(name, {
    spec: { containers: [{ name: "c", image: "reg.example/web:1", securityContext }], ...more },
  });

async function create(cluster: KubernetesStandIn, body: object, namespace = "shop") {
  const answer = await fetch(`${cluster.url}/api/v1/namespaces/${namespace}/pods?dryRun=All`, {
    method: "POST",
    headers: { authorization: "Bearer stand-in-token", "content-type": "application/json" },
    body: JSON.stringify(body).replace('"namespace":"shop"', `"namespace":"${namespace}"`),
  });
  return { status: answer.status, warning: answer.headers.get("warning"), text: await answer.text() };
}

describe("what a rule may ask for", () => {
  it.each<[string, object]>([
    ["no rule", { rules: [] }],
    ["a rule that there is none of", { rules: ["nice"] }],
    ["another action", { rules: ["privileged"], action: "kill" }],
    ["trusted registries without any", { rules: ["untrusted-registries"] }],
    ["a registry that is a word", { rules: ["untrusted-registries"], trustedRegistries: ["mine"] }],
    ["a registry with a space", { rules: ["untrusted-registries"], trustedRegistries: ["reg.example x"] }],
    ["a registry with a quote", { rules: ["untrusted-registries"], trustedRegistries: ["reg.example/'"] }],
    ["an image", { rules: ["untrusted-registries"], trustedRegistries: ["reg.example/web:1"] }],
    ["a namespace that is none", { rules: ["privileged"], namespaces: ["*"] }],
    ["something else", { rules: ["privileged"], users: ["me"] }],
  ])("is not %s", (_what, parameters) => {
    expect(enforcePodRules.parameters.safeParse(parameters).success).toBe(false);
  });

  it("is to warn, and to deny only by a person's word", () => {
    expect(enforcePodRules.parameters.parse({})).toMatchObject({ action: "warn" });
    expect(enforcePodRules.needsApproval?.({})).toBeNull();
    expect(enforcePodRules.needsApproval?.({ action: "deny" })).toMatch(/so a person decides$/);
  });
});

describe("a cluster where it cannot be done", () => {
  it("is refused, with the manifest to apply, where the rules are not installed", async () => {
    const parts = podRuleObjects().filter((one) =>
      /Policy|Binding|List$/.test(String(Reflect.get(one, "kind"))),
    );
    expect(parts).toHaveLength(5);
    for (const part of parts) {
      const { ports } = await start(
        [],
        podRuleObjects().filter((one) => JSON.stringify(one) !== JSON.stringify(part)),
      );
      const attempt = propose(ports, {});
      await expect(attempt).rejects.toThrow(Refused);
      await expect(attempt).rejects.toMatchObject({ advice: expect.stringContaining("infra/kubernetes") });
    }
  });

  it("is refused by its age where the API server does not know such policies", async () => {
    const { cluster, ports } = await start();
    const answer = { kind: "status" as const, status: 404, body: "404 page not found\n" };
    cluster.faults.add({ match: { path: "/validatingadmissionpolicies/" }, answer });
    const attempt = propose(ports, {});
    await expect(attempt).rejects.toThrow(/too old/);
    await expect(attempt).rejects.toMatchObject({ advice: expect.stringContaining("4.17") });
  });
});

describe("warning", () => {
  it("lets in what breaks a rule and tells its author, is proved by the warning, and ends without a trace", async () => {
    const { cluster, ports } = await start();
    const plan = await planOf(ports);
    const bad = podWith("new", { privileged: true });
    expect((await create(cluster, bad)).warning).toBeNull();
    await enforcePodRules.apply(plan, ports);
    expect(await enforcePodRules.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    const { status, warning } = await create(cluster, bad);
    expect(status).toBe(201);
    expect(warning).toContain("reflex-pod-rule: privileged c, privilege-escalation c, writable-root c");
    expect((await create(cluster, podWith("good", secure))).warning).toBeNull();
    expect(await enforcePodRules.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect((await create(cluster, bad)).warning).toBeNull();
    expect(entriesOf(cluster, "warn")).toEqual({});
  });
});

describe("denying", () => {
  const parameters = {
    action: "deny",
    rules: POD_RULES,
    trustedRegistries: ["reg.example", "docker.io/team"],
  };

  it("keeps out what breaks a rule, on both sides of it, and is proved by each", async () => {
    const { cluster, ports } = await start();
    const plan = await planOf(ports, parameters);
    await enforcePodRules.apply(plan, ports);
    cluster.clear();
    expect(await enforcePodRules.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    const statuses = cluster.requests.filter(({ path }) => path === TEMPLATES).map(({ status }) => status);
    expect(statuses).toEqual([1, 2, 3].flatMap(() => [422, 422, 422, 422, 422, 201]));
    expect(cluster.effects).toEqual([]);
    expect((await create(cluster, podWith("a", secure))).status).toBe(201);
    expect((await create(cluster, podWith("a", secure, { hostPID: true }))).text).toContain(
      "host-namespaces hostPID",
    );
    expect((await create(cluster, podWith("a", {}), "kube-system")).status).toBe(201);
  });

  it("holds only in its namespaces, and is proved there", async () => {
    const { cluster, ports } = await start();
    const plan = await planOf(ports, { action: "deny", rules: ["privileged"], namespaces: ["shop"] });
    await enforcePodRules.apply(plan, ports);
    expect(entriesOf(cluster, "deny")).toEqual({ "privileged/shop": "a-1" });
    expect(await enforcePodRules.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    const bad = podWith("a", { privileged: true });
    expect((await create(cluster, bad)).status).toBe(422);
    expect((await create(cluster, bad, "default")).status).toBe(201);
  });

  it("is not there yet where an API server lets through what breaks a rule", async () => {
    const { cluster, ports } = await start();
    const plan = await planOf(ports, parameters);
    await enforcePodRules.apply(plan, ports);
    const bindings = manifest("7-pod-rules.yaml").filter(
      ({ kind }) => kind === "ValidatingAdmissionPolicyBinding",
    );
    const matchResources = { namespaceSelector: { matchLabels: { no: "such" } } };
    cluster.seed(bindings.map((one) => ({ ...one, spec: { ...Object(one["spec"]), matchResources } })));
    expect(await enforcePodRules.verify(plan, ports)).toMatchObject({
      verdict: "not-yet",
      reason: expect.stringMatching(/^Over 3 of 3 connections .* privileged, .*untrusted-registries\.$/),
    });
  });

  it("is partial where a pod that breaks no rule is refused as well", async () => {
    const { cluster, ports } = await start();
    const plan = await planOf(ports, { action: "deny", rules: ["privileged"] });
    await enforcePodRules.apply(plan, ports);
    const body = { kind: "Status", code: 422, reason: "Invalid", details: { causes: [{ message: "no" }] } };
    const match = { method: "POST", path: TEMPLATES };
    cluster.faults.add({ match, answer: { kind: "delay", milliseconds: 0 } });
    cluster.faults.add({ match, answer: { kind: "status", status: 422, body } });
    expect(await enforcePodRules.verify(plan, ports)).toEqual({
      verdict: "partial",
      remains: [expect.stringContaining("objects to a pod that breaks no rule")],
    });
  });

  it("leaves what others have entered alone, and says so", async () => {
    const { cluster, ports } = await start(blockListObjects());
    await enforcePodRules.apply(await planOf(ports, { rules: ["privileged"] }, "b-2"), ports);
    const plan = await planOf(ports, { rules: ["privileged", "host-namespaces"] });
    expect(plan.steps.map(({ sentence }) => sentence)).toEqual([
      "warn of host-namespaces in all namespaces but the platform's",
    ]);
    expect(plan.limits.join(" ")).toContain("privileged/* is in the list already");
    await enforcePodRules.apply(plan, ports);
    expect(await enforcePodRules.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(entriesOf(cluster, "warn")).toEqual({ "privileged/*": "b-2" });
    expect(await propose(ports, { rules: ["privileged"] })).toMatchObject({ outcome: "no-op" });
    expect(await ports.read.kubernetes(CLUSTER).marked()).toEqual([
      { object: "entry privileged/* of reflex-pod-rules-warn", remediationId: "b-2" },
    ]);
  });

  it("is absent, and gone when taken back, once a part of it is gone", async () => {
    const plan = await planOf((await start()).ports);
    const { ports } = await start([], podRuleObjects().slice(0, 2));
    expect(await enforcePodRules.verify(plan, ports)).toMatchObject({ verdict: "absent" });
    expect(await enforcePodRules.revert(plan, ports)).toMatchObject({ outcome: "gone" });
    await expect(enforcePodRules.apply(plan, ports)).rejects.toThrow(Refused);
  });
});

describe("the plan", () => {
  it("counts, by owner, the pods that would not start again so, in the namespaces that it is about", async () => {
    const { ports } = await start([
      podWith("bad-1", { privileged: true }),
      podWith("good", secure),
      podWith("host", secure, { hostNetwork: true }),
      {
        ...Object(podWith("dns", { privileged: true })),
        metadata: { namespace: "kube-system", name: "dns" },
      },
      { ...Object(podWith("far", { privileged: true })), metadata: { namespace: "bank", name: "far" } },
    ]);
    const denied = "runs against the rules and would be refused when started again.";
    const limits = async (more: object): Promise<string[]> =>
      (await planOf(ports, { rules: ["privileged", "host-namespaces"], ...more })).limits.filter((limit) =>
        limit.includes("against the rules"),
      );
    expect(await limits({ action: "deny" })).toEqual([
      `Pod bank/far ${denied}`,
      `Pod shop/bad-1 ${denied}`,
      `Pod shop/host ${denied}`,
    ]);
    expect(await limits({ namespaces: ["bank"] })).toEqual([
      "Pod bank/far runs against the rules and would be warned of when started again.",
    ]);
  });

  it("names a Gatekeeper that is there, Azure's or somebody's own", async () => {
    const gatekeeper = { apiVersion: "v1", kind: "Namespace", metadata: { name: "gatekeeper-system" } };
    const azure = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace: "kube-system", name: "azure-policy" },
      spec: {
        selector: { matchLabels: { a: "b" } },
        template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "x" }] } },
      },
    };
    const limitsOf = async (...objects: object[]) =>
      (await planOf((await start(objects)).ports)).limits.join(" ");
    expect(await limitsOf()).not.toMatch(/Gatekeeper|Azure Policy/);
    expect(await limitsOf(gatekeeper)).toContain("a Gatekeeper of its own");
    expect(await limitsOf(gatekeeper, azure)).toContain("Azure Policy is installed");
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blockKeys, parseImageName } from "../../../local/kubernetes/image-name.ts";
import { connect, deployment, failureOf, mergePatch, node, pod, strategicPatch } from "./connection.ts";

const digest = `sha256:${"a".repeat(64)}`;
const covered = { operations: ["CREATE", "UPDATE"], apiVersions: ["v1"] };
const policy = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingAdmissionPolicy",
  metadata: { name: "reflex-block-images" },
  spec: {
    paramKind: { apiVersion: "v1", kind: "ConfigMap" },
    matchConstraints: {
      resourceRules: [
        { ...covered, apiGroups: [""], resources: ["pods", "podtemplates"] },
        { ...covered, apiGroups: ["apps"], resources: ["deployments", "replicasets"] },
      ],
    },
    validations: [{ expression: "variables.bad.size() == 0" }],
  },
};
const outside = { key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["kube-system"] };

function binding(validationActions: string[], parameterNotFoundAction = "Deny") {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name: "reflex-block-images" },
    spec: {
      policyName: "reflex-block-images",
      paramRef: { name: "reflex-blocked-images", namespace: "defender-reflex", parameterNotFoundAction },
      validationActions,
      matchResources: { namespaceSelector: { matchExpressions: [outside] } },
    },
  };
}

function list(...keys: string[]) {
  const metadata = { name: "reflex-blocked-images", namespace: "defender-reflex" };
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata,
    data: Object.fromEntries(keys.map((key) => [key, "x"])),
  };
}

const evil = "docker.io_S_library_S_evil_T_1";

async function blocking(...keys: string[]) {
  const connection = await connect();
  const { spec } = pod("p");
  connection.standIn.seed([node, policy, binding(["Deny"]), list(...keys), pod("other")]);
  const probe = (image: string) =>
    connection.core.createNamespacedPodTemplate({
      namespace: "defender-reflex",
      dryRun: "All",
      body: {
        metadata: { name: "probe" },
        template: { spec: { ...spec, containers: [{ name: "c", image }] } },
      },
    });
  return { ...connection, probe };
}

describe("the meaning of the image policy", () => {
  it.each([
    "evil:1",
    "library/evil:1",
    "docker.io/evil:1",
    "docker.io/library/evil:1",
    "index.docker.io/evil:1",
    "index.docker.io/library/evil:1",
    `evil:1@${digest}`,
  ])(
    "%s is denied by the entry docker.io/library/evil:1, as 422 Invalid with the word in the cause",
    async (image) => {
      const { probe, standIn } = await blocking(evil);
      const failure = await failureOf(probe(image));
      expect(failure).toMatchObject({ code: 422, reason: "Invalid" });
      expect(failure.details["causes"]).toEqual([
        {
          message: `ValidatingAdmissionPolicy 'reflex-block-images' with binding 'reflex-block-images' denied request: reflex-blocked-image: ${image}`,
        },
      ]);
      expect(failure.message).toBe(
        `podtemplates "probe" is forbidden: ValidatingAdmissionPolicy 'reflex-block-images' with binding 'reflex-block-images' denied request: reflex-blocked-image: ${image}`,
      );
      expect(standIn.effects).toEqual([]);
    },
  );

  it.each(["evil:2", "evil", "localhost/evil:1", "EVIL:1", "reg.example/evil:1", `evil@${digest}`])(
    "%s passes it, and the probe stores nothing",
    async (image) => {
      const { probe, standIn } = await blocking(evil);
      expect((await probe(image)).metadata?.name).toBe("probe");
      expect(standIn.readAll("podtemplates")).toEqual([]);
    },
  );

  it("a repository without a tag blocks every tag, a digest blocks every name, latest is what no tag means", async () => {
    const keys = ["docker.io_S_bad_S_miner", digest.replace(":", "."), "docker.io_S_library_S_late_T_latest"];
    const { probe } = await blocking(...keys);
    for (const image of ["bad/miner", "bad/miner:7", `any/name@${digest}`, "late", "late:latest"]) {
      expect((await failureOf(probe(image))).code).toBe(422);
    }
    await expect(probe("late:1")).resolves.toBeDefined();
  });

  it("the port of a registry is no tag", async () => {
    const { probe } = await blocking("reg.example_C_5000_S_team_S_app_T_2");
    expect((await failureOf(probe("reg.example:5000/team/app:2"))).code).toBe(422);
    await expect(probe("reg.example:5000/team/app:3")).resolves.toBeDefined();
  });

  it("relabelling a pod that runs the image passes, changing a good pod to it is denied", async () => {
    const { standIn, core } = await blocking(evil);
    standIn.seed([pod("bad", {}, "evil:1"), pod("good")]);
    const labels = { metadata: { labels: { q: "x" } } };
    const relabelled = await core.patchNamespacedPod(
      { name: "bad", namespace: "shop", body: labels },
      mergePatch,
    );
    expect(relabelled.metadata?.labels).toEqual({ q: "x" });
    const body = { spec: { containers: [{ name: "c", image: "evil:1" }] } };
    const changed = core.patchNamespacedPod({ name: "good", namespace: "shop", body }, strategicPatch);
    expect((await failureOf(changed)).code).toBe(422);
  });

  it("scaling up a bad Deployment is admitted; its pods are refused and it shows ReplicaFailure", async () => {
    const { standIn, apps } = await blocking();
    standIn.seed([deployment("web", 0, "evil:1"), list(evil)]);
    const body = { spec: { replicas: 1 } };
    await apps.patchNamespacedDeploymentScale({ name: "web", namespace: "shop", body }, mergePatch);
    const web = await apps.readNamespacedDeployment({ name: "web", namespace: "shop" });
    const failed = web.status?.conditions?.find(({ type }) => type === "ReplicaFailure");
    expect(failed).toMatchObject({ status: "True", reason: "FailedCreate" });
    expect(failed?.message).toContain("reflex-blocked-image: evil:1");
    expect(standIn.readAll("pods", "shop").map(({ metadata }) => metadata.name)).toEqual(["other"]);
  });

  it("ConfigMap gone: Deny denies also good images, Allow lets everything pass", async () => {
    const { standIn, core, probe } = await blocking(evil);
    await core.deleteNamespacedConfigMap({ name: "reflex-blocked-images", namespace: "defender-reflex" });
    const failure = await failureOf(probe("nginx:1"));
    expect(failure.code).toBe(422);
    expect(failure.message).toContain(
      "no params found for policy binding with `Deny` parameterNotFoundAction",
    );
    standIn.seed([binding(["Deny"], "Allow")]);
    await expect(probe("evil:1")).resolves.toBeDefined();
  });

  it("a namespace that the binding excludes is not covered", async () => {
    const { core } = await blocking(evil);
    const { spec } = pod("p", {}, "evil:1");
    const made = core.createNamespacedPod({
      namespace: "kube-system",
      body: { metadata: { name: "p" }, spec },
    });
    await expect(made).resolves.toBeDefined();
  });

  it("a Warn binding answers 201 with a warning header; Deny with Warn is refused", async () => {
    const { standIn, call } = await blocking(evil);
    standIn.seed([binding(["Warn", "Audit"])]);
    const made = await call("POST", "/api/v1/namespaces/shop/pods", pod("p", {}, "evil:1"));
    expect(made.status).toBe(201);
    expect(made.headers.get("warning")).toMatch(/^299 - "Validation failed .*reflex-blocked-image: evil:1"$/);
    expect(() => standIn.seed([binding(["Deny", "Warn"])])).toThrow(/must not contain both Deny and Warn/);
  });
});

describe("image names", () => {
  it("spell the same image the same way, however it is written", () => {
    const part = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
    fc.assert(
      fc.property(part, fc.option(part, { nil: undefined }), (name, tag) => {
        const suffix = tag === undefined ? "" : `:${tag}`;
        const prefixes = ["", "library/", "docker.io/", "index.docker.io/", "docker.io/library/"];
        const keys = prefixes.map((prefix) => blockKeys(parseImageName(`${prefix}${name}${suffix}`)));
        const wanted = [
          `docker.io_S_library_S_${name}`,
          `docker.io_S_library_S_${name}_T_${tag ?? "latest"}`,
        ];
        for (const key of keys) expect(key).toEqual(wanted);
      }),
      { numRuns: 50 },
    );
  });

  it("only a digest has no tag", () => {
    expect(parseImageName(`a/b@${digest}`)).toMatchObject({ repository: "docker.io/a/b", tag: "", digest });
  });
});

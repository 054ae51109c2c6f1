import { describe, expect, it } from "vitest";
import type { PolicyRule } from "../../../local/kubernetes/index.ts";
import { connect, deployment, failureOf, mergePatch, pod, strategicPatch } from "./connection.ts";

const rules: PolicyRule[] = [
  { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "patch"] },
  { apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["get", "patch"] },
  { apiGroups: [""], resources: ["podtemplates"], verbs: ["create"], namespaces: ["defender-reflex"] },
  {
    apiGroups: [""],
    resources: ["configmaps"],
    verbs: ["get", "patch"],
    resourceNames: ["reflex-blocked-images"],
    namespaces: ["defender-reflex"],
  },
];
const user = "system:serviceaccount:defender-reflex:reflex";

async function limited() {
  const connection = await connect({ rules });
  connection.standIn.seed([
    pod("p"),
    deployment("web", 0),
    { ...list("reflex-blocked-images") },
    list("other"),
  ]);
  return connection;
}

function list(name: string) {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "defender-reflex" } };
}

describe("access by declared rules", () => {
  it("a denied verb is 403 with the server's words and the object in details", async () => {
    const { core, standIn } = await limited();
    const failure = await failureOf(core.deleteNamespacedPod({ name: "p", namespace: "shop" }));
    expect(failure).toMatchObject({
      code: 403,
      reason: "Forbidden",
      message: `pods "p" is forbidden: User "${user}" cannot delete resource "pods" in API group "" in the namespace "shop"`,
      details: { name: "p", kind: "pods" },
    });
    expect(standIn.read("pods", "shop", "p")).toBeDefined();
  });

  it("pod status is a right of its own, and so is a scale without its Deployment", async () => {
    const { core, apps } = await limited();
    const target = { name: "p", namespace: "shop", body: { status: { phase: "Failed" } } };
    expect((await failureOf(core.patchNamespacedPodStatus(target, mergePatch))).message).toContain(
      '"pods/status"',
    );
    const web = { name: "web", namespace: "shop" };
    const body = { spec: { replicas: 1 } };
    await expect(apps.patchNamespacedDeploymentScale({ ...web, body }, mergePatch)).resolves.toBeDefined();
    expect((await failureOf(apps.patchNamespacedDeployment({ ...web, body }, mergePatch))).code).toBe(403);
    const scale = { ...web, body: { metadata: web, spec: { replicas: 1 } } };
    expect((await failureOf(apps.replaceNamespacedDeploymentScale(scale))).message).toContain(
      "cannot update",
    );
  });

  it("patch pods also allows changing a pod's image", async () => {
    const { core } = await limited();
    const body = { spec: { containers: [{ name: "c", image: "other:1" }] } };
    const patched = await core.patchNamespacedPod({ name: "p", namespace: "shop", body }, strategicPatch);
    expect(patched.spec?.containers[0]?.image).toBe("other:1");
  });

  it("a named rule covers its object only, and no list", async () => {
    const { core } = await limited();
    const namespace = "defender-reflex";
    await expect(
      core.readNamespacedConfigMap({ name: "reflex-blocked-images", namespace }),
    ).resolves.toBeDefined();
    expect((await failureOf(core.readNamespacedConfigMap({ name: "other", namespace }))).code).toBe(403);
    expect((await failureOf(core.listNamespacedConfigMap({ namespace }))).code).toBe(403);
  });

  it("a rule of one namespace covers no other", async () => {
    const { core } = await limited();
    const { spec } = pod("p");
    const body = { metadata: { name: "probe" }, template: { spec } };
    const here = core.createNamespacedPodTemplate({ namespace: "defender-reflex", dryRun: "All", body });
    await expect(here).resolves.toBeDefined();
    const there = core.createNamespacedPodTemplate({ namespace: "shop", dryRun: "All", body });
    expect((await failureOf(there)).code).toBe(403);
  });

  it("cluster-wide kinds are refused at the cluster scope", async () => {
    const { core } = await limited();
    expect((await failureOf(core.listNode())).message).toBe(
      `nodes is forbidden: User "${user}" cannot list resource "nodes" in API group "" at the cluster scope`,
    );
  });

  it.each([
    [{ verb: "list", resource: "pods", namespace: "shop" }, true],
    [{ verb: "delete", resource: "pods", namespace: "shop" }, false],
    [{ verb: "patch", group: "apps", resource: "deployments", subresource: "scale" }, true],
    [{ verb: "patch", group: "apps", resource: "deployments" }, false],
    [{ verb: "create", resource: "podtemplates", namespace: "defender-reflex" }, true],
    [{ verb: "create", resource: "podtemplates", namespace: "" }, false],
    [{ verb: "deletecollection", group: "networking.k8s.io", resource: "networkpolicies" }, false],
  ])(
    "SelfSubjectAccessReview of %j answers %s without any right of its own",
    async (resourceAttributes, allowed) => {
      const { standIn } = await limited();
      const { AuthorizationV1Api, KubeConfig } = await import("@kubernetes/client-node");
      const config = new KubeConfig();
      config.loadFromString(standIn.kubeconfig());
      const body = { spec: { resourceAttributes } };
      const review = await config.makeApiClient(AuthorizationV1Api).createSelfSubjectAccessReview({ body });
      expect(review.status?.allowed).toBe(allowed);
      expect(review.spec.resourceAttributes?.verb).toBe(resourceAttributes.verb);
    },
  );
});

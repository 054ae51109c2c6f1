import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../../local/kubernetes/index.ts";
import { connect, deployment, jsonPatch, node, strategicPatch } from "./connection.ts";

function podNames(standIn: KubernetesStandIn): string[] {
  return standIn.readAll("pods", "shop").map(({ metadata }) => metadata.name);
}

async function withWeb() {
  const connection = await connect();
  connection.standIn.seed([node, deployment("web", 2)]);
  const [first = "", second = ""] = podNames(connection.standIn);
  const strip = (name: string, labels: Record<string, string>) =>
    connection.core.patchNamespacedPod(
      { name, namespace: "shop", body: [{ op: "replace", path: "/metadata/labels", value: labels }] },
      jsonPatch,
    );
  const labels = connection.standIn.read("pods", "shop", first)?.metadata["labels"] ?? {};
  return {
    ...connection,
    first,
    second,
    strip,
    labels: Object.fromEntries(Object.entries(labels).map(([k, v]) => [k, String(v)])),
  };
}

describe("quarantine by replacing all labels", () => {
  it("the ReplicaSet removes its ownerReference and makes a replacement", async () => {
    const { standIn, first, second, strip } = await withWeb();
    await strip(first, { quarantined: "yes" });
    const names = podNames(standIn);
    expect(names).toHaveLength(3);
    expect(names).toEqual(expect.arrayContaining([first, second]));
    expect(standIn.read("pods", "shop", first)?.metadata).not.toHaveProperty("ownerReferences");
  });

  it("deleting the Deployment no longer removes the pod", async () => {
    const { standIn, apps, first, strip } = await withWeb();
    await strip(first, { quarantined: "yes" });
    await apps.deleteNamespacedDeployment({ name: "web", namespace: "shop" });
    expect(podNames(standIn)).toEqual([first]);
    expect(standIn.readAll("replicasets")).toEqual([]);
  });

  it("an additive label keeps the owner", async () => {
    const { standIn, core, first } = await withWeb();
    const body = { metadata: { labels: { quarantined: "yes" } } };
    await core.patchNamespacedPod({ name: first, namespace: "shop", body }, strategicPatch);
    expect(podNames(standIn)).toHaveLength(2);
    expect(standIn.read("pods", "shop", first)?.metadata["ownerReferences"]).toHaveLength(1);
  });

  it("rollback, Deployment unchanged: adopted again, the clean replacement is deleted, the pod survives", async () => {
    const { standIn, first, second, strip, labels } = await withWeb();
    await strip(first, { quarantined: "yes" });
    await strip(first, labels);
    expect(podNames(standIn)).toEqual([first, second].sort());
    expect(standIn.read("pods", "shop", first)?.metadata["ownerReferences"]).toHaveLength(1);
  });

  it("rollback, Deployment rolled out meanwhile: adopted by the old ReplicaSet and deleted at once", async () => {
    const { standIn, apps, first, strip, labels } = await withWeb();
    await strip(first, { quarantined: "yes" });
    const body = { spec: { template: { metadata: { annotations: { rolled: "out" } } } } };
    await apps.patchNamespacedDeployment({ name: "web", namespace: "shop", body }, strategicPatch);
    expect(standIn.read("pods", "shop", first)).toBeDefined();
    await strip(first, labels);
    expect(standIn.read("pods", "shop", first)).toBeUndefined();
    expect(podNames(standIn)).toHaveLength(2);
  });

  it("rollback, Deployment deleted: stays as an orphan", async () => {
    const { standIn, apps, first, strip, labels } = await withWeb();
    await strip(first, { quarantined: "yes" });
    await apps.deleteNamespacedDeployment({ name: "web", namespace: "shop" });
    await strip(first, labels);
    expect(podNames(standIn)).toEqual([first]);
    expect(standIn.read("pods", "shop", first)?.metadata).not.toHaveProperty("ownerReferences");
  });

  it("StatefulSet: owner removed, no replacement while the pod holds its name, whole again after rollback", async () => {
    const { standIn, core } = await connect();
    const { spec } = deployment("s", 2);
    standIn.seed([node, { ...deployment("s", 2), kind: "StatefulSet", spec: { ...spec, serviceName: "s" } }]);
    const labels = standIn.read("pods", "shop", "s-0")?.metadata["labels"] ?? {};
    const relabel = (value: unknown) => [{ op: "replace", path: "/metadata/labels", value }];
    const target = { name: "s-0", namespace: "shop" };
    await core.patchNamespacedPod({ ...target, body: relabel({ q: "x" }) }, jsonPatch);
    expect(podNames(standIn)).toEqual(["s-0", "s-1"]);
    expect(standIn.read("pods", "shop", "s-0")?.metadata).not.toHaveProperty("ownerReferences");
    expect(standIn.read("StatefulSet", "shop", "s")?.["status"]).toMatchObject({ replicas: 1 });
    await core.patchNamespacedPod({ ...target, body: relabel(labels) }, jsonPatch);
    expect(standIn.read("StatefulSet", "shop", "s")?.["status"]).toMatchObject({ replicas: 2 });
  });

  it("DaemonSet: a second pod on the same node, which rollback deletes again", async () => {
    const { standIn, core } = await connect();
    standIn.seed([node, { ...deployment("d", 1), kind: "DaemonSet" }]);
    const [name = ""] = podNames(standIn);
    const labels = standIn.read("pods", "shop", name)?.metadata["labels"] ?? {};
    const relabel = (value: unknown) => [{ op: "replace", path: "/metadata/labels", value }];
    await core.patchNamespacedPod({ name, namespace: "shop", body: relabel({ q: "x" }) }, jsonPatch);
    const pods = await core.listNamespacedPod({ namespace: "shop", fieldSelector: "spec.nodeName=n1" });
    expect(pods.items).toHaveLength(2);
    await core.patchNamespacedPod({ name, namespace: "shop", body: relabel(labels) }, jsonPatch);
    expect(podNames(standIn)).toEqual([name]);
  });

  it("Job: owner and tracking finalizer are taken off and a new pod starts", async () => {
    const { standIn, core } = await connect();
    const { containers } = deployment("j", 1).spec.template.spec;
    const template = { spec: { containers, restartPolicy: "Never" } };
    const job = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "j", namespace: "shop" },
      spec: { template },
    };
    standIn.seed([node, job]);
    const [name = ""] = podNames(standIn);
    expect(standIn.read("pods", "shop", name)?.metadata["finalizers"]).toEqual([
      "batch.kubernetes.io/job-tracking",
    ]);
    const body = [{ op: "replace", path: "/metadata/labels", value: { q: "x" } }];
    await core.patchNamespacedPod({ name, namespace: "shop", body }, jsonPatch);
    expect(podNames(standIn)).toHaveLength(2);
    expect(standIn.read("pods", "shop", name)?.metadata).not.toHaveProperty("finalizers");
  });

  it("with controllers off nothing follows", async () => {
    const { standIn } = await connect({ controllers: false });
    standIn.seed([node, deployment("web", 2)]);
    expect(standIn.readAll("pods")).toEqual([]);
  });
});

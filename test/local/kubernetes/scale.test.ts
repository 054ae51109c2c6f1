import { describe, expect, it } from "vitest";
import { connect, deployment, failureOf, jsonPatch, mergePatch, node, strategicPatch } from "./connection.ts";

const target = { name: "web", namespace: "shop" };

async function withWeb(replicas: number) {
  const connection = await connect();
  const [, web] = connection.standIn.seed([node, deployment("web", replicas)]);
  return { ...connection, uid: web?.metadata.uid ?? "" };
}

describe("the scale subresource", () => {
  it.each([
    ["merge", mergePatch, { spec: { replicas: 0 } }],
    ["strategic merge", strategicPatch, { spec: { replicas: 0 } }],
    ["JSON", jsonPatch, [{ op: "replace", path: "/spec/replicas", value: 0 }]],
  ])("a %s patch scales to zero and the pods go", async (_form, option, body) => {
    const { standIn, apps } = await withWeb(2);
    expect(standIn.readAll("pods", "shop")).toHaveLength(2);
    await apps.patchNamespacedDeploymentScale({ ...target, body }, option);
    expect(standIn.readAll("pods", "shop")).toEqual([]);
    expect(standIn.effects).toMatchObject([
      { verb: "patch", subresource: "scale", changes: [{ path: "/spec/replicas", before: 2, after: 0 }] },
    ]);
  });

  it("scaled up again, pods come back under new names and uids", async () => {
    const { standIn, apps } = await withWeb(1);
    const [before] = standIn.readAll("pods", "shop");
    await apps.patchNamespacedDeploymentScale({ ...target, body: { spec: { replicas: 0 } } }, mergePatch);
    await apps.patchNamespacedDeploymentScale({ ...target, body: { spec: { replicas: 1 } } }, mergePatch);
    const [after] = standIn.readAll("pods", "shop");
    expect(after?.metadata.uid).toBeDefined();
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    expect(after?.metadata.name).not.toBe(before?.metadata.name);
  });

  it("at zero spec is {}, so a JSON patch test or replace fails 422 and add works", async () => {
    const { apps, call } = await withWeb(0);
    const raw = await call("GET", "/apis/apps/v1/namespaces/shop/deployments/web/scale");
    expect(raw.body["spec"]).toEqual({});
    const read = await apps.readNamespacedDeploymentScale(target);
    expect(read.spec?.replicas).toBeUndefined();
    for (const op of ["test", "replace"]) {
      const body = [{ op, path: "/spec/replicas", value: 0 }];
      const failure = await failureOf(apps.patchNamespacedDeploymentScale({ ...target, body }, jsonPatch));
      expect(failure).toMatchObject({ code: 422, details: {} });
    }
    const body = [{ op: "add", path: "/spec/replicas", value: 3 }];
    expect((await apps.patchNamespacedDeploymentScale({ ...target, body }, jsonPatch)).spec?.replicas).toBe(
      3,
    );
  });

  it("a stale resourceVersion is 409 in a merge patch and in a replace", async () => {
    const { apps } = await withWeb(2);
    const metadata = { ...target, resourceVersion: "1" };
    const patched = apps.patchNamespacedDeploymentScale({ ...target, body: { metadata } }, mergePatch);
    expect(await failureOf(patched)).toMatchObject({ code: 409, reason: "Conflict" });
    const body = { metadata, spec: { replicas: 1 } };
    expect((await failureOf(apps.replaceNamespacedDeploymentScale({ ...target, body }))).code).toBe(409);
  });

  it("a wrong uid in the merge patch is 409 Precondition failed: UID", async () => {
    const { apps, uid } = await withWeb(2);
    const patch = (given: string) =>
      apps.patchNamespacedDeploymentScale(
        { ...target, body: { metadata: { uid: given }, spec: { replicas: 0 } } },
        mergePatch,
      );
    const failure = await failureOf(patch("another"));
    expect(failure).toMatchObject({ code: 409, reason: "Conflict" });
    expect(failure.message).toContain("Precondition failed: UID");
    expect((await patch(uid)).spec?.replicas).toBeUndefined();
  });

  it("-1 is 422; a missing object 404 with details.kind; a DaemonSet has no scale", async () => {
    const { standIn, apps, call } = await withWeb(2);
    const negative = apps.patchNamespacedDeploymentScale(
      { ...target, body: { spec: { replicas: -1 } } },
      mergePatch,
    );
    expect((await failureOf(negative)).code).toBe(422);
    const missing = apps.readNamespacedDeploymentScale({ ...target, name: "gone" });
    expect(await failureOf(missing)).toMatchObject({
      code: 404,
      details: { kind: "deployments", group: "apps" },
    });
    standIn.seed([{ ...deployment("d", 1), kind: "DaemonSet" }]);
    expect((await call("GET", "/apis/apps/v1/namespaces/shop/daemonsets/d/scale")).status).toBe(404);
  });

  it("StatefulSet and ReplicationController have a scale too", async () => {
    const { standIn, apps, core } = await withWeb(0);
    const { spec } = deployment("s", 2);
    const labels = { app: "rc" };
    const template = { ...spec.template, metadata: { labels } };
    const controller = {
      apiVersion: "v1",
      kind: "ReplicationController",
      metadata: { name: "rc", namespace: "shop" },
    };
    standIn.seed([
      { ...deployment("s", 2), kind: "StatefulSet", spec: { ...spec, serviceName: "s" } },
      { ...controller, spec: { replicas: 1, selector: labels, template } },
    ]);
    const body = { spec: { replicas: 1 } };
    await apps.patchNamespacedStatefulSetScale({ name: "s", namespace: "shop", body }, mergePatch);
    expect(standIn.read("pods", "shop", "s-0")).toBeDefined();
    expect(standIn.read("pods", "shop", "s-1")).toBeUndefined();
    const scale = await core.readNamespacedReplicationControllerScale({ name: "rc", namespace: "shop" });
    expect(scale).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 1, selector: "app=rc" } });
  });

  it("a ReplicaSet owned by a Deployment: 200, then the Deployment puts it back", async () => {
    const { standIn, apps } = await withWeb(2);
    const name = standIn.readAll("replicasets", "shop")[0]?.metadata.name ?? "";
    const body = { spec: { replicas: 0 } };
    const answer = await apps.patchNamespacedReplicaSetScale({ name, namespace: "shop", body }, mergePatch);
    expect(answer.spec?.replicas).toBeUndefined();
    expect(standIn.read("replicasets", "shop", name)?.["spec"]).toMatchObject({ replicas: 2 });
    expect(standIn.readAll("pods", "shop")).toHaveLength(2);
  });

  it("HPA with minReplicas 2: 0 is respected, 1 is put back to 2", async () => {
    const { standIn, apps } = await withWeb(2);
    const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
    const metadata = { name: "web", namespace: "shop" };
    const spec = { scaleTargetRef, minReplicas: 2, maxReplicas: 5 };
    standIn.seed([{ apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata, spec }]);
    await apps.patchNamespacedDeploymentScale({ ...target, body: { spec: { replicas: 1 } } }, mergePatch);
    expect(standIn.read("deployments", "shop", "web")?.["spec"]).toMatchObject({ replicas: 2 });
    await apps.patchNamespacedDeploymentScale({ ...target, body: { spec: { replicas: 0 } } }, mergePatch);
    expect(standIn.read("deployments", "shop", "web")?.["spec"]).toMatchObject({ replicas: 0 });
    expect(standIn.read("HorizontalPodAutoscaler", "shop", "web")?.["status"]).toMatchObject({
      conditions: [{ type: "ScalingActive", status: "False", reason: "ScalingDisabled" }],
    });
  });

  it("DaemonSet: an unmeetable nodeSelector empties it, null for the key brings the pods back", async () => {
    const { standIn, apps } = await withWeb(0);
    standIn.seed([{ ...deployment("d", 1), kind: "DaemonSet" }]);
    const patch = (value: string | null) =>
      apps.patchNamespacedDaemonSet(
        {
          name: "d",
          namespace: "shop",
          body: { spec: { template: { spec: { nodeSelector: { "reflex/contained": value } } } } },
        },
        strategicPatch,
      );
    await patch("x");
    expect(standIn.readAll("pods", "shop")).toEqual([]);
    await patch(null);
    expect(standIn.readAll("pods", "shop")).toHaveLength(1);
  });

  it("Job suspend deletes its active pods and resume starts them again", async () => {
    const { standIn, call } = await withWeb(0);
    const { containers } = deployment("j", 1).spec.template.spec;
    const template = { spec: { containers, restartPolicy: "Never" } };
    standIn.seed([
      { apiVersion: "batch/v1", kind: "Job", metadata: { name: "j", namespace: "shop" }, spec: { template } },
    ]);
    const path = "/apis/batch/v1/namespaces/shop/jobs/j";
    await call("PATCH", path, { spec: { suspend: true } }, "application/merge-patch+json");
    expect(standIn.readAll("pods", "shop")).toEqual([]);
    await call("PATCH", path, { spec: { suspend: false } }, "application/merge-patch+json");
    expect(standIn.readAll("pods", "shop")).toHaveLength(1);
  });
});

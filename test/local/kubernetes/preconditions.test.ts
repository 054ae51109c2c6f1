import { describe, expect, it } from "vitest";
import { connect, failureOf, jsonPatch, mergePatch, pod, strategicPatch } from "./connection.ts";

const target = { name: "p", namespace: "shop" };

async function withPod() {
  const connection = await connect();
  const [stored] = connection.standIn.seed([{ ...pod("p", { app: "web" }) }]);
  return { ...connection, uid: stored?.metadata.uid ?? "", version: stored?.metadata.resourceVersion ?? "" };
}

describe("preconditions on a pod patch", () => {
  it.each([
    ["test on the uid", [{ op: "test", path: "/metadata/uid", value: "another" }]],
    ["test on a label", [{ op: "test", path: "/metadata/labels", value: { app: "db" } }]],
    ["remove of a missing path", [{ op: "remove", path: "/metadata/labels/none" }]],
    ["replace of a missing path", [{ op: "replace", path: "/metadata/annotations/none", value: "x" }]],
  ])("JSON patch, %s: 422 with empty details that does not say which failed", async (_what, body) => {
    const { core, standIn } = await withPod();
    const failure = await failureOf(core.patchNamespacedPod({ ...target, body }, jsonPatch));
    expect(failure).toMatchObject({
      code: 422,
      reason: "Invalid",
      message: "the server rejected our request due to an error in our request",
    });
    expect(failure.details).toEqual({});
    expect(standIn.effects).toEqual([]);
  });

  it("JSON patch replacing resourceVersion with the old value: 409", async () => {
    const { core, standIn, version } = await withPod();
    standIn.seed([pod("p", { app: "changed" })]);
    const body = [{ op: "replace", path: "/metadata/resourceVersion", value: version }];
    const failure = await failureOf(core.patchNamespacedPod({ ...target, body }, jsonPatch));
    expect(failure).toMatchObject({ code: 409, reason: "Conflict" });
    expect(failure.message).toContain("the object has been modified");
  });

  it.each([
    ["merge", mergePatch],
    ["strategic merge", strategicPatch],
  ])(
    "%s with a stale resourceVersion: 409; with a wrong uid: 422 with cause metadata.uid",
    async (_form, option) => {
      const { core, uid } = await withPod();
      const stale = core.patchNamespacedPod(
        { ...target, body: { metadata: { resourceVersion: "1" } } },
        option,
      );
      expect(await failureOf(stale)).toMatchObject({ code: 409, reason: "Conflict" });
      const wrong = core.patchNamespacedPod({ ...target, body: { metadata: { uid: "another" } } }, option);
      const failure = await failureOf(wrong);
      expect(failure).toMatchObject({
        code: 422,
        details: { kind: "Pod", causes: [{ field: "metadata.uid" }] },
      });
      expect(failure.message).toContain("field is immutable");
      const right = { metadata: { uid, labels: { q: "x" } } };
      const patched = await core.patchNamespacedPod({ ...target, body: right }, option);
      expect(patched.metadata?.labels).toEqual({ app: "web", q: "x" });
    },
  );

  it("a patch that changes nothing leaves resourceVersion alone and is no effect", async () => {
    const { core, standIn, version } = await withPod();
    const body = { metadata: { labels: { app: "web" } } };
    const patched = await core.patchNamespacedPod({ ...target, body }, mergePatch);
    expect(patched.metadata?.resourceVersion).toBe(version);
    expect(standIn.effects).toEqual([]);
  });

  it("strategic merge keeps the other containers of a keyed list, merge replaces the list", async () => {
    const { core, call, standIn } = await withPod();
    const containers = [{ name: "c", image: "nginx:2" }];
    const two = { ...pod("two"), spec: { containers: [...containers, { name: "d", image: "busybox:1" }] } };
    standIn.seed([two]);
    const body = { spec: { containers: [{ name: "c", image: "nginx:3" }] } };
    const merged = await core.patchNamespacedPod({ name: "two", namespace: "shop", body }, strategicPatch);
    expect(merged.spec?.containers.map(({ image }) => image)).toEqual(["nginx:3", "busybox:1"]);
    const path = "/api/v1/namespaces/shop/pods/two";
    expect((await call("PATCH", path, body, "application/merge-patch+json")).status).toBe(422);
  });

  it("a pod's spec cannot be changed but for its image", async () => {
    const { core } = await withPod();
    const body = { spec: { hostNetwork: true } };
    const failure = await failureOf(core.patchNamespacedPod({ ...target, body }, strategicPatch));
    expect(failure).toMatchObject({ code: 422, details: { causes: [{ field: "spec" }] } });
  });

  it("a JSON patch that ends in another name is 400", async () => {
    const { core } = await withPod();
    const body = [{ op: "replace", path: "/metadata/name", value: "other" }];
    const failure = await failureOf(core.patchNamespacedPod({ ...target, body }, jsonPatch));
    expect(failure.code).toBe(400);
  });

  it("an unknown patch type is 415", async () => {
    const { call } = await withPod();
    const reply = await call("PATCH", "/api/v1/namespaces/shop/pods/p", {}, "application/json");
    expect([reply.status, reply.body["reason"]]).toEqual([415, "UnsupportedMediaType"]);
  });

  it("the manager of a patch is recorded with the fields that it changed", async () => {
    const { core } = await withPod();
    const body = { metadata: { labels: { q: "x" } } };
    const patched = await core.patchNamespacedPod({ ...target, fieldManager: "reflex", body }, mergePatch);
    const mine = patched.metadata?.managedFields?.find(({ manager }) => manager === "reflex");
    expect(mine).toMatchObject({
      operation: "Update",
      fieldsV1: { "f:metadata": { "f:labels": { "f:q": {} } } },
    });
  });
});

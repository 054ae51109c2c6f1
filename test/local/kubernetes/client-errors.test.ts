import { describe, expect, it } from "vitest";
import { isObject } from "../../../local/kubernetes/json-value.ts";
import { connect, denyAll, failureOf, mergePatch, pod } from "./connection.ts";

describe("errors as the client throws them", () => {
  it("404: the Status names the plural and the object", async () => {
    const { core } = await connect();
    const failure = await failureOf(core.readNamespacedPod({ name: "gone", namespace: "default" }));
    expect(failure).toMatchObject({
      code: 404,
      reason: "NotFound",
      message: 'pods "gone" not found',
      details: { name: "gone", kind: "pods" },
    });
  });

  it("404: a create in a namespace that is missing names the namespace", async () => {
    const { core } = await connect();
    const failure = await failureOf(
      core.createNamespacedPod({ namespace: "nowhere", body: { spec: pod("p").spec } }),
    );
    expect(failure).toMatchObject({ code: 404, details: { name: "nowhere", kind: "namespaces" } });
  });

  it("409: a second create is AlreadyExists, not Conflict", async () => {
    const { standIn, networking } = await connect();
    standIn.seed([denyAll("q")]);
    const again = networking.createNamespacedNetworkPolicy({ namespace: "shop", body: denyAll("q") });
    expect(await failureOf(again)).toMatchObject({
      code: 409,
      reason: "AlreadyExists",
      details: { name: "q", group: "networking.k8s.io", kind: "networkpolicies" },
    });
  });

  it("409: replacing with a stale resourceVersion is Conflict", async () => {
    const { standIn, networking } = await connect();
    const [old] = standIn.seed([denyAll("q")]);
    standIn.seed([denyAll("q", { q: "y" })]);
    const body = {
      ...denyAll("q"),
      metadata: { ...denyAll("q").metadata, resourceVersion: old?.metadata.resourceVersion ?? "" },
    };
    const replaced = networking.replaceNamespacedNetworkPolicy({ name: "q", namespace: "shop", body });
    expect(await failureOf(replaced)).toMatchObject({ code: 409, reason: "Conflict" });
  });

  it("422: a name that is no RFC 1123 name has a cause on metadata.name", async () => {
    const { standIn, networking } = await connect();
    standIn.seed([denyAll("q")]);
    const body = denyAll("Bad_Name");
    const failure = await failureOf(networking.createNamespacedNetworkPolicy({ namespace: "shop", body }));
    expect(failure).toMatchObject({
      code: 422,
      reason: "Invalid",
      details: { kind: "NetworkPolicy", causes: [{ reason: "FieldValueInvalid", field: "metadata.name" }] },
    });
    expect(failure.message).toContain(
      'NetworkPolicy.networking.k8s.io "Bad_Name" is invalid: metadata.name:',
    );
  });

  it("401: a garbage token gives code 401 and no body at all", async () => {
    const { standIn, call } = await connect();
    const { KubeConfig, CoreV1Api } = await import("@kubernetes/client-node");
    const config = new KubeConfig();
    config.loadFromString(standIn.kubeconfig().replace("stand-in-token", "garbage"));
    const failure = await failureOf(config.makeApiClient(CoreV1Api).listNamespace());
    expect(failure.code).toBe(401);
    expect(failure.text).toBeUndefined();
    const raw = await call("GET", "/api/v1/namespaces", undefined, "", "garbage");
    expect(raw.body).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: "Unauthorized",
      reason: "Unauthorized",
      code: 401,
    });
  });

  it("no credentials: 403 as system:anonymous, not 401", async () => {
    const { call } = await connect();
    const { status, body } = await call("GET", "/api/v1/namespaces/default/pods", undefined, "", "");
    expect(status).toBe(403);
    expect(body["message"]).toBe(
      'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "default"',
    );
  });

  it("truncated body with content-length: rejects at once with `terminated`", async () => {
    const { standIn, core } = await connect();
    standIn.faults.add({ answer: { kind: "truncated" } });
    await expect(core.listNamespace()).rejects.toThrow(/terminated/);
  });

  it("HTML with 200: the client reports success with an empty object", async () => {
    const { standIn, core } = await connect();
    standIn.seed([pod("p")]);
    standIn.faults.add({ answer: { kind: "html" } });
    const read = await core.readNamespacedPod({ name: "p", namespace: "shop" });
    expect(read.metadata).toBeUndefined();
  });

  it("HTML with 502: an ApiException whose body is the HTML text", async () => {
    const { standIn, core } = await connect();
    const headers = { "content-type": "text/html" };
    standIn.faults.add({
      answer: { kind: "status", status: 502, body: "<html>bad gateway</html>", headers },
    });
    const failure = await failureOf(core.listNamespace());
    expect(failure).toMatchObject({ code: 502, text: "<html>bad gateway</html>" });
  });

  it("429 from priority & fairness: retry-after and a text body without a Status", async () => {
    const { standIn, core } = await connect();
    const body = "Too many requests, please try again later.\n";
    standIn.faults.add({ answer: { kind: "status", status: 429, body, headers: { "retry-after": "1" } } });
    const failure = await failureOf(core.listNamespace());
    expect(failure).toMatchObject({ code: 429, text: body });
    expect(failure.headers["retry-after"]).toBe("1");
    expect((await core.listNamespace()).items.length).toBeGreaterThan(0);
  });

  it("a label that is no text: 400 on create, 422 on a patch", async () => {
    const { standIn, core, call } = await connect();
    standIn.seed([pod("p")]);
    const labels = { a: 1 };
    const made = await call("POST", "/api/v1/namespaces/shop/pods", { metadata: { name: "x", labels } });
    expect(made.status).toBe(400);
    const patched = core.patchNamespacedPod(
      { name: "p", namespace: "shop", body: { metadata: { labels } } },
      mergePatch,
    );
    expect((await failureOf(patched)).code).toBe(422);
  });

  it("an unknown kind or subresource is 404 without a Status, a wrong method 405 with one", async () => {
    const { call } = await connect();
    const unknown = await call("GET", "/apis/example.com/v1/things");
    expect([unknown.status, unknown.body["text"]]).toEqual([404, "404 page not found\n"]);
    const wrong = await call("POST", "/api/v1/pods", pod("p"));
    expect([wrong.status, wrong.body["reason"]]).toEqual([405, "MethodNotAllowed"]);
  });

  it("a list gives items without kind and apiVersion", async () => {
    const { standIn, call } = await connect();
    standIn.seed([pod("p")]);
    const { body } = await call("GET", "/api/v1/namespaces/shop/pods");
    const [item] = Array.isArray(body["items"]) ? body["items"] : [];
    expect(isObject(item) && !("kind" in item) && !("apiVersion" in item) && "metadata" in item).toBe(true);
  });
});

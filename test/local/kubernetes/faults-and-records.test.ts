import { of } from "@kubernetes/client-node/dist/gen/rxjsStub.js";
import { describe, expect, it } from "vitest";
import { connect, deployment, failureOf, mergePatch, pod } from "./connection.ts";

const scaleDown = { name: "web", namespace: "shop", body: { spec: { replicas: 0 } } };

describe("injected faults", () => {
  it("hold for the next n requests that match and then are used up", async () => {
    const { standIn, core } = await connect();
    const answer = { kind: "status", status: 503, body: "later" } as const;
    standIn.faults.add({ match: { method: "GET", path: "/pods" }, times: 2, answer });
    await core.listNamespace();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect((await failureOf(core.listNamespacedPod({ namespace: "default" }))).code).toBe(503);
    }
    expect(standIn.faults.pending).toBe(0);
    await expect(core.listNamespacedPod({ namespace: "default" })).resolves.toBeDefined();
  });

  it("not-done: 200 with the changed object, and nothing is changed", async () => {
    const { standIn, apps } = await connect();
    standIn.seed([deployment("web", 2)]);
    standIn.faults.add({ match: { method: "PATCH" }, answer: { kind: "not-done" } });
    const answer = await apps.patchNamespacedDeploymentScale(scaleDown, mergePatch);
    expect(answer.spec?.replicas).toBeUndefined();
    expect(standIn.read("deployments", "shop", "web")?.["spec"]).toMatchObject({ replicas: 2 });
    expect(standIn.effects).toEqual([]);
  });

  it("lost-answer: the write is done, the client sees a failed fetch", async () => {
    const { standIn, apps } = await connect();
    standIn.seed([deployment("web", 2)]);
    standIn.faults.add({ match: { method: "PATCH" }, answer: { kind: "lost-answer" } });
    await expect(apps.patchNamespacedDeploymentScale(scaleDown, mergePatch)).rejects.toThrow("fetch failed");
    expect(standIn.effects).toMatchObject([{ verb: "patch", name: "web" }]);
    expect(standIn.requests).toMatchObject([{ method: "PATCH", status: 0 }]);
  });

  it("hang: the client's own signal ends it, nothing is done", async () => {
    const { standIn, core } = await connect();
    standIn.seed([pod("p")]);
    standIn.faults.add({ answer: { kind: "hang" } });
    const signal = AbortSignal.timeout(100);
    const call = core.deleteNamespacedPod(
      { name: "p", namespace: "shop" },
      {
        middleware: [
          {
            pre: (context) => {
              context.setSignal(signal);
              return of(context);
            },
            post: (response) => of(response),
          },
        ],
        middlewareMergeStrategy: "append",
      },
    );
    await expect(call).rejects.toMatchObject({ name: "TimeoutError" });
    expect(standIn.read("pods", "shop", "p")).toBeDefined();
  });

  it("delay: later requests overtake the delayed one", async () => {
    const { standIn, core } = await connect();
    standIn.faults.add({ match: { path: "/nodes" }, answer: { kind: "delay", milliseconds: 200 } });
    await Promise.all([core.listNode(), core.listNamespace()]);
    expect(standIn.requests.map(({ path }) => path)).toEqual(["/api/v1/namespaces", "/api/v1/nodes"]);
  });
});

describe("records over HTTP", () => {
  it("seed, faults, requests and effects work from another process", async () => {
    const { standIn, call } = await connect();
    const seeded = await call("POST", "/_stand-in/seed", [pod("p")], "application/json", "");
    expect(seeded.status).toBe(200);
    const fault = { match: { path: "/pods/p" }, answer: { kind: "status", status: 500, body: { a: 1 } } };
    await call("POST", "/_stand-in/faults", fault);
    expect(await call("GET", "/api/v1/namespaces/shop/pods/p")).toMatchObject({
      status: 500,
      body: { a: 1 },
    });
    const body = { metadata: { labels: { q: "x" } } };
    const path = "/api/v1/namespaces/shop/pods/p?fieldManager=reflex";
    await call("PATCH", path, body, "application/merge-patch+json");

    const read = async (what: string) => (await fetch(`${standIn.url}/_stand-in/${what}`)).json();
    expect(await read("requests")).toEqual([
      expect.objectContaining({ method: "GET", status: 500 }),
      {
        method: "PATCH",
        path: "/api/v1/namespaces/shop/pods/p",
        query: "fieldManager=reflex",
        status: 200,
        user: "system:serviceaccount:defender-reflex:reflex",
        contentType: "application/merge-patch+json",
      },
    ]);
    expect(await read("effects")).toMatchObject([
      {
        verb: "patch",
        plural: "pods",
        namespace: "shop",
        name: "p",
        changes: [{ path: "/metadata/labels", after: { q: "x" } }],
      },
    ]);
    await call("DELETE", "/_stand-in/requests");
    expect(standIn.requests).toEqual([]);
    expect(standIn.effects).toEqual([]);
  });

  it("refuse a malformed fault and an object that the server would not store", async () => {
    const { standIn, call } = await connect();
    expect((await call("POST", "/_stand-in/faults", { answer: { kind: "nonsense" } })).status).toBe(400);
    const broken = { ...deployment("web", 1), spec: { replicas: 1 } };
    expect(await call("POST", "/_stand-in/seed", [broken])).toMatchObject({
      status: 422,
      body: { reason: "Invalid" },
    });
    expect(() => standIn.seed([{ apiVersion: "v1", kind: "Thing" }])).toThrow(/no kind "Thing"/);
  });

  it("a seeded object keeps its uid, and another uid under the same name is another object", async () => {
    const { standIn } = await connect();
    const withUid = (uid: string) => ({ ...pod("p"), metadata: { ...pod("p").metadata, uid } });
    standIn.seed([withUid("first")]);
    standIn.seed([withUid("second")]);
    expect(standIn.read("Pod", "shop", "p")?.metadata).toMatchObject({ uid: "second", generation: 1 });
  });

  it("many requests at once are all answered, and close ends what hangs", async () => {
    const { standIn, core } = await connect();
    const calls = Array.from({ length: 60 }, (_unused, index) =>
      core.createNamespacedConfigMap({ namespace: "default", body: { metadata: { name: `m${index}` } } }),
    );
    await Promise.all(calls);
    expect(standIn.effects).toHaveLength(60);
    standIn.faults.add({ answer: { kind: "hang" } });
    const hanging = expect(core.listNode()).rejects.toThrow("fetch failed");
    await expect.poll(() => standIn.requests.length).toBe(61);
    await standIn.close();
    await hanging;
  });
});

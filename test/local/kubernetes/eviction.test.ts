import { describe, expect, it } from "vitest";
import { connect, deployment, failureOf, node, pod } from "./connection.ts";

const eviction = (name: string, deleteOptions: object = {}) => ({
  namespace: "shop",
  name,
  body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: "shop" }, deleteOptions },
});
const budget = (spec: object, name = "web") => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name, namespace: "shop" },
  spec: { selector: { matchLabels: { app: "web" } }, ...spec },
});

async function running(replicas: number, ...budgets: object[]) {
  const { standIn, core, call } = await connect();
  standIn.seed([node, ...budgets, deployment("web", replicas)]);
  const names = standIn.readAll("pods", "shop").map(({ metadata }) => metadata.name);
  return { standIn, core, call, names, first: names[0] ?? "" };
}

describe("an eviction", () => {
  it("ends the pod and answers 201 with a Status that says so", async () => {
    const { standIn, call, first } = await running(1);
    const path = `/api/v1/namespaces/shop/pods/${first}/eviction`;
    const answer = await call("POST", path, JSON.parse(JSON.stringify(eviction(first).body)));
    expect(answer).toMatchObject({ status: 201, body: { kind: "Status", status: "Success" } });
    expect(standIn.read("pods", "shop", first)).toBeUndefined();
  });

  it.each([
    ["so many pods have to stay", { minAvailable: 2 }, "needs 2 healthy pods and has 2"],
    ["such a share has to stay", { minAvailable: "100%" }, "needs 2 healthy pods and has 2"],
    ["none may be missing", { maxUnavailable: 0 }, "needs 2 healthy pods and has 2"],
  ])("is answered with 429 and without a time to wait where %s", async (_what, spec, message) => {
    const { standIn, core, names, first } = await running(2, budget(spec));
    const failure = await failureOf(core.createNamespacedPodEviction(eviction(first)));
    expect(failure).toMatchObject({ code: 429, reason: "TooManyRequests" });
    expect(failure.details).toMatchObject({
      causes: [{ reason: "DisruptionBudget", message: expect.stringContaining(message) }],
    });
    expect(Object.keys(failure.headers)).not.toContain("retry-after");
    expect(standIn.readAll("pods", "shop").map(({ metadata }) => metadata.name)).toEqual(names);
    await core.deleteNamespacedPod({ namespace: "shop", name: first });
    expect(standIn.read("pods", "shop", first)).toBeUndefined();
  });

  it.each([{ minAvailable: 1 }, { minAvailable: "50%" }, { maxUnavailable: 1 }])(
    "goes through where the budget has room: %j",
    async (spec) => {
      const { standIn, core, first } = await running(2, budget(spec));
      await core.createNamespacedPodEviction(eviction(first));
      expect(standIn.read("pods", "shop", first)).toBeUndefined();
    },
  );

  it("asks no budget for a pod that does not run, nor a budget of other pods", async () => {
    const { standIn, core } = await connect({ controllers: false });
    standIn.seed([budget({ minAvailable: 1 }), pod("pending", { app: "web" }), pod("other", { app: "db" })]);
    for (const name of ["pending", "other"]) await core.createNamespacedPodEviction(eviction(name));
    expect(standIn.readAll("pods")).toEqual([]);
  });

  it("takes one that is not ready where enough others are, or the budget says always", async () => {
    const { standIn, core } = await connect({ controllers: false });
    const looks = (name: string, status: string) => ({
      ...pod(name, { app: "web" }),
      status: { phase: "Running", conditions: [{ type: "Ready", status }] },
    });
    standIn.seed([budget({ minAvailable: 1 }), looks("broken", "False"), looks("whole", "True")]);
    await core.createNamespacedPodEviction(eviction("broken"));
    standIn.seed([budget({ minAvailable: 2 }), looks("broken", "False")]);
    expect(await failureOf(core.createNamespacedPodEviction(eviction("broken")))).toMatchObject({
      code: 429,
    });
    standIn.seed([budget({ minAvailable: 2, unhealthyPodEvictionPolicy: "AlwaysAllow" })]);
    await core.createNamespacedPodEviction(eviction("broken"));
    expect(standIn.readAll("pods").map(({ metadata }) => metadata.name)).toEqual(["whole"]);
  });

  it("cannot choose between two budgets, and fails", async () => {
    const { core, first } = await running(2, budget({ minAvailable: 0 }), budget({ minAvailable: 0 }, "two"));
    expect(await failureOf(core.createNamespacedPodEviction(eviction(first)))).toMatchObject({ code: 500 });
  });

  it("keeps to the preconditions of its deletion", async () => {
    const { standIn, core, first } = await running(1);
    for (const preconditions of [{ uid: "another" }, { resourceVersion: "1" }]) {
      const failure = await failureOf(core.createNamespacedPodEviction(eviction(first, { preconditions })));
      expect(failure).toMatchObject({ code: 409, reason: "Conflict" });
    }
    expect(standIn.read("pods", "shop", first)).toBeDefined();
  });

  it("is of a pod that is there and has the name of the path, and can only be created", async () => {
    const { core, call, first } = await running(1);
    expect(await failureOf(core.createNamespacedPodEviction(eviction("gone")))).toMatchObject({ code: 404 });
    const wrong = { ...eviction(first), body: eviction("other").body };
    expect(await failureOf(core.createNamespacedPodEviction(wrong))).toMatchObject({ code: 400 });
    for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
      const answer = await call(method, `/api/v1/namespaces/shop/pods/${first}/eviction`);
      expect(answer.status).toBe(405);
    }
  });

  it("is a right of its own", async () => {
    const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "create", "delete"] }];
    const { standIn, core } = await connect({ rules });
    standIn.seed([pod("web-1")]);
    const failure = await failureOf(core.createNamespacedPodEviction(eviction("web-1")));
    expect(failure).toMatchObject({
      code: 403,
      message: expect.stringContaining('resource "pods/eviction"'),
    });
  });
});

describe("a cordoned node", () => {
  it("gets no new pods but those that name it, and keeps what runs there", async () => {
    const { standIn } = await connect();
    standIn.seed([node, deployment("web", 1)]);
    standIn.seed([{ ...node, spec: { unschedulable: true } }, deployment("web", 2)]);
    const phases = standIn.readAll("pods", "shop").map(({ status }) => JSON.stringify(status));
    expect(phases.filter((phase) => phase.includes("Running"))).toHaveLength(1);
    expect(phases).toHaveLength(2);
  });
});

import { describe, expect, it } from "vitest";
import { applyPatch, connect, denyAll, failureOf, mergePatch, pod } from "./connection.ts";

const target = { name: "q", namespace: "shop", fieldManager: "reflex" };

async function shop() {
  const connection = await connect();
  connection.standIn.seed([pod("p")]);
  return connection;
}

describe("server-side apply of a NetworkPolicy", () => {
  it("without the option the client sends a JSON patch: 400 cannot unmarshal object", async () => {
    const { standIn, networking } = await shop();
    standIn.seed([denyAll("q")]);
    const failure = await failureOf(
      networking.patchNamespacedNetworkPolicy({ ...target, body: denyAll("q") }),
    );
    expect(failure).toMatchObject({ code: 400, reason: "BadRequest" });
    expect(failure.message).toContain("cannot unmarshal object into Go value of type []handlers.jsonPatchOp");
  });

  it("without fieldManager it is 422", async () => {
    const { networking } = await shop();
    const body = denyAll("q");
    const call = networking.patchNamespacedNetworkPolicy({ name: "q", namespace: "shop", body }, applyPatch);
    const failure = await failureOf(call);
    expect(failure).toMatchObject({ code: 422, details: { causes: [{ field: "fieldManager" }] } });
  });

  it("applied again, resourceVersion and generation are unchanged and nothing is an effect", async () => {
    const { standIn, networking } = await shop();
    const first = await networking.patchNamespacedNetworkPolicy(
      { ...target, body: denyAll("q") },
      applyPatch,
    );
    const second = await networking.patchNamespacedNetworkPolicy(
      { ...target, body: denyAll("q") },
      applyPatch,
    );
    expect(second.metadata?.resourceVersion).toBe(first.metadata?.resourceVersion);
    expect(second.metadata?.generation).toBe(1);
    expect(standIn.effects).toHaveLength(1);
    expect(standIn.requests.map(({ status }) => status)).toEqual([201, 200]);
  });

  it("a changed spec takes a new resourceVersion and generation; a changed label no generation", async () => {
    const { networking } = await shop();
    await networking.patchNamespacedNetworkPolicy({ ...target, body: denyAll("q") }, applyPatch);
    const body = denyAll("q", { q: "other" });
    const changed = await networking.patchNamespacedNetworkPolicy({ ...target, body }, applyPatch);
    expect(changed.metadata?.generation).toBe(2);
    const labelled = { ...body, metadata: { ...body.metadata, labels: { a: "b" } } };
    const again = await networking.patchNamespacedNetworkPolicy({ ...target, body: labelled }, applyPatch);
    expect(again.metadata?.generation).toBe(2);
    expect(again.metadata?.resourceVersion).not.toBe(changed.metadata?.resourceVersion);
  });

  it("another manager changing our field gets 409 with cause FieldManagerConflict on .spec.podSelector", async () => {
    const { networking } = await shop();
    await networking.patchNamespacedNetworkPolicy({ ...target, body: denyAll("q") }, applyPatch);
    const body = denyAll("q", { q: "other" });
    const other = { ...target, fieldManager: "other", body };
    const failure = await failureOf(networking.patchNamespacedNetworkPolicy(other, applyPatch));
    expect(failure).toMatchObject({
      code: 409,
      reason: "Conflict",
      details: {
        causes: [
          { reason: "FieldManagerConflict", message: 'conflict with "reflex"', field: ".spec.podSelector" },
        ],
      },
    });
    const forced = await networking.patchNamespacedNetworkPolicy({ ...other, force: true }, applyPatch);
    expect(forced.spec?.podSelector?.matchLabels).toEqual({ q: "other" });
    const ours = networking.patchNamespacedNetworkPolicy({ ...target, body: denyAll("q") }, applyPatch);
    expect((await failureOf(ours)).details["causes"]).toHaveLength(1);
  });

  it("applied over an object created by another manager with the same values: no conflict, co-owned", async () => {
    const { networking } = await shop();
    await networking.createNamespacedNetworkPolicy({ namespace: "shop", body: denyAll("q") });
    const both = await networking.patchNamespacedNetworkPolicy({ ...target, body: denyAll("q") }, applyPatch);
    const managers = both.metadata?.managedFields?.map(({ manager, operation }) => `${manager}/${operation}`);
    expect(managers).toEqual(["reflex/Apply", "kubernetes-client-javascript/Update"]);
  });

  it("with several managers a repeated write of any of them still changes nothing", async () => {
    const { networking } = await shop();
    const write = (fieldManager: string) =>
      networking.patchNamespacedNetworkPolicy({ ...target, fieldManager, body: denyAll("q") }, applyPatch);
    await networking.createNamespacedNetworkPolicy({ namespace: "shop", body: denyAll("q") });
    for (const manager of ["zeta", "reflex", "alpha"]) await write(manager);
    const versions = new Set<string | undefined>();
    for (const manager of ["reflex", "alpha", "zeta"]) {
      versions.add((await write(manager)).metadata?.resourceVersion);
    }
    const body = { spec: { policyTypes: ["Ingress", "Egress"] } };
    const same = await networking.patchNamespacedNetworkPolicy(
      { name: "q", namespace: "shop", body },
      mergePatch,
    );
    expect([...versions.add(same.metadata?.resourceVersion)]).toHaveLength(1);
  });

  it("a field that is applied no more is removed, unless another manager owns it too", async () => {
    const { networking } = await shop();
    const annotated = {
      ...denyAll("q"),
      metadata: { ...denyAll("q").metadata, annotations: { a: "1", b: "2" } },
    };
    await networking.patchNamespacedNetworkPolicy({ ...target, body: annotated }, applyPatch);
    const shared = { ...denyAll("q"), metadata: { ...denyAll("q").metadata, annotations: { b: "2" } } };
    const other = { ...target, fieldManager: "other", body: shared };
    await networking.patchNamespacedNetworkPolicy(other, applyPatch);
    const last = await networking.patchNamespacedNetworkPolicy({ ...target, body: denyAll("q") }, applyPatch);
    expect(last.metadata?.annotations).toEqual({ b: "2" });
  });

  it("an apply that creates needs create as well as patch", async () => {
    const rule = { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: ["patch"] };
    const { standIn, networking } = await connect({ rules: [rule] });
    standIn.seed([pod("p")]);
    const apply = () =>
      networking.patchNamespacedNetworkPolicy({ ...target, body: denyAll("q") }, applyPatch);
    expect(await failureOf(apply())).toMatchObject({ code: 403, reason: "Forbidden" });
    standIn.seed([denyAll("q")]);
    expect((await apply()).metadata?.name).toBe("q");
  });
});

describe("delete and dry run of a NetworkPolicy", () => {
  it("preconditions that do not match are 409 Conflict and nothing is deleted", async () => {
    const { standIn, networking } = await shop();
    const [policy] = standIn.seed([denyAll("q")]);
    for (const preconditions of [{ uid: "another" }, { resourceVersion: "1" }]) {
      const call = networking.deleteNamespacedNetworkPolicy({ ...target, body: { preconditions } });
      expect(await failureOf(call)).toMatchObject({ code: 409, reason: "Conflict" });
    }
    const uid = policy?.metadata.uid ?? "";
    const gone = await networking.deleteNamespacedNetworkPolicy({
      ...target,
      body: { preconditions: { uid } },
    });
    expect(gone).toMatchObject({ status: "Success", details: { name: "q", uid } });
    expect(standIn.readAll("networkpolicies")).toEqual([]);
  });

  it("dryRun All stores nothing", async () => {
    const { standIn, networking } = await shop();
    const body = denyAll("q");
    const tried = await networking.createNamespacedNetworkPolicy({ namespace: "shop", body, dryRun: "All" });
    expect(tried.metadata?.name).toBe("q");
    await networking.patchNamespacedNetworkPolicy({ ...target, body, dryRun: "All" }, applyPatch);
    expect(standIn.readAll("networkpolicies")).toEqual([]);
    expect(standIn.effects).toEqual([]);
    const wrong = networking.createNamespacedNetworkPolicy({ namespace: "shop", body, dryRun: "Some" });
    expect((await failureOf(wrong)).code).toBe(422);
  });

  it("absent ingress and egress stay absent; absent policyTypes become Ingress", async () => {
    const { networking } = await shop();
    const made = await networking.createNamespacedNetworkPolicy({ namespace: "shop", body: denyAll("q") });
    expect(made.spec).not.toHaveProperty("ingress");
    expect(made.spec).not.toHaveProperty("egress");
    const bare = { metadata: { name: "bare" }, spec: { podSelector: {} } };
    const other = await networking.createNamespacedNetworkPolicy({ namespace: "shop", body: bare });
    expect(other.spec?.policyTypes).toEqual(["Ingress"]);
  });
});

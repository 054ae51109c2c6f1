import { describe, expect, it } from "vitest";
import { connect, denyAll, failureOf, mergePatch, pod } from "./connection.ts";

describe("names that the client does not check", () => {
  it.each(["", "."])(
    "name %j in a delete is a deletecollection: every NetworkPolicy is gone",
    async (name) => {
      const { standIn, networking } = await connect();
      standIn.seed([denyAll("a"), denyAll("b"), pod("p")]);
      await networking.deleteNamespacedNetworkPolicy({ name, namespace: "shop" });
      expect(standIn.readAll("networkpolicies", "shop")).toEqual([]);
      expect(standIn.effects.map(({ verb, name: gone }) => [verb, gone])).toEqual([
        ["deletecollection", "a"],
        ["deletecollection", "b"],
      ]);
      expect(standIn.read("pods", "shop", "p")).toBeDefined();
    },
  );

  it("name '' in a read gives a list typed as one object", async () => {
    const { standIn, networking } = await connect();
    standIn.seed([denyAll("a")]);
    const read = await networking.readNamespacedNetworkPolicy({ name: "", namespace: "shop" });
    expect(read.kind).toBe("NetworkPolicyList");
    expect(read.metadata?.name).toBeUndefined();
  });

  it("name '..' in deleteNamespacedPod deletes the whole namespace", async () => {
    const { standIn, core } = await connect();
    standIn.seed([denyAll("a"), pod("p")]);
    const dry = await core.deleteNamespacedPod({ name: "..", namespace: "shop", dryRun: "All" });
    expect(dry.kind).toBe("Namespace");
    expect(dry.metadata?.deletionTimestamp).toBeInstanceOf(Date);
    expect(standIn.read("namespaces", "", "shop")).toBeDefined();
    await core.deleteNamespacedPod({ name: "..", namespace: "shop" });
    expect(standIn.read("namespaces", "", "shop")).toBeUndefined();
    expect(standIn.readAll("pods")).toEqual([]);
    const sent = standIn.requests.map(({ method, path }) => `${method} ${path.replace(/\/$/, "")}`);
    expect(sent).toEqual(["DELETE /api/v1/namespaces/shop", "DELETE /api/v1/namespaces/shop"]);
  });

  it("name '..' in patchNamespacedPod patches the namespace", async () => {
    const { standIn, core } = await connect();
    standIn.seed([pod("p")]);
    const body = { metadata: { labels: { hit: "yes" } } };
    await core.patchNamespacedPod({ name: "..", namespace: "shop", body }, mergePatch);
    expect(standIn.read("Namespace", "", "shop")?.metadata["labels"]).toMatchObject({ hit: "yes" });
  });

  it("name '../../..' is safe: the slash stays encoded and nothing is found", async () => {
    const { standIn, core } = await connect();
    standIn.seed([pod("p")]);
    expect((await failureOf(core.deleteNamespacedPod({ name: "../../..", namespace: "shop" }))).code).toBe(
      404,
    );
    expect(standIn.read("pods", "shop", "p")).toBeDefined();
    expect(standIn.effects).toEqual([]);
  });

  it("without the right deletecollection an empty name deletes nothing", async () => {
    const rules = [
      { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: ["delete", "get"] },
    ];
    const { standIn, networking } = await connect({ rules });
    standIn.seed([denyAll("a")]);
    const failure = await failureOf(
      networking.deleteNamespacedNetworkPolicy({ name: "", namespace: "shop" }),
    );
    expect(failure.code).toBe(403);
    expect(failure.message).toContain("cannot deletecollection resource");
    expect(standIn.readAll("networkpolicies")).toHaveLength(1);
  });
});

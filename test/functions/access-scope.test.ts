import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Principal } from "../../local/entra/index.ts";
import { ROLES } from "../../src/model/caller.ts";
import { CLUSTER } from "../engine/world.ts";
import { ISOLATES, KillableApp } from "../scenarios/killed-app.ts";

const RUNS = "/api/playbooks/isolate-pod/runs";
const DORA = "d0d0d0d0-3333-4333-8333-00000000000a";
const TEAM = "d0d0d0d0-3333-4333-8333-00000000000b";
const ROBOT = "d0d0d0d0-3333-4333-8333-00000000000c";
const ACCESS = `
access:
  - { role: Reflex.Run, to: ["${DORA.toUpperCase()}"], scope: { allow: [{ namespace: shop }] } }
  - { role: Reflex.Run, to: ["${TEAM}"], scope: { allow: [{ cluster: ${CLUSTER} }], deny: [{ namespace: shop }] } }
  - { role: Reflex.Run, to: ["${ROBOT}"], scope: { allow: [{ namespace: shop, labels: { app: web } }] } }
  - { role: Reflex.Read, to: ["${DORA}"], scope: { allow: [{ namespace: shop }] } }
  - { role: Reflex.Read, to: ["${TEAM}"], scope: { allow: [{ cluster: ${CLUSTER} }] } }
`;

function somebody(oid: string, ...groups: readonly string[]): Principal {
  return { name: oid.slice(-1), oid, kind: "person", roles: ROLES, groups };
}
const dora = somebody(DORA);
const member = somebody("d0d0d0d0-3333-4333-8333-00000000000d", TEAM.toUpperCase());
const robot = somebody(ROBOT);
const stranger = somebody("d0d0d0d0-3333-4333-8333-00000000000e");

describe("a role that the file limits to a scope", () => {
  let app: KillableApp;
  beforeAll(async () => {
    app = await KillableApp.start(ISOLATES + ACCESS);
  }, 120_000);
  afterAll(() => app.stop());

  const target = (namespace: string, cluster = CLUSTER) => ({
    kind: "pod",
    cluster,
    namespace,
    name: "web-0",
  });
  const run = async (of: Principal, on: object) =>
    app.request("POST", RUNS, { target: on, reason: "a look" }, await app.headers({ of }));

  it.each<[string, Principal, object, object]>([
    ["a person who is named, another namespace", dora, target("bank"), target("shop")],
    [
      "a member of a group that is named, a namespace that it is denied",
      member,
      target("shop"),
      target("bank"),
    ],
    ["a member of a group, another cluster", member, target("bank", `${CLUSTER}-2`), target("bank")],
    ["a person, another subscription", dora, target("bank", CLUSTER.replace(/0b1f/, "0b2f")), target("shop")],
  ])("does not reach beyond it: %s", async (_who, of, beyond, inside) => {
    const refused = await run(of, beyond);
    expect(refused.status).toBe(403);
    expect(String(refused.json["detail"])).toContain("Reflex.Run does not reach pod");
    expect((await run(of, inside)).status).toBe(202);
  });

  it("takes a cluster by its name for the one that it is", async () => {
    expect((await run(member, target("bank", "prod"))).status).toBe(202);
    expect((await run(member, target("shop", "prod"))).status).toBe(403);
  });

  it("is nobody's who is not named, and holds nothing that cannot be told from the target", async () => {
    expect((await run(stranger, target("shop"))).status).toBe(403);
    expect((await run(robot, target("shop"))).status).toBe(403);
    expect((await run(dora, target("shop"))).status).toBe(202);
  });

  it("lists and shows only what is inside", async () => {
    const bank = await run(member, target("bank"));
    const shop = await run(dora, target("shop"));
    const namespaces = async (of: Principal) => {
      const { json } = await app.request("GET", "/api/remediations", undefined, await app.headers({ of }));
      const found = json["remediations"] as { target: { namespace: string } }[];
      return new Set(found.map((one) => one.target.namespace));
    };
    expect(await namespaces(dora)).toEqual(new Set(["shop"]));
    expect(await namespaces(member)).toEqual(new Set(["shop", "bank"]));
    expect(await namespaces(stranger)).toEqual(new Set());
    const show = async (of: Principal, id: unknown) =>
      (await app.request("GET", `/api/remediations/${String(id)}`, undefined, await app.headers({ of })))
        .status;
    expect(await show(dora, bank.json["id"])).toBe(403);
    expect(await show(member, bank.json["id"])).toBe(200);
    expect(await show(dora, shop.json["id"])).toBe(200);
    expect(await show(stranger, shop.json["id"])).toBe(403);
  });

  it("pages over what is outside without a gap or a hint", async () => {
    const headers = await app.headers({ of: dora });
    const page = await app.request("GET", "/api/remediations?limit=1", undefined, headers);
    const [only] = page.json["remediations"] as { target: { namespace: string } }[];
    expect(only?.target.namespace).toBe("shop");
  });

  it("does not let one revert what is outside", async () => {
    const bank = await run(member, target("bank"));
    const path = `/api/remediations/${String(bank.json["id"])}/revert`;
    const revert = async (of: Principal) =>
      (await app.request("POST", path, { reason: "x" }, await app.headers({ of }))).status;
    expect(await revert(dora)).toBe(403);
    // In reach; that there is nothing to take back is another matter.
    expect(await revert(member)).not.toBe(403);
  });
});

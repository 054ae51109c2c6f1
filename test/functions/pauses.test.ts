import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Principal } from "../../local/entra/index.ts";
import { ROLES, type Role } from "../../src/model/caller.ts";
import { CLUSTER } from "../engine/world.ts";
import { ISOLATES, KillableApp } from "../scenarios/killed-app.ts";

const DORA = "d0d0d0d0-3333-4333-8333-00000000000a";
const EVE = "d0d0d0d0-3333-4333-8333-00000000000b";
const ACCESS = `
access:
  - { role: Reflex.Run, to: ["${DORA}"], scope: { allow: [{ cluster: ${CLUSTER} }] } }
`;

function somebody(oid: string, roles: readonly Role[] = ROLES): Principal {
  return { name: oid.slice(-1), oid, kind: "person", roles, groups: [] };
}

describe("pausing over HTTP", () => {
  let app: KillableApp;
  beforeAll(async () => {
    app = await KillableApp.start(ISOLATES + ACCESS);
  }, 120_000);
  afterAll(() => app.stop());

  const ask = async (method: "GET" | "POST", path: string, body: object | undefined, of = somebody(EVE)) =>
    app.request(method, path, body, await app.headers({ of }));
  const reason = "a change freeze";

  it("holds, shows and lets go on", async () => {
    const held = await ask("POST", "/api/pauses", { rule: "miners", reason });
    const shown = await ask("GET", "/api/pauses", undefined);
    expect(held.json).toEqual(shown.json);
    expect(shown.json).toMatchObject({
      held: false,
      pauses: [{ of: { kind: "rule", name: "miners" }, who: "b", why: reason }],
      trips: [],
    });
    const gone = await ask("POST", "/api/pauses/resume", { rule: "miners", reason });
    expect(gone).toMatchObject({ status: 200, json: { pauses: [] } });
  });

  it.each([
    [{ reason }, /just one of/],
    [{ all: true, rule: "miners", reason }, /just one of/],
    [{ all: false, reason }, /^all: /],
    [{ all: true }, /^reason: /],
    [{ all: true, reason: " " }, /say why/],
    [{ everything: true, reason }, /everything/],
    [{ rule: 7, reason }, /^rule: /],
  ])("says what is wrong with %j, and holds nothing", async (body, sentence) => {
    for (const path of ["/api/pauses", "/api/pauses/resume"]) {
      const { status, json } = await ask("POST", path, body);
      expect(status).toBe(400);
      expect(json["detail"]).toMatch(sentence);
    }
    expect((await ask("GET", "/api/pauses", undefined)).json).toMatchObject({ pauses: [] });
  });

  it("names the rules that there are where there is none of that name", async () => {
    const { status, json } = await ask("POST", "/api/pauses", { rule: "ghost", reason });
    expect(status).toBe(422);
    expect(json).toMatchObject({
      detail: "there is no rule ghost",
      advice: expect.stringContaining("Use one of"),
    });
  });

  it("lets whose role reaches a part only hold what it reaches", async () => {
    const dora = somebody(DORA, ["Reflex.Run", "Reflex.Read"]);
    for (const body of [
      { all: true },
      { rule: "miners" },
      { playbook: "isolate-pod" },
      { cluster: `${CLUSTER}-2` },
    ]) {
      expect((await ask("POST", "/api/pauses", { ...body, reason }, dora)).status).toBe(403);
    }
    expect((await ask("POST", "/api/pauses", { cluster: "prod", reason }, dora)).status).toBe(200);
    expect((await ask("POST", "/api/pauses/resume", { cluster: "prod", reason })).status).toBe(200);
  });

  it("asks for a role of its own to let go on", async () => {
    const dora = somebody(DORA, ["Reflex.Run"]);
    expect((await ask("POST", "/api/pauses", { cluster: "prod", reason }, dora)).status).toBe(200);
    expect((await ask("POST", "/api/pauses/resume", { cluster: "prod", reason }, dora)).status).toBe(403);
    expect((await ask("POST", "/api/pauses", { all: true, reason })).status).toBe(200);
    expect((await ask("POST", "/api/pauses/resume", { all: true, reason })).status).toBe(200);
    expect((await ask("POST", "/api/pauses/resume", { cluster: "prod", reason })).status).toBe(200);
  });
});

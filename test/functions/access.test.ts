import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LOCAL_PRINCIPALS, type Principal, type TokenRequest } from "../../local/entra/index.ts";
import { ROUTES, type Route } from "../../src/functions/routes.ts";
import { ROLES } from "../../src/model/caller.ts";
import { CLUSTER } from "../engine/world.ts";
import { ISOLATES, KillableApp } from "../scenarios/killed-app.ts";

const RUNS = "/api/playbooks/isolate-pod/runs";
const UNKNOWN = "a0000000000000aaaaaaaa";
const OTHER_TENANT = "99999999-9999-4999-8999-999999999999";
const KEY = { "x-functions-key": "host-key-of-a-test" };
const body = {
  target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-0" },
  reason: "a look",
};
const routes: [string, Route][] = Object.entries(ROUTES);
const guarded = routes.filter(([, { role }]) => role !== null);
const pathOf = ({ route }: Route) =>
  `/api/${route.replace("{id}", UNKNOWN).replace("{name}", "isolate-pod")}`;

/** Somebody who bears these roles and no other. */
function bearing(kind: Principal["kind"], ...roles: readonly string[]): Principal {
  const oid = "d0d0d0d0-3333-4333-8333-000000000001";
  return { name: "Dora", oid, kind, roles, groups: [] };
}

describe("who may what, in the built app", () => {
  let app: KillableApp;
  /** Requests that have reached table and cluster. */
  let outside = 0;

  beforeAll(async () => {
    app = await KillableApp.start(ISOLATES);
    app.kubernetes.seed(["web-0", "web-1"].map(pod));
    app.onSent = () => {
      outside += 1;
      return "goes-on";
    };
    // The table is made with the first request.
    await app.request("GET", "/api/remediations");
  }, 120_000);
  afterAll(() => app.stop());

  const ask = (route: Route, headers: Record<string, string>) =>
    app.request(route.method, pathOf(route), route.method === "POST" ? {} : undefined, headers);

  it.each(guarded)("%s is refused without a token, a key being no authority", async (_name, route) => {
    const before = outside;
    for (const key of ["host-key-of-a-test", "master-key-of-a-test"]) {
      const { status, headers, json } = await ask(route, { "x-functions-key": key });
      expect(status).toBe(401);
      expect(headers.get("www-authenticate")).toBe("Bearer");
      expect(headers.get("content-type")).toContain("application/problem+json");
      expect(headers.get("cache-control")).toBe("no-store");
      expect(json).toMatchObject({ detail: expect.stringContaining("token"), advice: expect.any(String) });
    }
    expect(outside).toBe(before);
  });

  it.each(guarded)("%s takes its own role and no other, nor all others together", async (_name, route) => {
    const before = outside;
    const others = ROLES.filter((role) => role !== route.role);
    for (const roles of [...others.map((role) => [role]), others, []]) {
      const { status, json } = await ask(route, await app.headers({ of: bearing("person", ...roles) }));
      expect(status).toBe(403);
      expect(String(json["detail"])).toContain(route.role);
    }
    // Neither the body nor the store has been looked at.
    expect(outside).toBe(before);
    const right = await ask(route, await app.headers({ of: bearing("person", route.role ?? "") }));
    expect([401, 403]).not.toContain(right.status);
    expect(right.status).toBeLessThan(500);
  });

  it.each(guarded.filter(([, { role }]) => role === "Reflex.Approve"))(
    "%s is never an application's, whatever role it bears",
    async (_name, route) => {
      const refused = await ask(route, await app.headers({ of: bearing("application", ...ROLES) }));
      expect(refused.status).toBe(403);
      expect(String(refused.json["detail"])).toContain("application");
      const person = await ask(route, await app.headers({ of: bearing("person", "Reflex.Approve") }));
      expect([401, 403]).not.toContain(person.status);
    },
  );

  it("lets an application run what it has the role for, and puts it on record by its id", async () => {
    const of = bearing("application", "Reflex.Run");
    const { status, json } = await app.request("POST", RUNS, body, await app.headers({ of }));
    expect(status).toBe(202);
    expect(json).toMatchObject({
      requestedBy: { who: "Dora", id: expect.stringMatching(`/${of.oid}$`), why: "a look" },
    });
  });

  const now = () => Math.floor(app.now().getTime() / 1000);
  it.each<[string, () => TokenRequest]>([
    [
      "of a foreign tenant",
      () => ({
        claims: { iss: `https://login.microsoftonline.com/${OTHER_TENANT}/v2.0`, tid: OTHER_TENANT },
      }),
    ],
    ["with alg none", () => ({ signing: "none" })],
    ["with the public key as the secret of HS256", () => ({ signing: "HS256 with the public key" })],
    ["signed by somebody else", () => ({ signing: "another key" })],
    ["for another audience", () => ({ claims: { aud: OTHER_TENANT } })],
    ["of another issuer", () => ({ claims: { iss: "https://evil.example" } })],
    ["that has expired", () => ({ claims: { exp: now() - 3_600 } })],
    ["that does not hold yet", () => ({ claims: { nbf: now() + 7_200 } })],
    ["without an object id", () => ({ claims: { oid: undefined } })],
  ])("refuses a token %s where the same request with a right one succeeds", async (_what, request) => {
    const before = outside;
    const printed = app.lines.length;
    for (const [method, path, sent, good] of [
      ["GET", "/api/remediations", undefined, 200],
      ["POST", RUNS, body, 202],
    ] as const) {
      const headers = await app.headers(request());
      const { status, headers: answered, text } = await app.request(method, path, sent, headers);
      expect(status).toBe(401);
      expect(answered.get("www-authenticate")).toBe('Bearer error="invalid_token"');
      expect(outside).toBe(before);
      for (const part of (headers["authorization"] ?? "").split(/[ .]/).filter(({ length }) => length > 10)) {
        expect(text).not.toContain(part);
        expect(app.lines.slice(printed).join()).not.toContain(part);
      }
      if (method === "GET") expect((await app.request(method, path)).status).toBe(good);
      outside = before;
    }
    expect((await app.request("POST", RUNS, body)).status).toBe(202);
  });

  it("takes the platform's header from nobody where the platform does not write it", async () => {
    const { ada } = LOCAL_PRINCIPALS;
    const { REFLEX_TENANT: tenant = "", REFLEX_AUDIENCE: aud = "" } = app.entra.settings;
    const claims = Object.entries({
      iss: `https://login.microsoftonline.com/${tenant}/v2.0`,
      aud,
      tid: tenant,
      oid: ada?.oid ?? "",
      roles: "Reflex.Read",
      preferred_username: "ada@local.example",
    }).map(([typ, val]) => ({ typ, val }));
    const principal = Buffer.from(JSON.stringify({ auth_typ: "aad", claims })).toString("base64");
    const forged = { ...KEY, "x-ms-client-principal": principal, "x-ms-client-principal-id": ada?.oid ?? "" };
    expect((await app.request("GET", "/api/remediations", undefined, forged)).status).toBe(401);
    expect((await app.request("GET", "/api/remediations")).status).toBe(200);
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonx",
  ])("takes no POST declared as %s, which a form of another site could send", async (type) => {
    const headers = { ...(await app.headers()), "content-type": type };
    const { status, headers: answered } = await app.request("POST", RUNS, body, headers);
    expect(status).toBe(415);
    expect(answered.get("set-cookie")).toBeNull();
    const right = { ...headers, "content-type": "Application/JSON; charset=utf-8" };
    expect((await app.request("POST", RUNS, body, right)).status).toBe(202);
  });

  it("takes no cookie for a word, and sets none", async () => {
    const headers = { ...KEY, cookie: `AppServiceAuthSession=${await app.entra.token()}` };
    const { status, headers: answered } = await app.request("GET", "/api/remediations", undefined, headers);
    expect(status).toBe(401);
    expect(answered.get("set-cookie")).toBeNull();
  });

  it("says to the world that it is well, and more only to readers", async () => {
    const health = async (headers: Record<string, string>) =>
      app.request("GET", "/api/health", undefined, headers);
    expect(await health(KEY)).toMatchObject({ status: 200, json: { status: "ok" } });
    expect((await health(KEY)).json).toEqual({ status: "ok" });
    const runner = await app.headers({ of: bearing("person", "Reflex.Run", "Reflex.Admin") });
    expect((await health(runner)).json).toEqual({ status: "ok" });
    const reader = await app.headers({ of: bearing("application", "Reflex.Read") });
    expect((await health(reader)).json).toMatchObject({
      status: "ok",
      ceiling: "enforce",
      held: false,
      pauses: [],
      configuration: expect.any(String),
      build: expect.any(String),
      clusters: [{ name: "prod" }],
    });
    expect((await health(await app.headers({ signing: "none" }))).status).toBe(401);
  });

  it("keeps the idempotency keys of two callers apart", async () => {
    const target = { ...body.target, name: "web-1" };
    const run = async (name: "ada" | "grace") => {
      const of = LOCAL_PRINCIPALS[name];
      const headers = {
        ...(await app.headers(of === undefined ? {} : { of })),
        "idempotency-key": "incident-7",
      };
      return app.request("POST", RUNS, { ...body, target }, headers);
    };
    const [first, same, other] = [await run("ada"), await run("ada"), await run("grace")];
    expect(first.json["requestedBy"]).toMatchObject({ who: "Ada (local)" });
    expect(same.json["id"]).toBe(first.json["id"]);
    expect(other.status).toBe(202);
    expect(other.json["id"]).not.toBe(first.json["id"]);
  });

  it("says 503, not 401, where the issuer cannot be reached", async () => {
    await app.kill();
    await app.startApp();
    app.entra.answerKeys({ status: 503 });
    const answer = await app.request("GET", "/api/remediations");
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("5");
    app.entra.answerKeys(null);
    expect((await app.request("GET", "/api/remediations")).status).toBe(200);
  });
});

function pod(name: string): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", labels: { app: "web" }, creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { nodeName: "n1", containers: [{ name: "c", image: "registry.example/web:1" }] },
    status: { phase: "Running" },
  };
}

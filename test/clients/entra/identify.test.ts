import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type EntraStandIn,
  LOCAL_AUDIENCE,
  LOCAL_PRINCIPALS,
  LOCAL_TENANT,
  type Principal,
  startEntra,
  type TokenRequest,
} from "../../../local/entra/index.ts";
import { entraSettings } from "../../../src/clients/entra/entra-settings.ts";
import { type Identify, openIdentify } from "../../../src/clients/entra/identify.ts";
import { Refused, Retryable } from "../../../src/model/errors.ts";

const NOW = new Date("2026-03-02T08:00:00.000Z");
const SECOND = NOW.getTime() / 1000;
const OTHER_TENANT = "99999999-9999-4999-8999-999999999999";
const GROUP = "B0B0B0B0-2222-4222-8222-000000000001";
const EASY_AUTH = { WEBSITE_AUTH_ENABLED: "True", REFLEX_TRUST_EASY_AUTH: "true" };

let entra: EntraStandIn;
beforeAll(async () => {
  entra = await startEntra({ now: () => NOW });
});
afterAll(() => entra.stop());
beforeEach(() => entra.answerKeys(null));

function open(more: Record<string, string> = {}): Identify {
  const env: Record<string, string> = { ...entra.settings, ...more };
  return openIdentify(
    entraSettings((name) => env[name]),
    { now: () => NOW },
  );
}

const bearer = async (request?: TokenRequest) =>
  new Headers({ authorization: `Bearer ${await entra.token(request)}` });

function principal(name: "ada" | "pipeline"): Principal {
  const found = LOCAL_PRINCIPALS[name];
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

describe("a bearer token", () => {
  it("tells a person with roles and groups; roles of other products count for nothing", async () => {
    const ada = { ...principal("ada"), roles: ["Reflex.Read", "Reflex.Root", "Admin"], groups: [GROUP] };
    expect(await open()(await bearer({ of: ada }))).toEqual({
      id: `${LOCAL_TENANT}/${ada.oid}`,
      name: "Ada (local)",
      kind: "person",
      roles: ["Reflex.Read"],
      groups: [GROUP.toLowerCase()],
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ["by idtyp, whatever else it says", { scp: "access_as_user", idtyp: "app" }],
    ["without idtyp, by having no scope", { idtyp: undefined }],
  ])("tells an application %s", async (_how, claims) => {
    const caller = await open()(await bearer({ of: principal("pipeline"), claims }));
    expect(caller).toMatchObject({ kind: "application", roles: ["Reflex.Read", "Reflex.Run"] });
  });

  it.each<[string, TokenRequest, RegExp]>([
    [
      "of a foreign tenant",
      { claims: { iss: `https://login.microsoftonline.com/${OTHER_TENANT}/v2.0`, tid: OTHER_TENANT } },
      /another tenant/,
    ],
    [
      "that names a foreign tenant under the right issuer",
      { claims: { tid: OTHER_TENANT } },
      /another tenant/,
    ],
    ["of a wrong issuer", { claims: { iss: "https://evil.example/v2.0" } }, /another tenant/],
    [
      "of an issuer that only begins rightly",
      { claims: { iss: `https://login.microsoftonline.com/${LOCAL_TENANT}/v2.0/x` } },
      /another tenant/,
    ],
    [
      "of version 1",
      { claims: { iss: `https://sts.windows.net/${LOCAL_TENANT}/`, ver: "1.0" } },
      /version 1/,
    ],
    ["for another audience", { claims: { aud: "https://management.azure.com" } }, /another application/],
    ["without an audience", { claims: { aud: undefined } }, /claim aud is missing/],
    ["that has expired", { claims: { exp: SECOND - 61 } }, /expired/],
    ["that does not hold yet", { claims: { nbf: SECOND + 61 } }, /not hold yet/],
    ["without an end", { claims: { exp: undefined } }, /claim exp is missing/],
    ["without a beginning", { claims: { iat: undefined } }, /claim iat is missing/],
    ["without an object id", { claims: { oid: undefined } }, /claim oid is missing/],
    ["whose object id is none", { claims: { oid: "ada" } }, /claim oid/],
    ["whose roles are no list", { claims: { roles: "Reflex.Admin" } }, /claim roles/],
    ["that is an ID token", { claims: { scp: undefined, azp: undefined } }, /no access token/],
    ["with alg none", { signing: "none" }, /RS256/],
    ["with the public key as the secret of HS256", { signing: "HS256 with the public key" }, /RS256/],
    ["signed by another key under the right name", { signing: "another key" }, /not signed by the issuer/],
    ["signed by a key that nobody published", { signing: "unknown key" }, /not signed by the issuer/],
  ])("%s is refused, and the same one as it should be is not", async (_what, request, words) => {
    const identify = open();
    const headers = await bearer(request);
    const refused = await identify(headers).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Refused);
    const { message, advice } = refused as Refused;
    expect(message).toMatch(words);
    expect(advice).not.toBe("");
    for (const part of (headers.get("authorization") ?? "").split(/[ .]/)) {
      if (part.length > 10) expect(message + advice).not.toContain(part);
    }
    expect(await identify(await bearer())).toMatchObject({ name: "Ada (local)" });
  });

  it("is given a minute for clocks that differ, and no more", async () => {
    const claims = { exp: SECOND - 59, nbf: SECOND + 59 };
    expect(await open()(await bearer({ claims }))).not.toBeNull();
  });

  it.each([
    "Basic YTpi",
    "Bearer",
    "Bearer a b",
    "Bearer not-a-token",
    `Bearer ${"a".repeat(40_000)}`,
    "Bearer ..",
    "Bearer e30.e30.",
  ])("that is none is refused: %.20s", async (authorization) => {
    await expect(open()(new Headers({ authorization }))).rejects.toBeInstanceOf(Refused);
  });

  it("is for any of several audiences", async () => {
    const identify = open({ REFLEX_AUDIENCE: `api://reflex, ${LOCAL_AUDIENCE.toUpperCase()}` });
    expect(await identify(await bearer())).not.toBeNull();
    expect(await identify(await bearer({ claims: { aud: "api://reflex" } }))).not.toBeNull();
  });

  it("is nobody's where there is none", async () => {
    expect(await open()(new Headers({ cookie: "AppServiceAuthSession=x" }))).toBeNull();
  });
});

describe("the keys of the issuer", () => {
  it("are read once for many tokens", async () => {
    const identify = open();
    const before = entra.keyReads;
    await Promise.all([1, 2, 3].map(async () => identify(await bearer())));
    await identify(await bearer());
    expect(entra.keyReads).toBe(before + 1);
  });

  it.each([
    ["a fault", () => ({ status: 503 })],
    [
      "a redirect, which is not followed",
      () => ({ status: 302, location: entra.settings["REFLEX_ISSUER_KEYS"] ?? "" }),
    ],
  ])("that cannot be had are no reason to refuse a caller: %s", async (_what, how) => {
    const identify = open();
    const before = entra.keyReads;
    entra.answerKeys(how());
    const error = await identify(await bearer()).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(Retryable);
    expect(entra.keyReads).toBe(before + 1);
    entra.answerKeys(null);
    expect(await identify(await bearer())).not.toBeNull();
  });

  it("that never come end the wait", async () => {
    entra.answerKeys("hang");
    await expect(open()(await bearer())).rejects.toBeInstanceOf(Retryable);
  }, 20_000);

  it("behind an address where nobody listens are no reason either", async () => {
    const identify = open({ REFLEX_ISSUER_KEYS: "http://127.0.0.1:9/keys" });
    await expect(identify(await bearer())).rejects.toBeInstanceOf(Retryable);
  });
});

describe("the platform's header", () => {
  const ISSUER = `https://login.microsoftonline.com/${LOCAL_TENANT}/v2.0`;
  const claims = {
    iss: ISSUER,
    aud: LOCAL_AUDIENCE,
    "http://schemas.microsoft.com/identity/claims/tenantid": LOCAL_TENANT,
    "http://schemas.microsoft.com/identity/claims/objectidentifier": principal("ada").oid,
    roles: "Reflex.Read",
    name: "Ada",
    preferred_username: "ada@local.example",
  };
  const header = (over: Record<string, string | undefined> = {}, auth_typ = "aad") => {
    const list = Object.entries({ ...claims, ...over }).flatMap(([typ, val]) =>
      val === undefined ? [] : [{ typ, val }],
    );
    const text = JSON.stringify({ auth_typ, name_typ: "name", role_typ: "roles", claims: list });
    return new Headers({ "x-ms-client-principal": Buffer.from(text).toString("base64") });
  };

  it("counts where the platform writes it and the operator wants it", async () => {
    expect(await open(EASY_AUTH)(header())).toEqual({
      id: `${LOCAL_TENANT}/${principal("ada").oid}`,
      name: "Ada",
      kind: "person",
      roles: ["Reflex.Read"],
      groups: [],
    });
  });

  it.each<[string, Record<string, string>]>([
    ["the platform does not sign in", { REFLEX_TRUST_EASY_AUTH: "true" }],
    ["the platform says false", { REFLEX_TRUST_EASY_AUTH: "true", WEBSITE_AUTH_ENABLED: "False" }],
    ["the operator has not asked for it", { WEBSITE_AUTH_ENABLED: "True" }],
    ["the operator says no", { WEBSITE_AUTH_ENABLED: "True", REFLEX_TRUST_EASY_AUTH: "false" }],
  ])("is as if not sent where %s", async (_what, env) => {
    expect(await open(env)(header())).toBeNull();
    expect(await open(EASY_AUTH)(header())).not.toBeNull();
  });

  it.each<[string, Headers]>([
    ["of another way to sign in", header({}, "google")],
    ["of another tenant", header({ "http://schemas.microsoft.com/identity/claims/tenantid": OTHER_TENANT })],
    ["that names two tenants", header({ tid: OTHER_TENANT })],
    ["without a tenant", header({ "http://schemas.microsoft.com/identity/claims/tenantid": undefined })],
    ["of another issuer", header({ iss: "https://evil.example" })],
    ["without an issuer", header({ iss: undefined })],
    ["for another app", header({ aud: OTHER_TENANT })],
    ["without an audience", header({ aud: undefined })],
    [
      "without an object id",
      header({ "http://schemas.microsoft.com/identity/claims/objectidentifier": undefined }),
    ],
    ["that is no base64", new Headers({ "x-ms-client-principal": "{}" })],
    ["that is huge", new Headers({ "x-ms-client-principal": "a".repeat(50_000) })],
  ])("is as if not sent: one %s", async (_what, headers) => {
    expect(await open(EASY_AUTH)(headers)).toBeNull();
  });

  it("makes nobody a person who has no name to sign in with", async () => {
    expect(await open(EASY_AUTH)(header({ preferred_username: undefined }))).toMatchObject({
      kind: "application",
    });
    expect(await open(EASY_AUTH)(header({ idtyp: "app" }))).toMatchObject({ kind: "application" });
  });

  it("is not looked at beside a token, good or bad", async () => {
    const identify = open(EASY_AUTH);
    const both = header();
    both.set("authorization", (await bearer({ of: principal("pipeline") })).get("authorization") ?? "");
    expect(await identify(both)).toMatchObject({ name: "Pipeline (local)" });
    both.set("authorization", (await bearer({ signing: "none" })).get("authorization") ?? "");
    await expect(identify(both)).rejects.toBeInstanceOf(Refused);
  });
});

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EntraStandIn, startEntra } from "../../local/entra/index.ts";
import { Unauthenticated } from "../../src/functions/problem.ts";
import { type ApiServer, KEY, startApi } from "./api-server.ts";
import { reflex } from "./terminal.ts";

const TENANT = "7e0a4c12-5d3b-4f86-9a1e-2b6c8d0f1357";
const AUDIENCE = "api://reflex";
const TOKEN = "aaaa.bbbb.cccc";

let api: ApiServer;
let entra: EntraStandIn;
beforeEach(async () => {
  api = await startApi();
  entra = await startEntra();
  api.answer = () => ({ status: 200, json: { remediations: [], next: null } });
});
afterEach(async () => {
  await api.close();
  await entra.stop();
});

const local = (url: string, token = entra.tokenUrl) => ({
  ".reflex/local.json": JSON.stringify({
    url,
    key: KEY,
    token,
    events: "Endpoint=sb://127.0.0.1:1",
    hub: "alerts",
  }),
});
const sent = () => api.asked.at(-1)?.headers["authorization"];
/** The claims of the token that was sent last. */
const claims = (): unknown => {
  const [, body = ""] = String(sent()).split(".");
  return JSON.parse(Buffer.from(body, "base64url").toString());
};

describe("the token that reflex sends", () => {
  it("is that of REFLEX_TOKEN", async () => {
    const env = { ...api.env, REFLEX_TOKEN: TOKEN, REFLEX_TENANT: TENANT, REFLEX_AUDIENCE: AUDIENCE };
    expect((await reflex(["list"], { env })).code).toBe(0);
    expect(sent()).toBe(`Bearer ${TOKEN}`);
  });

  it("is else asked of the Azure CLI, for the app's tenant and audience", async () => {
    const asked: string[][] = [];
    const azureToken = (...given: string[]) => {
      asked.push(given);
      return Promise.resolve(TOKEN);
    };
    const env = { ...api.env, REFLEX_TENANT: TENANT, REFLEX_AUDIENCE: `${AUDIENCE}, other` };
    expect((await reflex(["list"], { env, azureToken })).code).toBe(0);
    expect(sent()).toBe(`Bearer ${TOKEN}`);
    expect(asked).toEqual([[TENANT, "api://reflex/.default"]]);
  });

  it("is a local start's own for that start, whoever else the environment names", async () => {
    const env = { REFLEX_TOKEN: TOKEN };
    expect((await reflex(["list"], { env, files: local(api.url) })).code).toBe(0);
    expect(claims()).toMatchObject({ name: "Ada (local)" });
    const named = { REFLEX_URL: api.url.replace("127.0.0.1", "localhost"), REFLEX_AS: "grace" };
    expect((await reflex(["list"], { env: named, files: local(api.url) })).code).toBe(0);
    expect(claims()).toMatchObject({ name: "Grace (local)" });
  });

  it("is no local start's for another address", async () => {
    const files = local("http://localhost:7071/");
    expect((await reflex(["list"], { env: api.env, files })).code).toBe(0);
    expect(sent()).toBeUndefined();
  });

  it("does not follow a redirect, nor go anywhere but to the address", async () => {
    const hosts: string[] = [];
    const fetch: typeof globalThis.fetch = (url, init) => {
      hosts.push(new URL(String(url)).host);
      return globalThis.fetch(url, init);
    };
    api.answer = () => ({ status: 302, json: {} });
    const { code } = await reflex(["list"], { env: { ...api.env, REFLEX_TOKEN: TOKEN }, fetch });
    expect(code).toBe(1);
    expect(hosts).toEqual([new URL(api.url).host]);
    expect(api.asked).toHaveLength(1);
  });

  it("is not even asked for where the way there can be read by others", async () => {
    let asked = 0;
    const azureToken = () => {
      asked += 1;
      return Promise.resolve(TOKEN);
    };
    const env = { REFLEX_URL: "http://example.org", REFLEX_TENANT: TENANT, REFLEX_AUDIENCE: AUDIENCE };
    expect(await reflex(["list"], { env, azureToken })).toMatchObject({ code: 2 });
    expect(asked).toBe(0);
  });
});

describe("a token that cannot be had", () => {
  it.each<[string, Record<string, string>, number, RegExp]>([
    [
      "that is none",
      { REFLEX_TOKEN: "Bearer a\nb" },
      2,
      /REFLEX_TOKEN is no access token; set it to the token alone/,
    ],
    ["for no tenant", { REFLEX_AUDIENCE: AUDIENCE }, 2, /REFLEX_TENANT is not set/],
    ["for no audience", { REFLEX_TENANT: TENANT }, 2, /REFLEX_AUDIENCE is not set/],
    [
      "of nobody who is signed in",
      { REFLEX_TENANT: TENANT, REFLEX_AUDIENCE: AUDIENCE },
      1,
      /the Azure CLI gives no token \(Please run 'az login'.*\); sign in with `az login --tenant 7e0a/,
    ],
  ])("%s is told in one sentence, and nothing is asked", async (_what, env, code, sentence) => {
    const ran = await reflex(["list"], { env: { ...api.env, ...env } });
    expect(ran).toMatchObject({ code, out: "" });
    expect(ran.err).toMatch(sentence);
    expect(ran.err).toMatch(/^reflex: [^\n]+\n$/);
    expect(api.asked).toEqual([]);
  });

  it("is told where the local start knows nobody of that name, or gives none", async () => {
    const env = { REFLEX_AS: "eve" };
    expect(await reflex(["list"], { env, files: local(api.url) })).toMatchObject({
      code: 2,
      err: "reflex: the local start knows no eve; set REFLEX_AS to ada, grace or pipeline.\n",
    });
    const wrong = await reflex(["list"], { files: local(api.url, `${entra.url}/elsewhere`) });
    expect(wrong).toMatchObject({
      code: 1,
      err: expect.stringContaining("gives no token at http://127.0.0.1:"),
    });
    const dead = await reflex(["list"], { files: local(api.url, "http://127.0.0.1:9/token") });
    expect(dead).toMatchObject({ code: 1, err: expect.stringContaining("start it again with `npm start`") });
    const stolen = await reflex(["list"], { files: local(api.url, "https://evil.example/token") });
    expect(stolen).toMatchObject({
      code: 2,
      err: expect.stringContaining("is not as `npm start` writes it"),
    });
    expect(api.asked).toEqual([]);
  });

  it("tells a person how to sign in, and passes on what the app says of a token", async () => {
    api.answer = ({ headers }) => {
      const hadToken = headers["authorization"] !== undefined;
      throw new Unauthenticated("The token has expired.", "Get a new one.", { hadToken });
    };
    expect((await reflex(["list"], { env: api.env })).err).toBe(
      "reflex: The token has expired. Set REFLEX_TOKEN, or sign in with `az login` and set REFLEX_TENANT and REFLEX_AUDIENCE as the app has them.\n",
    );
    const { err } = await reflex(["list"], { env: { ...api.env, REFLEX_TOKEN: TOKEN } });
    expect(err).toBe("reflex: The token has expired. Get a new one.\n");
  });
});

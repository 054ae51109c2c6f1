import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type EntraStandIn, startEntra } from "../../local/entra/index.ts";
import { type ApiServer, KEY, startApi } from "./api-server.ts";
import { HOSTILE, reflex, unsafeIn } from "./terminal.ts";

let api: ApiServer;
let entra: EntraStandIn;
beforeAll(async () => {
  entra = await startEntra();
});
afterAll(() => entra.stop());
beforeEach(async () => {
  api = await startApi();
  api.answer = () => ({ status: 200, json: { remediations: [], next: null } });
});
afterEach(() => api.close());

const local = (url: string, key = KEY) => ({
  ".reflex/local.json": JSON.stringify({
    url,
    key,
    token: entra.tokenUrl,
    events: "Endpoint=sb://127.0.0.1:1",
    hub: "alerts",
  }),
});

describe("where reflex finds the API", () => {
  it("is the option, before the environment, before the local start", async () => {
    const nowhere = "http://127.0.0.1:9";
    const byOption = ["list", "--url", `${api.url}/`];
    expect((await reflex(byOption, { env: { REFLEX_URL: nowhere, REFLEX_KEY: KEY } })).code).toBe(0);
    expect((await reflex(["list"], { env: api.env, files: local(nowhere) })).code).toBe(0);
    expect((await reflex(["list"], { env: { REFLEX_URL: "" }, files: local(api.url) })).code).toBe(0);
    expect(api.asked).toHaveLength(3);
  });

  it("takes the key of a local start for that start only", async () => {
    const same = await reflex(["list", "--url", api.url], { files: local(api.url) });
    expect(same.code).toBe(0);
    const otherName = await reflex(["list", "--url", api.url], {
      files: local(api.url.replace("127.0.0.1", "localhost")),
    });
    expect(otherName.code).toBe(0);
    const other = await reflex(["list", "--url", api.url], { files: local("http://localhost:7071/") });
    expect(other).toMatchObject({ code: 1, out: "" });
    expect(other.err).toBe(`reflex: ${api.url}/ wants a key; set REFLEX_KEY to a function key of the app.\n`);
    expect(api.asked.at(-1)?.headers).not.toHaveProperty("x-functions-key");
  });

  it("keeps a path of the address", async () => {
    await reflex(["list", "--url", `${api.url}/behind/proxy`], { env: { REFLEX_KEY: KEY } });
    expect(api.asked[0]?.path).toBe("/behind/proxy/api/remediations");
  });

  it.each<[string, Record<string, string>, Record<string, string>, RegExp]>([
    ["nowhere", {}, {}, /no address of the API: set REFLEX_URL .* or run `npm start`/],
    ["no URL", { REFLEX_URL: "myapp" }, {}, /"myapp" is no URL/],
    ["http to another machine", { REFLEX_URL: "http://example.org", REFLEX_KEY: "k" }, {}, /use https/],
    ["another protocol", { REFLEX_URL: "file:///etc/passwd" }, {}, /use https/],
    ["a password in it", { REFLEX_URL: "https://a:secret@example.org" }, {}, /holds a password/],
    [
      "a spoilt local file",
      {},
      { ".reflex/local.json": "{" },
      /\.reflex\/local\.json is not as `npm start` writes it/,
    ],
  ])("answers 2: %s", async (_name, env, files, sentence) => {
    const { code, out, err } = await reflex(["list"], { env, files });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(sentence);
    expect(err).not.toContain("secret");
  });
});

describe("an API that does not answer well", () => {
  it("that nobody runs is named, with what to start", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { code, out, err } = await reflex(["list"], { files: local(`http://127.0.0.1:${port}`) });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toBe(
      `reflex: nothing answers at http://127.0.0.1:${port}/ (ECONNREFUSED); start the app with \`npm start\`, or set REFLEX_URL to where it runs.\n`,
    );
  });

  it("that is silent ends after a minute, and says whether to ask again or to look first", async () => {
    const signals: (AbortSignal | null | undefined)[] = [];
    const fetch: typeof globalThis.fetch = async (_url, init) => {
      signals.push(init?.signal);
      throw new DOMException("The operation was aborted due to timeout", "TimeoutError");
    };
    const listed = await reflex(["list"], { env: api.env, fetch });
    expect(listed).toMatchObject({ code: 1, err: expect.stringContaining("within 60 seconds; ask again") });
    const reverted = await reflex(["revert", "abc", "--reason", "r"], { env: api.env, fetch });
    expect(reverted).toMatchObject({ code: 1, err: expect.stringContaining("look with `reflex list`") });
    expect(signals.every((signal) => signal instanceof AbortSignal)).toBe(true);
  });

  it("that refuses the key says which setting to look at", async () => {
    const { code, err } = await reflex(["list"], { env: { ...api.env, REFLEX_KEY: "another" } });
    expect(code).toBe(1);
    expect(err).toBe(`reflex: ${api.url}/ refused the key; set REFLEX_KEY to a function key of the app.\n`);
  });

  it("that sends on to another address never gets the key there", async () => {
    api.answer = () => ({ status: 302, json: {} });
    const { code, err } = await reflex(["list"], { env: api.env });
    expect(code).toBe(1);
    expect(err).toContain("sends on to another address; set REFLEX_URL");
    expect(api.asked).toHaveLength(1);
  });

  it.each<[number, string, RegExp]>([
    [404, "", /there is no API of defender-reflex at/],
    [502, "<html>bad gateway</html>", /answered 502 without a reason/],
    [200, "<html>hello</html>", /does not answer as defender-reflex does/],
    [200, '{"items":[]}', /not one that this version understands/],
    [200, '{"remediations":[{"id":1}],"next":null}', /not one that this version understands/],
  ])("is told in one sentence: %i %s", async (status, raw, sentence) => {
    api.answer = () => ({ status, raw });
    const { code, out, err } = await reflex(["list"], { env: api.env });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(sentence);
    expect(err).toMatch(/^reflex: [^\n]+\.\n$/);
  });

  it("cannot write to the terminal through its problem details", async () => {
    api.answer = () => ({ status: 422, json: { detail: HOSTILE, advice: HOSTILE } });
    const { code, err } = await reflex(["list"], { env: api.env });
    expect(code).toBe(1);
    expect(unsafeIn(err)).toEqual([]);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });
});

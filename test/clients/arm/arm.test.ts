import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ArmStandIn } from "../../../local/arm/index.ts";
import { armEndpoint } from "../../../src/clients/arm/arm-endpoint.ts";
import { armPath, armSegment } from "../../../src/clients/arm/arm-path.ts";
import { type Arm, createArm, openArmAccess } from "../../../src/clients/arm/index.ts";
import { Permanent, Retryable } from "../../../src/model/errors.ts";
import { armBench, credentialOf } from "./arm-bench.ts";
import { FAULTS, SHORT_MS } from "./faults.ts";

const ID = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/shop";
const TAGS = `${ID}/providers/Microsoft.Resources/tags/default`;
const VERSION = "2023-07-01";

let arm: ArmStandIn;
let client: Arm;
let credential: ReturnType<typeof credentialOf>;

beforeAll(async () => {
  const made = await armBench({ timeoutMs: SHORT_MS });
  ({ arm, credential } = made);
  client = createArm(made.access);
  arm.documents.setTags(ID, { team: "shop" });
  // The first call loads the library.
  await createArm(openArmAccess({ credential, endpoint: arm.url, allowLoopback: true })).get(TAGS, VERSION);
});
afterAll(() => arm.stop());

describe("the client of Resource Manager", () => {
  it("gets a resource by its id, with the version and the token", async () => {
    const before = arm.requests.length;
    expect(await client.get(TAGS, VERSION)).toMatchObject({ properties: { tags: { team: "shop" } } });
    expect(arm.requests.slice(before)).toMatchObject([
      { method: "GET", path: TAGS, apiVersion: VERSION, status: 200 },
    ]);
  });

  it("gives null for what Azure says is not there", async () => {
    const other = TAGS.replace("shop", "nobody");
    expect(await client.get(other, VERSION)).toBeNull();
  });

  it("raises Permanent where what is not there was posted to", async () => {
    await expect(client.post(ID, "nothing", VERSION, {})).rejects.toThrow(/404 \(InvalidResourceType\)/);
  });

  it("posts a body and reads the answer", async () => {
    const query = { query: "resources | take 1" };
    const posted = client.post("/providers/Microsoft.ResourceGraph", "resources", "2022-10-01", query);
    await expect(posted).rejects.toThrow(/400 \(InvalidQuery\)/);
    expect(arm.requests.at(-1)).toMatchObject({ method: "POST", body: query });
  });

  it("takes one token for many calls", async () => {
    const before = credential.asked;
    for (let n = 0; n < 5; n++) await client.get(TAGS, VERSION);
    expect(credential.asked - before).toBeLessThanOrEqual(1);
  });

  describe.each(FAULTS)("on $name", ({ answer, kind, retryAfterMs, says, requests: most = 1 }) => {
    it(`raises our ${kind} error after ${most} requests at most and no second token`, async () => {
      await client.get(TAGS, VERSION);
      const [requests, tokens] = [arm.requests.length, arm.tokens];
      arm.faults.add({ match: { path: "tags" }, answer, times: most });
      const raised = await client.get(TAGS, VERSION).then(
        () => null,
        (error: unknown) => error,
      );
      expect(raised).toBeInstanceOf(kind === "retryable" ? Retryable : Permanent);
      expect(String(raised)).toMatch(says);
      if (retryAfterMs !== undefined) expect(raised).toMatchObject({ retryAfterMs });
      expect(arm.requests.length - requests).toBe(most);
      expect(arm.tokens - tokens).toBe(0);
      expect(arm.faults.pending).toBe(0);
    });
  });

  it("asks again once, over a new connection, where a connection closed under a question", async () => {
    const before = arm.requests.length;
    arm.faults.add({ match: { path: "tags" }, answer: { kind: "lost-answer" } });
    expect(await client.get(TAGS, VERSION)).toMatchObject({ name: "default" });
    expect(arm.requests.length - before).toBe(2);
  });

  it("never sends again what acts: whether the first came through cannot be known", async () => {
    const before = arm.requests.length;
    arm.faults.add({ answer: { kind: "lost-answer" } });
    await expect(client.post(ID, "validate", VERSION, {})).rejects.toBeInstanceOf(Retryable);
    expect(arm.requests.length - before).toBe(1);
  });

  it("does not pass on what Azure's error says, since it may quote what was sent", async () => {
    const body = { error: { code: "Bad", message: "the password is hunter2" } };
    arm.faults.add({ answer: { kind: "status", status: 400, body } });
    const raised = await client.get(TAGS, VERSION).catch((error: unknown) => error);
    expect(raised).toBeInstanceOf(Permanent);
    expect(JSON.stringify([String(raised), raised, (raised as Error).cause])).not.toContain("hunter2");
  });

  it("raises Retryable where the machine behind the address is not there", async () => {
    const gone = openArmAccess({ credential, endpoint: "http://127.0.0.1:9", allowLoopback: true });
    await expect(createArm(gone).get(TAGS, VERSION)).rejects.toBeInstanceOf(Retryable);
  });

  it("ends a call whose credential hangs", async () => {
    const hangs = { getToken: () => new Promise<never>(() => {}) };
    const access = openArmAccess({
      credential: hangs,
      endpoint: arm.url,
      allowLoopback: true,
      timeoutMs: 300,
    });
    await expect(createArm(access).get(TAGS, VERSION)).rejects.toThrow(/no answer in time/);
  });

  it("calls a missing token by its name, and whether it may come", async () => {
    const failing = (name: string, more: object) => ({
      getToken: () => Promise.reject(Object.assign(new Error("secret details"), { name }, more)),
    });
    const raisedBy = (name: string, more: object) =>
      createArm(openArmAccess({ credential: failing(name, more), endpoint: arm.url, allowLoopback: true }))
        .get(TAGS, VERSION)
        .catch((error: unknown) => error);
    const refused = await raisedBy("AuthenticationError", { statusCode: 400 });
    expect(refused).toBeInstanceOf(Permanent);
    expect(String(refused)).not.toContain("secret");
    expect(await raisedBy("AuthenticationError", { statusCode: 503 })).toBeInstanceOf(Retryable);
    expect(await raisedBy("CredentialUnavailableError", {})).toBeInstanceOf(Retryable);
  });
});

describe("the hosts that may get a token", () => {
  const REFUSED = [
    "https://management.azure.com.evil.example",
    "https://evil.example",
    "http://management.azure.com",
    "https://management.azure.com:8443",
    "https://user@management.azure.com",
    "https://management.azure.com/path",
    "https://127.0.0.1",
    "http://169.254.169.254",
    "http://localhost.evil.example",
    "nothing",
  ];
  it.each(REFUSED)("%s is refused, also where stand-ins are allowed", (address) => {
    expect(() => armEndpoint(address, { allowLoopback: true })).toThrow(Permanent);
  });

  it("are those of the clouds, and loopback only where it is allowed", () => {
    for (const host of [
      "management.azure.com",
      "management.usgovcloudapi.net",
      "management.chinacloudapi.cn",
    ]) {
      expect(armEndpoint(`https://${host}`, { allowLoopback: false })).toMatchObject({
        origin: `https://${host}`,
        scope: `https://${host}/.default`,
        standIn: null,
      });
    }
    expect(armEndpoint(undefined, { allowLoopback: false }).origin).toBe("https://management.azure.com");
    expect(() => armEndpoint("http://127.0.0.1:1234", { allowLoopback: false })).toThrow(Permanent);
    expect(armEndpoint("http://127.0.0.1:1234", { allowLoopback: true }).standIn?.port).toBe("1234");
  });

  it("are checked before a token is asked for", async () => {
    const fresh = credentialOf(arm);
    const access = openArmAccess({ credential: fresh, endpoint: arm.url, allowLoopback: true });
    const sdk = await import("../../../src/clients/arm/sdk.ts");
    const pipeline = sdk.createPipelineFromOptions(access.pipelineOptions);
    pipeline.addPolicy(
      sdk.bearerTokenAuthenticationPolicy({ credential: fresh, scopes: access.endpoint.scope }),
    );
    await access.protect(pipeline);
    const to = async (url: string) =>
      pipeline.sendRequest(await access.httpClient(), sdk.createPipelineRequest({ url, method: "GET" }));
    await expect(to("https://evil.example/subscriptions")).rejects.toThrow(Permanent);
    expect(fresh.asked).toBe(0);
    const allowed = await to(`https://management.azure.com${TAGS}?api-version=${VERSION}`);
    expect([allowed.status, fresh.asked]).toEqual([200, 1]);
  });
});

describe("the path of a resource id", () => {
  const BAD = [
    "",
    "/",
    "subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333",
    "/subscriptions/not-a-guid/resourceGroups/shop",
    "/tenants/x",
    `${ID}/..`,
    `${ID}/../other`,
    `${ID}/.`,
    `${ID}//x`,
    `${ID}/`,
    `${ID}?api-version=1`,
    `${ID}#x`,
    `${ID}/a%2fb`,
    `${ID}/a b`,
    `${ID}/a\nb`,
    `${ID}/a\\b`,
    `${ID}/a\u202eb`,
    `${ID}/a\ud800`,
    `${ID}/${"a".repeat(2_000)}`,
    "https://evil.example/subscriptions",
  ];
  it.each(BAD)("refuses %j", async (id) => {
    expect(() => armPath(id)).toThrow(Permanent);
    const before = arm.requests.length;
    await expect(client.get(id, VERSION)).rejects.toBeInstanceOf(Permanent);
    expect(arm.requests.length).toBe(before);
  });

  it("encodes what a name may hold", () => {
    expect(armPath(`${ID}/providers/A.B/c/d(e)ü@:;`)).toBe(`${ID}/providers/A.B/c/d(e)%C3%BC%40%3A%3B`);
    expect(() => armSegment("a/b")).toThrow(Permanent);
  });

  it("never leads to another resource than the id names", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", minLength: 1 }), { maxLength: 6 }), (names) => {
        const id = [ID, ...names].join("/");
        let path: string;
        try {
          path = armPath(id);
        } catch (error) {
          expect(error).toBeInstanceOf(Permanent);
          return;
        }
        const url = new URL(`https://management.azure.com${path}?api-version=1`);
        expect(url.search).toBe("?api-version=1");
        expect(url.hash).toBe("");
        expect(url.pathname.split("/").map(decodeURIComponent).join("/")).toBe(id);
      }),
    );
  });
});

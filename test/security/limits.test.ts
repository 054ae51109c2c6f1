import { createServer, type Server } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKubernetes } from "../../src/clients/kubernetes/index.ts";
import { bodyJson } from "../../src/functions/body-json.ts";
import { BadRequest } from "../../src/functions/problem.ts";
import { readSources } from "../floors/source-files.ts";

/** What a text of a body comes to: the value, or the status of the refusal. */
function outcome(text: string): unknown {
  try {
    return { value: bodyJson(text) };
  } catch (error) {
    if (error instanceof BadRequest) return error.status;
    throw error;
  }
}

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

describe("the body of a request", () => {
  it.each([
    ["{}", { value: {} }],
    ['{"target":{"kind":"pod"},"reason":"x"}', { value: { target: { kind: "pod" }, reason: "x" } }],
    [nested(32), { value: JSON.parse(nested(32)) }],
    [nested(33), 400],
    ["[".repeat(30_000) + "]".repeat(30_000), 400],
    ['{"__proto__":{"admin":true}}', 400],
    ['{"a":[{"constructor":{"prototype":{}}}]}', 400],
    ['{"a":{"prototype":1}}', 400],
    ['{"\\u005f_proto__":1}', 400],
    ['"__proto__"', { value: "__proto__" }],
    [`"${"x".repeat(64 * 1024 - 2)}"`, { value: "x".repeat(64 * 1024 - 2) }],
    [`"${"x".repeat(64 * 1024 - 1)}"`, 413],
    [`"${"語".repeat(22_000)}"`, 413],
    ["", 400],
    ["{", 400],
  ])("is read within its bounds, or refused: %#", (text, expected) => {
    expect(outcome(text)).toEqual(expected);
  });

  it("is read within its bounds, and nothing in it names the prototype of anything", () => {
    const key = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "prototype", "a"));
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 6 },
        fc.jsonValue(),
        fc.array(tie("any"), { maxLength: 3 }),
        fc.array(fc.tuple(key, tie("any")), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
      ),
    })).any;
    fc.assert(
      fc.property(value, (sent) => {
        const text = JSON.stringify(sent);
        const refused = /"(?:__proto__|constructor|prototype)":/.test(text.replaceAll('\\"', ""));
        expect(typeof outcome(text)).toBe(refused ? "number" : "object");
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("our own sources", () => {
  it("make no regular expression of text from outside", () => {
    const made = readSources(".", ["src", "cli"]).flatMap(({ path, text }) =>
      [...text.matchAll(/\bRegExp\(|\.(?:match|matchAll|search)\((?!\/|[A-Z_]+[),])/g)].map(
        ([found]) => `${path}: ${found}`,
      ),
    );
    expect(made).toEqual([]);
    const sample =
      "new RegExp(text); text.match(other); text.match(/a/); text.matchAll(GROUPS); text.search(x)";
    expect(sample.match(/\bRegExp\(|\.(?:match|matchAll|search)\((?!\/|[A-Z_]+[),])/g)).toHaveLength(3);
  });
});

describe("a cluster that never stops answering", () => {
  let server: Server;
  let port = 0;
  let sent = 0;
  beforeAll(async () => {
    const chunk = Buffer.alloc(1024 * 1024, " ");
    server = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = (): void => {
        if (response.destroyed) return;
        sent += chunk.length;
        response.write(chunk, more);
      };
      more();
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const address = server.address();
    port = typeof address === "object" ? (address?.port ?? 0) : 0;
  });
  afterAll(() => {
    server.closeAllConnections();
    return new Promise((closed) => server.close(closed));
  });

  it("is heard for 64 MiB and no more", async () => {
    const kubeconfigText = JSON.stringify({
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      clusters: [{ name: "c", cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: "u", user: { token: "t" } }],
    });
    const { reader } = createKubernetes({ kubeconfigText, context: null });

    await expect(reader.networkPolicies("shop")).rejects.toMatchObject({
      kind: "retryable",
      message: expect.stringContaining("UND_ERR_RES_EXCEEDED_MAX_SIZE"),
    });
    expect(sent).toBeLessThan(100 * 1024 * 1024);
  });
});

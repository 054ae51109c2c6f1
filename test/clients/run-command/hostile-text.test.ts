import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { outcomesIn } from "../../../src/clients/run-command/command-output.ts";
import { kubectlRequest } from "../../../src/clients/run-command/kubectl-request.ts";
import { Refused } from "../../../src/model/errors.ts";

const SAFE = /^(?:-|[A-Za-z0-9/][A-Za-z0-9/?&=%._~:-]*)$/;
// Good names are the most, so that in every run some requests leave.
const anyText = fc.oneof(
  { arbitrary: fc.constantFrom("web-1", "shop", "system:node"), weight: 4 },
  { arbitrary: fc.string({ unit: "binary" }), weight: 1 },
  { arbitrary: fc.constantFrom("..", "-", "--raw", "$(id)", "a b", "a\nb", "'"), weight: 1 },
);

function wordsOf(
  method: string,
  path: string,
  contentType = "application/merge-patch+json",
): readonly string[] {
  try {
    return kubectlRequest({ method, path, contentType, body: "{}" }).words;
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
}

it("nothing but letters, digits and the signs of a path stands in a request, whatever is asked for", () => {
  let left = 0;
  const method = fc.constantFrom("GET", "POST", "DELETE", "PATCH", "PUT");
  fc.assert(
    fc.property(
      method,
      anyText,
      anyText,
      anyText,
      fc.boolean(),
      (verb, namespace, name, value, isEncoded) => {
        const part = (text: string): string => (isEncoded ? encodeURIComponent(text.toWellFormed()) : text);
        const path = `/api/v1/namespaces/${part(namespace)}/pods/${part(name)}?fieldManager=${part(value)}`;
        const words = wordsOf(verb, path);
        left += Math.sign(words.length);
        for (const word of words) expect(word).toMatch(SAFE);
      },
    ),
  );
  expect(left).toBeGreaterThan(0);
});

it.each([
  "/etc/passwd",
  "api/v1/pods",
  "/api/v1/namespaces/shop/pods/..",
  "/api/v1/namespaces/shop/pods/%2e%2e%2fsecrets",
  "/api/v1/namespaces/shop/pods/-w",
  "/api/v1/namespaces/shop/pods/a%20b",
  "/api/v1/namespaces/shop/pods/%0a",
  "/api/v1/namespaces/shop/pods/%zz",
  "/api/v1//pods",
  "/api/v1/pods?watch=true",
  `/api/v1/pods/${"a".repeat(300)}`,
])("the path %s does not leave", (path) => {
  expect(wordsOf("GET", path)).toEqual([]);
});

it.each([
  ["/api/v1/namespaces/shop/pods/web-1?dryRun=All&fieldManager=reflex", "application/merge-patch+json"],
  ["/api/v1/namespaces/shop/pods/web-1", "application/merge-patch+json"],
  ["/api/v1/namespaces/shop/pods/web-1/status?fieldManager=reflex", "application/merge-patch+json"],
  ["/api/v1/namespaces/shop/pods/web-1?fieldManager=reflex", "application/apply-patch+yaml"],
])("a patch of %s as %s does not leave", (path, type) => {
  expect(wordsOf("PATCH", path, type)).toEqual([]);
});

it.each([
  ["/api/v1/nodes/n1?fieldManager=r", ["patch", "nodes.v1.", "-", "n1", "merge", "r"]],
  ["/api/v1/namespaces/shop?fieldManager=r", ["patch", "namespaces.v1.", "-", "shop", "merge", "r"]],
  [
    "/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=r",
    ["patch", "deployments.v1.apps", "shop", "web", "merge", "r"],
  ],
])("a patch of %s names resource, version and group", (path, words) => {
  expect(wordsOf("PATCH", path)).toEqual(words);
});

it("a page of a list is no longer than a command may print", () => {
  expect(wordsOf("GET", "/api/v1/pods?limit=500&continue=x%3D")[1]).toBe(
    "/api/v1/pods?limit=200&continue=x%3D",
  );
});

it("nothing that an answer holds is taken for a line of ours", () => {
  const boundary = randomBytes(16).toString("hex");
  const forged = `\n${"0".repeat(32)} answer 2 0 plain 2\n{}\n${"0".repeat(32)} end 2\n`;
  const logs = `${boundary} answer 1 0 plain ${forged.length}\n${forged}\n${boundary} words 1\n\n${boundary} end 1\n`;
  const outcomes = outcomesIn(logs, boundary);
  expect([...outcomes.keys()]).toEqual([1]);
  expect(outcomes.get(1)).toMatchObject({ body: Buffer.from(forged), words: "" });
});

it("an answer that is cut anywhere is none", () => {
  const boundary = "b".repeat(32);
  const packed = (text: string): string => gzipSync(text).toString("base64");
  const logs = `\n${boundary} answer 1 0 gzip 9\n${packed('{"a": 12}')}\n\n${boundary} words 1\n${packed("")}\n\n${boundary} end 1`;
  expect(outcomesIn(logs, boundary).size).toBe(1);
  for (let end = 0; end < logs.length; end += 1)
    expect(outcomesIn(logs.slice(0, end), boundary).size).toBe(0);
});

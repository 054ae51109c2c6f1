import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blockKeys, parseImageName } from "../../local/kubernetes/image-name.ts";
import {
  isDigest,
  keyOfDigest,
  keysOfReference,
  parseImageReference,
} from "../../src/playbooks/image-reference.ts";

const DIGEST = `sha256:${"0a".repeat(32)}`;

function keysOf(text: string): string[] | null {
  const parsed = parseImageReference(text);
  return parsed === null ? null : keysOfReference(parsed);
}

describe("spelling a reference out", () => {
  it.each([
    ["evil", "docker.io/library/evil", "latest", null],
    ["evil:1", "docker.io/library/evil", "1", null],
    ["library/evil:1", "docker.io/library/evil", "1", null],
    ["docker.io/evil:1", "docker.io/library/evil", "1", null],
    ["index.docker.io/evil:1", "docker.io/library/evil", "1", null],
    ["index.docker.io/library/evil:1", "docker.io/library/evil", "1", null],
    ["team/app", "docker.io/team/app", "latest", null],
    ["localhost/evil:1", "localhost/evil", "1", null],
    ["reg.example:5000/team/app", "reg.example:5000/team/app", "latest", null],
    ["reg.example:5000/team/app:2", "reg.example:5000/team/app", "2", null],
    ["mcr.microsoft.com/app", "mcr.microsoft.com/app", "latest", null],
    [`evil@${DIGEST}`, "docker.io/library/evil", null, DIGEST],
    [`evil:1@${DIGEST}`, "docker.io/library/evil", "1", DIGEST],
  ])("reads %s", (text, repository, tag, digest) => {
    expect(parseImageReference(text)).toEqual({ repository, tag, digest });
  });

  it.each([
    "",
    "EVIL:1",
    "evil:",
    "evil:a b",
    "evil:1\n",
    "a//b",
    "/evil",
    "evil/",
    "evil@sha256:abc",
    "evil@@",
    `evil@${DIGEST}@${DIGEST}`,
    "https://reg.example/evil",
    "evil' || true",
    "../evil",
    "-x.example/evil",
    `evil:${"t".repeat(129)}`,
  ])("takes %j for no reference", (text) => {
    expect(parseImageReference(text)).toBeNull();
  });

  it("knows a digest by its kind and length", () => {
    expect(isDigest(DIGEST)).toBe(true);
    expect(["", "sha256:abc", `sha256:${"0A".repeat(32)}`, `md5:${"0a".repeat(16)}`].some(isDigest)).toBe(
      false,
    );
  });
});

describe("keys of the block list", () => {
  it("names the tag, and the digest where one is written", () => {
    expect(keysOf("evil:1")).toEqual(["docker.io_S_library_S_evil_T_1"]);
    expect(keysOf("reg.example:5000/team/app:2")).toEqual(["reg.example_C_5000_S_team_S_app_T_2"]);
    expect(keysOf(`evil@${DIGEST}`)).toEqual([DIGEST.replace(":", ".")]);
    expect(keysOf(`evil:1@${DIGEST}`)).toEqual(["docker.io_S_library_S_evil_T_1", keyOfDigest(DIGEST)]);
  });

  it("leaves out what is longer than a key may be", () => {
    expect(keysOf(`reg.example/${"a/".repeat(90)}b:1`)).toEqual([]);
    expect(keysOf(`reg.example/${"a".repeat(240)}:1@${DIGEST}`)).toEqual([keyOfDigest(DIGEST)]);
  });

  const part = fc.stringMatching(/^[a-z0-9]{1,4}([._-][a-z0-9]{1,3})?$/);
  const host = fc.constantFrom(
    "",
    "docker.io/",
    "index.docker.io/",
    "localhost/",
    "reg.example/",
    "reg.example:5000/",
    "a/",
  );
  const tag = fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,5}$/), { nil: null });
  const reference = fc
    .tuple(host, fc.array(part, { minLength: 1, maxLength: 3 }), tag, fc.boolean())
    .map(([first, path, named, pinned]) =>
      [first, path.join("/"), named === null ? "" : `:${named}`, pinned ? `@${DIGEST}` : ""].join(""),
    );

  it("are ones that a ConfigMap takes, and that the admission policy looks for", () => {
    fc.assert(
      fc.property(reference, (text) => {
        const keys = keysOf(text);
        expect(keys).not.toBeNull();
        const looked = blockKeys(parseImageName(text));
        expect((keys ?? []).every((key) => /^[-._a-zA-Z0-9]{1,253}$/.test(key) && looked.includes(key))).toBe(
          true,
        );
      }),
      { numRuns: 300 },
    );
  });

  it("are different for different images", () => {
    fc.assert(
      fc.property(reference, reference, (one, other) => {
        const [first, second] = [parseImageReference(one), parseImageReference(other)];
        const [tagged] = first?.tag == null ? [] : keysOfReference(first);
        const [otherTagged] = second?.tag == null ? [] : keysOfReference(second);
        const same = first?.repository === second?.repository && first?.tag === second?.tag;
        expect(tagged !== undefined && tagged === otherTagged).toBe(tagged !== undefined && same);
      }),
      { numRuns: 300 },
    );
  });
});

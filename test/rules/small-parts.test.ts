import { describe, expect, it } from "vitest";
import { armIdWithin, resourceGroupOf, sameArmId } from "../../src/model/arm-id.ts";
import { parseDuration } from "../../src/rules/duration.ts";
import { compileGlob, globFault } from "../../src/rules/glob.ts";
import { imageRepository } from "../../src/rules/image-repository.ts";
import { nearest } from "../../src/rules/nearest.ts";

describe("durations", () => {
  it.each([
    ["30s", 30_000],
    ["10m", 600_000],
    ["8h", 28_800_000],
    ["2d", 172_800_000],
    ["1h30m", 5_400_000],
    ["1d2h3m4s", 93_784_000],
    ["90m", 5_400_000],
    ["0s", 0],
    ["3650d", 315_360_000_000],
  ])("%s is %i ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    "",
    "8",
    "h",
    "8 h",
    "-1h",
    "1.5h",
    "1m1h",
    "1h1h",
    "8H",
    "1w",
    "3650d1s",
    "3651d",
    "1h x",
    "x1h",
    "١h",
  ])("%j is none", (text) => {
    expect(parseDuration(text)).toBeNull();
  });
});

describe("patterns", () => {
  it.each([
    ["lab-*", "lab-", true],
    ["lab-*", "LAB-x", true],
    ["lab-*", "xlab-1", false],
    ["a.b", "a.b", true],
    ["a.b", "axb", false],
    ["a?c", "abc", true],
    ["a?c", "ac", false],
    ["[ab]c", "bc", true],
    ["[ab]c", "cc", false],
    ["[a-c]x", "bx", true],
    ["{a,b}-x", "b-x", true],
    ["{a,b}-x", "c-x", false],
    ["*", ".hidden", true],
    ["*", "a/b", false],
    ["**", "a/b", true],
    ["*", "", false],
    ["*", "a\\b", true],
    ["*", "a".repeat(512), true],
    ["*", "a".repeat(513), false],
  ])("%s on %s: %s", (pattern, text, matched) => {
    expect(compileGlob(pattern)(text)).toBe(matched);
  });

  it.each(["K8S.NODE_*", "{a,b}", "[a-z]x", "a b@c:/d", "*-*-*", "**/x"])("%s can be used", (pattern) => {
    expect(globFault(pattern)).toBeNull();
  });

  it.each([
    ["", "empty pattern"],
    ["!lab", "cannot be read"],
    ["a(b)", "cannot be read"],
    ["a|b", "cannot be read"],
    ["a\\b", "cannot be read"],
    ["{a", "cannot be read"],
    ["a}", "cannot be read"],
    ["[a", "cannot be read"],
    ["a]", "cannot be read"],
    ["[z-a]", "cannot be read"],
    ["{a}", "braces without a choice"],
    ["{}", "braces without a choice"],
    ["{a,b*}", "braces without a choice"],
    ["{a,(}", "braces without a choice"],
    ["[]", "brackets that name no letters"],
    ["[!a]", "brackets that name no letters"],
    ["*a*b*c*", "more than 3 stars"],
  ])("%j is refused: %s", (pattern, reason) => {
    expect(globFault(pattern)).toContain(reason);
  });
});

describe("ARM ids", () => {
  it.each([
    ["/subscriptions/78", "/subscriptions/78", true],
    ["/subscriptions/789", "/subscriptions/78", false],
    ["/subscriptions/78", "/subscriptions/789", false],
    ["/Subscriptions/AB/resourceGroups/x", "/subscriptions/ab/", true],
    ["/subscriptions/ab", "/subscriptions/ab/resourceGroups/x", false],
    ["/subscriptions/ab", "/", false],
    ["/subscriptions/ab", "", false],
  ])("%s within %s: %s", (id, scope, within) => {
    expect(armIdWithin(id, scope)).toBe(within);
  });

  it("are the same only when neither is longer", () => {
    expect(sameArmId("/A/b", "/a/B/")).toBe(true);
    expect(sameArmId("/a/b", "/a/b/c")).toBe(false);
    expect(sameArmId("/a/b/c", "/a/b")).toBe(false);
    expect(sameArmId("", "")).toBe(false);
  });

  it.each([
    ["/subscriptions/s/resourceGroups/RG/providers/a/b/c", "rg"],
    ["/SUBSCRIPTIONS/s/resourcegroups/Rg", "rg"],
    ["/subscriptions/s/resourceGroups", null],
    ["/subscriptions/s/providers/rg", null],
    ["/tenants/s/resourceGroups/rg", null],
    ["", null],
  ])("%s is in the resource group %s", (id, group) => {
    expect(resourceGroupOf(id)).toBe(group);
  });
});

describe("image repositories", () => {
  it.each([
    ["nginx", "nginx"],
    ["nginx:1.2", "nginx"],
    ["reg.io/a/b:1@sha256:ff", "reg.io/a/b"],
    ["reg.io:5000/a", "reg.io:5000/a"],
    ["reg.io:5000/a:b", "reg.io:5000/a"],
    ["reg.io:5000/a@sha256:ff", "reg.io:5000/a"],
    ["", ""],
  ])("%s is of %s", (reference, repository) => {
    expect(imageRepository(reference)).toBe(repository);
  });
});

describe("the nearest word", () => {
  const words = ["severity", "status", "namespace", "key", "Any"];

  it.each([
    ["severety", "severity"],
    ["SEVERITY", "severity"],
    ["statsu", "status"],
    ["namspce", "namespace"],
    ["kye", "key"],
    ["any", "Any"],
    ["nmsace", "namespace"],
    ["nmsac", null],
    ["xy", null],
    ["colour", null],
    ["", null],
  ])("to %j is %j", (word, meant) => {
    expect(nearest(word, words)).toBe(meant);
  });

  it("is none where nothing is known", () => {
    expect(nearest("a", [])).toBeNull();
  });
});

import fc from "fast-check";
import picomatch from "picomatch";
import { describe, expect, it } from "vitest";
import { compileGlob, globFault } from "../../src/rules/glob.ts";
import { globMachine } from "../../src/rules/glob-machine.ts";

const part = fc.constantFrom(
  "a",
  "b",
  "A",
  "-",
  ".",
  "/",
  "*",
  "?",
  "{a,b}",
  "{a,ab,-}",
  "[ab]",
  "[a-c]",
  "[-.]",
);
const pattern = fc
  .array(part, { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join(""))
  .filter((text) => globFault(text) === null);
const text = fc
  .array(fc.constantFrom("a", "B", "c", "-", ".", "/"), { maxLength: 10 })
  .map((all) => all.join(""));

/** Written down the slow way: what is left of the pattern against what is left of the text. */
function slowly(parts: readonly string[], rest: string): boolean {
  const [first, ...others] = parts;
  if (first === undefined) return rest === "";
  const head = rest.slice(0, 1).toLowerCase();
  const takesOne = (held: boolean) => head !== "" && held && slowly(others, rest.slice(1));
  if (first.startsWith("{")) {
    const choices = first.slice(1, -1).toLowerCase().split(",");
    return choices.some(
      (one) => rest.toLowerCase().startsWith(one) && slowly(others, rest.slice(one.length)),
    );
  }
  if (first.startsWith("[")) return takesOne(new RegExp(first, "i").test(head));
  if (first === "?") return takesOne(head !== "/");
  if (first === "*")
    return slowly(others, rest) || (head !== "" && head !== "/" && slowly(parts, rest.slice(1)));
  if (first === "**") return slowly(others, rest) || (head !== "" && slowly(parts, rest.slice(1)));
  return takesOne(head === first.toLowerCase());
}

describe("a pattern", () => {
  it("matches what it says, read slowly", () => {
    const single = pattern.filter((one) => !one.includes("**"));
    fc.assert(
      fc.property(single, text, (one, whole) => {
        const parts = one.match(/\{[^}]*\}|\[[^\]]*\]|[\s\S]/g) ?? [];
        expect(compileGlob(one)(whole)).toBe(whole !== "" && slowly(parts, whole));
      }),
      { numRuns: 3_000 },
    );
  });

  it("matches as picomatch does, where neither dots alone nor a slash at the end are in play", () => {
    // picomatch lets a path end in a slash and keeps stars from `.` and `..`, which means something for files only; it
    // takes brackets also as they are written, and two stars in a row differently after another star.
    const common = pattern.filter((one) => !/\*\*|\[|\/$|^\.?\//.test(one));
    const plain = text.filter((one) => !/(?:^|\/)\.{0,2}(?:\/|$)/.test(one));
    fc.assert(
      fc.property(common, plain, (one, whole) => {
        const options = { nocase: true, dot: true, windows: false };
        expect(compileGlob(one)(whole)).toBe(picomatch.makeRe(one, options).test(whole));
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ["**/x", "x", true],
    ["**/x", "a/b/x", true],
    ["**/x", "ax", false],
    ["a/**", "a", true],
    ["a/**", "a/b/c", true],
    ["a/**", "ab", false],
    ["a/**/b", "a/b", true],
    ["a/**/b", "a/x/y/b", true],
    ["a/**/b", "axb", false],
    ["a**b", "axb", true],
    ["a**b", "a/b", false],
    ["**/**", "a/b", true],
    ["*/base/*", "reg/base/x", true],
    ["*/base/*", "reg/x/base/y", false],
    ["**/base/**", "reg/x/base/y/z", true],
    ["microsoft.dbfor*/**", "microsoft.dbforpostgresql/servers", true],
    ["k", "\u212a", false],
  ])("reads whole segments: %s on %s is %s", (one, whole, matched) => {
    expect(compileGlob(one)(whole)).toBe(matched);
  });
});

describe("the work of matching", () => {
  const steps = (one: string, whole: string) => {
    let count = 0;
    globMachine(one).matches(whole, () => {
      count += 1;
    });
    return count;
  };

  it("is at most the length of the text times that of the pattern, for any that is allowed", () => {
    const any = fc.string({ unit: fc.constantFrom("a", "/", "-", "b"), maxLength: 512 });
    fc.assert(
      fc.property(pattern, any, (one, whole) => {
        const { size } = globMachine(one);
        expect(size).toBeLessThanOrEqual(2 * one.length + 2);
        expect(steps(one, whole)).toBeLessThanOrEqual(size * whole.length);
      }),
    );
  });

  it.each([
    ["*a*a*b", 512],
    ["**/*a*b", 512],
    ["{a,aa,aaa}{a,aa,aaa}{a,aa,aaa}*b", 512],
    // Refused in a file, and harmless all the same: 2^40 ways for an expression that goes back.
    ["{a,aa}".repeat(40), 61],
    [`${"*a".repeat(60)}b`, 512],
  ])("does not grow by going back: %s on %i times a", (one, length) => {
    const whole = `${"a".repeat(length - 1)}c`;
    expect(steps(one, whole)).toBeLessThanOrEqual(globMachine(one).size * length);
    // Twice the text, at most about twice the work.
    expect(steps(one, whole + whole)).toBeLessThanOrEqual(globMachine(one).size * 2 * length);
    expect(globMachine(one).matches(whole)).toBe(false);
  });

  it.each(["{a,aa}".repeat(4), "*a*a*a*b", "a".repeat(257)])(
    "is bounded in a file, which may not say %s",
    (one) => {
      expect(globFault(one)).not.toBeNull();
    },
  );
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cellJson, cellText } from "../../src/store/cell-json.ts";

const SEPARATORS = /[\u2028\u2029]/;

describe("what goes into a cell", () => {
  it("is JSON of the same value, without separators that no transaction takes", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "\u2028", "\u2029", "\\", '"', "é", "\n") });
    fc.assert(
      fc.property(fc.dictionary(text, fc.array(text)), (value) => {
        const json = cellJson(value);
        expect(json).not.toMatch(SEPARATORS);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("is text of bounded length, well-formed, without separators", () => {
    expect(cellText("a\u2028b\u2029c", 10)).toBe("a b c");
    expect(cellText("abcdef", 3)).toBe("abc");
    expect(cellText("\ud800x", 10)).toBe("\ufffdx");
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonText, safeText } from "../../cli/safe-text.ts";
import { HOSTILE, unsafeIn } from "./terminal.ts";

/** Any text, with more of what terminals obey or hide than chance gives. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 6 }),
      fc.constantFrom(
        "\u001b",
        "\u009b",
        "\r",
        "\n",
        "\t",
        "\u2028",
        "\u202e",
        "\u200d",
        "\u{e0041}",
        "\ud800",
        "\udc00",
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));

describe("text of alerts on a terminal", () => {
  it("is one line with nothing to obey or hidden in it", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const safe = safeText(text);
        expect(unsafeIn(safe)).toEqual([]);
        expect(safe).not.toContain("\n");
      }),
      { numRuns: 300 },
    );
  });

  it("is as written where it is plain, and shows what was hidden", () => {
    const plain = 'Zażółć "gęślą" 界 🙂 \\ {x}';
    expect(safeText(plain)).toBe(plain);
    expect(safeText("a\r\n\tb")).toBe("a b");
    expect(safeText(HOSTILE)).toBe(
      "a\\u001b[31m\\u009b2J\\u202eexe\\u2066\\u200b id  forged \\udb40\\udc41\\u0007\\u0000\\ud800z",
    );
    expect(safeText(`x${"\u0301".repeat(50)}y`)).toBe(`x${"\u0301".repeat(3)}y`);
  });

  it("is the same value as JSON, on one line", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const value = { [text]: [text, { nested: text }] };
        const line = jsonText(value);
        expect(unsafeIn(line)).toEqual([]);
        expect(line).not.toContain("\n");
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 300 },
    );
  });
});

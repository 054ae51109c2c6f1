import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plainText } from "../../src/notify/plain-text.ts";

const hostileText = fc
  .array(
    fc.integer({ min: 0, max: 0x10ffff }).map((point) => String.fromCodePoint(point)),
    { maxLength: 300 },
  )
  .map((characters) => characters.join(""));

describe("plainText", () => {
  it.each([
    [
      "leaves plain words alone",
      "kubectl exec -it web_1 -- sh -c 'ls *'",
      "kubectl exec -it web_1 -- sh -c 'ls *'",
    ],
    ["makes one line of many", "a\r\nBcc: x@y\tb\u2028c\u0085d", "a Bcc: x@y b c d"],
    ["drops bidirectional marks", "\u202Eevil\u202C \u2066x\u2069 \u200Ey\u200F\u061C", "evil x y"],
    ["drops zero-width characters, tags and soft hyphens", "a\u200Bb\uFEFFc\u00ADd\u{E0041}e", "abcde"],
    [
      "breaks addresses, also ones hidden behind zero-width characters",
      "https:/\u200B/evil.example",
      "https[:]//evil.example",
    ],
    ["breaks what Outlook links by itself", "see www.evil.example", "see www[.]evil.example"],
    ["breaks paths to file shares", "\\\\evil\\share and (\\\\evil", "[\\\\]evil\\share and ([\\\\]evil"],
    [
      "breaks addresses of mail, telephones and programs",
      "MailTo:a@evil.example tel:112 ms-msdt:/id data: 5",
      "MailTo[:]a@evil.example tel[:]112 ms-msdt[:]/id data: 5",
    ],
    ["unpiles accents", `x${"\u0301".repeat(50)}y`, `x${"\u0301".repeat(3)}y`],
    ["keeps other backslashes", "C:\\windows\\\\temp", "C:\\windows\\\\temp"],
    ["replaces half characters", "a\uD800b", "a\uFFFDb"],
    ["keeps whole characters", "日本 😀", "日本 😀"],
  ])("%s", (_name, text, expected) => {
    expect(plainText(text, 100)).toBe(expected);
  });

  it("cuts long text with an ellipsis and never through a character", () => {
    expect(plainText("abcdef", 6)).toBe("abcdef");
    expect(plainText("abcdefg", 6)).toBe("abcde…");
    expect(plainText("😀😀😀", 2)).toBe("😀…");
    expect(plainText(`${"\u200B".repeat(1000)}x`, 6)).toBe("…");
  });

  it("is one visible line within the limit, whatever it is given", () => {
    fc.assert(
      fc.property(hostileText, fc.integer({ min: 2, max: 60 }), (text, limit) => {
        const plain = plainText(text, limit);
        expect(Array.from(plain).length).toBeLessThanOrEqual(limit);
        expect(plain).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|:\/\//u);
        expect(plain).toBe(plain.trim());
      }),
    );
  });
});

import fc from "fast-check";

/** Texts that break out of one sink or another, where the sink lets them. */
export const CORPUS: readonly string[] = [
  // Markdown, mentions and macros of a card
  "[click](https://evil.example)",
  "![i](https://evil.example/p.png) **b** _c_ `d` ~~e~~",
  "<at>everyone</at> @channel {{DATE(2026-01-01T00:00:00Z)}} {{TIME(2026-01-01T00:00:00Z)}}",
  "# heading\n- item\n> quote\n```code```",
  // HTML
  "<script>alert(1)</script>",
  "</td></tr></table><img src=x onerror=alert(1)>",
  `" onmouseover="alert(1)`,
  "' onfocus='alert(1)",
  "<!-- --><![CDATA[x]]>&lt;b&gt;&#60;b>",
  "</title></style><svg/onload=alert(1)>",
  // CSV
  "=cmd|' /C calc'!A0",
  '+1+1"\n=2',
  "-2+3;=1",
  "@SUM(1+1)*cmd|'x'!A0",
  "\t=1+1",
  "\r=1+1",
  '","=1+1","',
  "\uff1d1+1",
  "'=1",
  // Lines: logs, headers, mails
  'x\n{"level":"error","event":"forged"}',
  "x\r\nBcc: evil@example.com\r\n\r\nbody",
  "x\u2028y\u2029z\u0085w\u000bv\u000cu",
  "=?UTF-8?B?QmNjOg==?=",
  // Terminals
  "\u001b[2J\u001b]0;title\u0007\u009b31m\u001b]8;;https://evil.example\u0007here\u001b]8;;\u0007",
  "a\bb\u007f\u0000",
  // What cannot be seen
  "\u202egnp.exe\u202c \u2066x\u2069 \u200e\u200f\u061c",
  "a\u200bb\u200cc\u200dd\ufeffe\u00adf\u{e0041}g",
  `x${"\u0301".repeat(60)}y`,
  "\ud800 \udc00",
  // Things that clients link by themselves
  "https://evil.example www.evil.example \\\\evil\\share mailto:a@evil.example",
  "__proto__",
];

/** Any text, the known ones and pieces of them among it, never empty. */
export const hostileText: fc.Arbitrary<string> = fc
  .oneof(
    fc.constantFrom(...CORPUS),
    fc.string({ unit: "binary", minLength: 1, maxLength: 60 }),
    fc
      .array(
        fc.oneof(
          fc.constantFrom(..."<>&\"'=+-@;,|`*_[](){}#\\/:\t\r\n\u0000\u001b\u009b\u2028\u202e\u200b\ud800"),
          fc.constantFrom("https://", "<at>", "{{DATE(", "www.", "a", " "),
        ),
        { minLength: 1, maxLength: 24 },
      )
      .map((parts) => parts.join("")),
  )
  .filter((text) => text !== "");

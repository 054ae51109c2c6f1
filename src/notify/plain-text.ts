/** Text of an alert may be written by an attacker: what cannot be seen goes, what mail clients would link is broken. */
const SPOKEN: readonly (readonly [RegExp, string])[] = [
  // Tabs, line ends and other controls: no text may begin a line, a header or a paragraph of its own.
  [/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " "],
  // Format characters: bidirectional marks and isolates, zero-width characters, tags, soft hyphens.
  [/\p{Cf}+/gu, ""],
  // Piled accents reach into the lines above and below.
  [/(\p{M}{3})\p{M}+/gu, "$1"],
  // Half a surrogate pair is no character.
  [/\p{Cs}/gu, "\uFFFD"],
  // Addresses stay readable and are not clickable: Outlook and phones link these by themselves.
  [/:\/\//g, "[:]//"],
  [/\b(www)\./gi, "$1[.]"],
  [/\b(mailto|tel|sms|data|file|javascript|vbscript|ms-[a-z-]{1,40}):(?=\S)/gi, "$1[:]"],
  [/^\\\\|(?<=[\s"'(])\\\\/g, "[\\\\]"],
  [/\s+/g, " "],
];

/**
 * One line of plain text of at most `limit` characters (code points), cut with an ellipsis. Free of control and
 * format characters and of anything that clients turn into links; syntax of a sink is for the sink to escape.
 */
export function plainText(text: string, limit: number): string {
  // A bound before the expressions, since a field may be megabytes long and each drops characters only.
  const bounded = text.slice(0, limit * 4 + 64);
  const clean = SPOKEN.reduce((left, [what, by]) => left.replace(what, by), bounded).trim();
  const points = Array.from(clean);
  if (points.length <= limit && bounded.length === text.length) {
    return clean;
  }
  return `${points
    .slice(0, limit - 1)
    .join("")
    .trimEnd()}…`;
}

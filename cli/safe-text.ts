/** What a terminal obeys or cannot show: controls, bidirectional and zero-width marks, tags, line ends, half characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const LINE_ENDS = /[\t\n\v\f\r\p{Zl}\p{Zp}]+/gu;
/** Piled accents reach into the lines above and below. */
const PILED_MARKS = /(\p{M}{3})\p{M}+/gu;

/**
 * One line that is safe on a terminal, since texts of alerts may be written by an attacker: line ends and tabs become
 * spaces, what cannot be seen becomes visible as `\u202e`.
 */
export function safeText(text: string): string {
  return text.replace(LINE_ENDS, " ").replace(UNSEEN, escaped).replace(PILED_MARKS, "$1");
}

/** A value as one line of JSON: what cannot be seen is escaped, so it is the same value and safe on a terminal. */
export function jsonText(value: unknown): string {
  return (JSON.stringify(value) ?? "null").replace(UNSEEN, escaped);
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_none, index) => character.charCodeAt(index))
    .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
    .join("");
}

/** What screens obey or cannot show: controls, bidirectional and zero-width marks, tags, line ends, half characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const LINE_ENDS = /[\t\n\v\f\r\u0085\p{Zl}\p{Zp}]+/gu;
/** Piled accents reach into the lines above and below. */
const PILED_MARKS = /(\p{M}{3})\p{M}+/gu;

/**
 * One line in which all can be seen, since texts of alerts may be written by an attacker: line ends and tabs become
 * spaces, what is unseen becomes visible as `\u202e`.
 */
export function visibleText(text: string): string {
  return text.replace(LINE_ENDS, " ").replace(UNSEEN, escaped).replace(PILED_MARKS, "$1");
}

/** A value as one line of JSON in which what is unseen is escaped: the same value, safe in a log and on a terminal. */
export function visibleJson(value: unknown): string {
  return (JSON.stringify(value) ?? "null").replace(UNSEEN, escaped);
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_none, index) => character.charCodeAt(index))
    .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
    .join("");
}

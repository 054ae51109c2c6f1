import { visibleText } from "./visible-text.ts";

/** What spreadsheets take for the beginning of a formula, also behind spaces and in full width. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

/**
 * One cell of a CSV file (RFC 4180), always quoted: no text leaves its cell, and none is a formula, since those get
 * an apostrophe in front. What cannot be seen is shown as `\u202e`.
 */
export function csvCell(text: string): string {
  const visible = visibleText(text);
  const plain = FORMULA.test(visible) ? `'${visible}` : visible;
  return `"${plain.replaceAll('"', '""')}"`;
}

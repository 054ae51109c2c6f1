import { describeTarget } from "../model/target.ts";
import type { ExportRow } from "./audit-export.ts";

const LINE_END = "\r\n";
const COLUMNS = [
  "kind",
  "id",
  "sequence",
  "at",
  "who",
  "what",
  "why",
  "before",
  "after",
  "rule",
  "playbook",
  "target",
  "details",
  "previous",
  "hash",
] as const satisfies readonly (keyof ExportRow)[];

/** What begins a formula in some spreadsheet, also in its wide forms and behind spaces. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/u;
/** Controls, marks of direction and what cannot be seen; line ends and tabs become spaces before. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}]/gu;
const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;

/** The first line of an export as CSV. */
export const CSV_HEADINGS = `${COLUMNS.join(",")}${LINE_END}`;

/**
 * Rows as CSV (RFC 4180), every cell quoted and safe for a spreadsheet: texts of alerts may be written by an attacker, so
 * a formula becomes text, and controls and marks of direction go. Without the line of headings.
 */
export function csvOf(rows: readonly ExportRow[]): string {
  return rows
    .map((row) => `${COLUMNS.map((column) => cellOf(textOf(row, column))).join(",")}${LINE_END}`)
    .join("");
}

/** Rows as JSON lines: the exact values, with what cannot be seen escaped. */
export function jsonLinesOf(rows: readonly ExportRow[]): string {
  const escaped = (character: string): string =>
    Array.from({ length: character.length }, (_none, index) => character.charCodeAt(index))
      .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
      .join("");
  return rows
    .map((row) => `${JSON.stringify(row).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped)}\n`)
    .join("");
}

function textOf(row: ExportRow, column: (typeof COLUMNS)[number]): string {
  const value = row[column];
  if (value === null) return "";
  if (column === "target") return row.target === null ? "" : describeTarget(row.target);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function cellOf(text: string): string {
  // Looked at before and after: what is removed may hide the sign, or stand for it.
  const isTab = /^[\t\r]/.test(text);
  const clean = text.replace(BREAKS, " ").replace(UNSEEN, "");
  const safe = isTab || FORMULA.test(clean) ? `'${clean}` : clean;
  return `"${safe.replaceAll('"', '""')}"`;
}

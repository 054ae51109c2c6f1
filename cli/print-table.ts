import type { CommandIo } from "./command-io.ts";
import { safeText } from "./safe-text.ts";

/** A column: its heading, and the most character cells it takes; longer values lose their middle or their end. */
export interface Column {
  readonly title: string;
  readonly most?: number;
  /** Where ids differ: their end has to be seen too. */
  readonly keepsEnd?: boolean;
}

const GAP = "  ";
const NO_WIDTH = /[\p{Mn}\p{Me}]/u;
const DOUBLE_WIDTH =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u;

/** Prints aligned columns for people; an empty value is shown as `-`. Values are made safe for a terminal. */
export function printTable(
  io: Pick<CommandIo, "write">,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): void {
  const body = rows.map((row) => columns.map((column, at) => cell(row[at] ?? "", column)));
  const lines = [columns.map(({ title }) => title), ...body];
  const widths = columns.map((_column, at) => Math.max(...lines.map((line) => widthOf(line[at] ?? ""))));
  for (const line of lines) {
    io.write(
      `${line
        .map((value, at) => padded(value, widths[at] ?? 0))
        .join(GAP)
        .trimEnd()}\n`,
    );
  }
}

function cell(text: string, { most = Number.POSITIVE_INFINITY, keepsEnd = false }: Column): string {
  const safe = safeText(text).trim();
  if (safe === "") return "-";
  if (!keepsEnd || widthOf(safe) <= most) return cutText(safe, most);
  const end = backwards(fitting(backwards(safe), Math.floor((most - 1) / 2)));
  return `${fitting(safe, most - 1 - widthOf(end))}…${end}`;
}

function backwards(text: string): string {
  return Array.from(text).reverse().join("");
}

/** A text made safe for a terminal, of at most so many character cells, cut with an ellipsis. */
export function cutText(text: string, most: number): string {
  const safe = safeText(text).trim();
  return widthOf(safe) <= most ? safe : `${fitting(safe, most - 1)}…`;
}

/** The longest beginning that takes at most so many cells. */
function fitting(text: string, most: number): string {
  let kept = "";
  let width = 0;
  for (const character of text) {
    width += widthOf(character);
    if (width > most) break;
    kept += character;
  }
  return kept;
}

function padded(text: string, width: number): string {
  return text + " ".repeat(width - widthOf(text));
}

/** Cells that a terminal takes for a text: none for accents, two for East Asian characters and most emoji. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (!NO_WIDTH.test(character)) width += DOUBLE_WIDTH.test(character) ? 2 : 1;
  }
  return width;
}

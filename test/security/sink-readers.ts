/** A tag or a text of an HTML document. */
export type HtmlPiece = { readonly tag: string } | { readonly text: string };

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

/** Reads HTML as a browser's tokenizer does: a `<` begins a tag, a quoted value ends with its quote. */
export function readHtml(html: string): readonly HtmlPiece[] {
  const pieces: HtmlPiece[] = [];
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf("<", at);
    const end = open === -1 ? html.length : open;
    if (end > at) pieces.push({ text: decodeEntities(html.slice(at, end)) });
    if (open === -1) break;
    at = endOfTag(html, open);
    pieces.push({ tag: html.slice(open, at) });
  }
  return pieces;
}

function endOfTag(html: string, open: number): number {
  let quote = "";
  for (let at = open + 1; at < html.length; at++) {
    const character = html[at] ?? "";
    if (quote !== "") quote = character === quote ? "" : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === ">") return at + 1;
  }
  return html.length;
}

function decodeEntities(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_all, name: string) => ENTITIES[name] ?? "");
}

/** Reads CSV as RFC 4180 has it; any of the usual line ends outside quotes ends a row. */
export function readCsv(csv: string): readonly (readonly string[])[] {
  const rows: string[][] = [[""]];
  const add = (text: string): void => {
    const row = rows.at(-1) ?? [];
    row.push(`${row.pop() ?? ""}${text}`);
  };
  let quoted = false;
  for (let at = 0; at < csv.length; at++) {
    const character = csv[at] ?? "";
    if (character === '"' && quoted && csv[at + 1] === '"') {
      add('"');
      at += 1;
    } else if (character === '"') quoted = !quoted;
    else if (quoted) add(character);
    else if (character === ",") rows.at(-1)?.push("");
    else if (character === "\n" || character === "\r") rows.push([""]);
    else add(character);
  }
  return rows;
}

/** Everything in a text that a screen would obey or hide. */
export function unseenIn(text: string): readonly string[] {
  return text.match(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu) ?? [];
}

/**
 * JSON for a cell. Line and paragraph separators (U+2028, U+2029), which JSON lets stand, are escaped: Azurite refuses
 * a transaction that holds them, and an alert's text may. Parsing gives the same value.
 */
export function cellJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

/** Text for a cell of its own: well-formed, with separators that no transaction takes turned into spaces, cut to `most` characters. */
export function cellText(text: string, most: number): string {
  return text
    .slice(0, most)
    .toWellFormed()
    .replaceAll(/[\u2028\u2029]/g, " ");
}

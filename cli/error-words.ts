/** What an error says of itself, in one line: what follows the first line is for its authors. */
export function errorWords(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  const [line = ""] = message.split("\n", 1);
  return line === "" ? "unknown fault" : line.slice(0, 300);
}

/** The code that Node and the SDKs give an error; null where it has none. */
export function errorCode(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

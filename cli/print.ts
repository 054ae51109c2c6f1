import type { CommandIo } from "./command-io.ts";
import { jsonText, safeText } from "./safe-text.ts";

/** Prints one line for people. */
export function printLine(io: CommandIo, text: string): void {
  io.write(`${safeText(text)}\n`);
}

/** Prints one value as a line of JSON. */
export function printJson(io: CommandIo, value: unknown): void {
  io.write(`${jsonText(value)}\n`);
}

/** Prints one sentence on standard error. */
export function complain(io: CommandIo, sentence: string): void {
  io.writeError(`reflex: ${safeText(asSentence(sentence))}\n`);
}

/** A text with a full stop. */
export function asSentence(text: string): string {
  const line = text.trim();
  return /[.!?…]$/.test(line) ? line : `${line}.`;
}

import { splitTexts } from "./json-pieces.ts";

/** How deep a record may nest; a chain of 1,500 parent processes is real. */
export const MAX_DEPTH = 2_000;

/** A JSON object. Read it through `own` and `either`: its keys come from outside. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for a JSON object, not for lists and null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object's own property, never one of Object.prototype; undefined where it has none. */
export function own(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** The property under its camelCase name or, where that is missing, under its PascalCase name. */
export function either(value: unknown, camelName: string): unknown {
  return own(value, camelName) ?? own(value, camelName.charAt(0).toUpperCase() + camelName.slice(1));
}

/** The value found by following property names in either casing. */
export function eitherPath(value: unknown, ...camelNames: readonly string[]): unknown {
  let inner = value;
  for (const name of camelNames) inner = either(inner, name);
  return inner;
}

/** Text that says something, exactly as written; null for all else. */
export function textOf(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value : null;
}

/** The first of the values that is text. */
export function firstText(...values: readonly unknown[]): string | null {
  for (const value of values) {
    const text = textOf(value);
    if (text !== null) return text;
  }
  return null;
}

/** A number, also one written as text; null for all else. */
export function numberOf(value: unknown): number | null {
  const text = textOf(value);
  const number = text === null ? value : Number(text);
  return typeof number === "number" && Number.isFinite(number) ? number : null;
}

/** The elements of a list; none for all else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What JSON inside text says (Log Analytics and `additionalData` write lists so); all else as it is; undefined for broken or too deep text. */
export function unfoldedText(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const [piece] = splitTexts(new TextEncoder().encode(value), 1);
  if (piece === undefined || piece.depth > MAX_DEPTH) return undefined;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

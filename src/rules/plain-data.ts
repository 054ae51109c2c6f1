/** The value under a key of plain data that nobody has checked yet; undefined where there is none. */
export function valueAt(data: unknown, key: string): unknown {
  return typeof data === "object" && data !== null
    ? Object.entries(data).find(([name]) => name === key)?.[1]
    : undefined;
}

/** The list under a key of plain data; empty where there is none. */
export function listAt(data: unknown, key: string): readonly unknown[] {
  const list = valueAt(data, key);
  return Array.isArray(list) ? list : [];
}

/** The text under a key of plain data; undefined where there is none. */
export function textAt(data: unknown, key: string): string | undefined {
  const text = valueAt(data, key);
  return typeof text === "string" ? text : undefined;
}

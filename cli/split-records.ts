/**
 * The records of a file, each as the bytes of one event: the elements of a JSON list (also under `records` or `value`),
 * or the lines of NDJSON, which stay as they are. Anything else is one piece.
 */
export function splitRecords(bytes: Uint8Array): readonly Uint8Array[] {
  const text = new TextDecoder().decode(bytes);
  const whole = parsed(text);
  if (whole !== undefined) {
    return listIn(whole.value)?.map((record) => encoded(textOf(record))) ?? [bytes];
  }
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const [first] = lines;
  // A first line that is JSON by itself tells NDJSON from one document over many lines.
  return first !== undefined && parsed(first) !== undefined ? lines.map(encoded) : [bytes];
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function listIn(value: unknown): readonly unknown[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const lists: unknown[] = [
    value,
    "records" in value ? value.records : undefined,
    "value" in value ? value.value : undefined,
  ];
  return lists.find((list): list is unknown[] => Array.isArray(list) && list.length > 0);
}

/** A list may hold its records as text, as a Functions binding does. */
function textOf(record: unknown): string {
  return typeof record === "string" ? record : (JSON.stringify(record) ?? "null");
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

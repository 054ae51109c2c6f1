import { gunzipSync, inflateRawSync, inflateSync } from "node:zlib";

const DEEPEST = 3;
const MOST_BYTES = 16 * 1024 * 1024;

/** Something that may hold a secret, with where it was found. */
export interface Place {
  readonly where: string;
  readonly content: string | Uint8Array;
}

/** The secrets that stand in a place: as they are, escaped for a URL or JSON, in hex, in base64, or compressed. */
export function secretsIn(places: readonly Place[], secrets: readonly string[]): readonly string[] {
  return places.flatMap(({ where, content }) => {
    const texts = unfolded(Buffer.from(content), 0);
    return secrets
      .filter((secret) => texts.some((text) => formsOf(secret).some((form) => text.includes(form))))
      .map((secret) => `${where}: ${secret}`);
  });
}

/** The bytes as text, and all that is packed in them. */
function unfolded(bytes: Buffer, depth: number): readonly string[] {
  const text = bytes.toString("latin1");
  if (depth === DEEPEST) return [text];
  const inner = [
    ...[inflateSync, gunzipSync, inflateRawSync].flatMap((open) => {
      try {
        return [open(bytes, { maxOutputLength: MOST_BYTES })];
      } catch {
        return [];
      }
    }),
    ...[...text.matchAll(/[A-Za-z0-9+/_-]{24,}={0,2}/g)].map(([found]) => Buffer.from(found, "base64")),
  ];
  return [text, ...inner.flatMap((part) => unfolded(part, depth + 1))];
}

function formsOf(secret: string): readonly string[] {
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString("hex"),
    ...["", "x", "xx"].map((before) => base64Core(before, secret)),
  ];
}

/** What base64 makes of the secret behind so many other characters, without the ends that its neighbours touch. */
function base64Core(before: string, secret: string): string {
  const whole = Buffer.from(before + secret).toString("base64");
  return whole.slice(before === "" ? 0 : 4, Math.floor((before.length + secret.length) / 3) * 4);
}

/** The cells of table rows: texts as they are, the packed ones (`b0`, `b1`, …) put together. */
export function placesOfRows(rows: string): readonly Place[] {
  const found: unknown = JSON.parse(rows);
  return (Array.isArray(found) ? found : [])
    .map((row: object, index) => {
      const cells: [string, unknown][] = Object.entries(row);
      const packed = cells.flatMap(([name, value]) =>
        /^b\d$/.test(name) && typeof value === "object" && value !== null ? [bytesOf(value)] : [],
      );
      return { row, index, packed: Buffer.concat(packed) };
    })
    .flatMap(({ row, index, packed }) => [
      { where: `row ${index}`, content: JSON.stringify(row) },
      ...(packed.length === 0 ? [] : [{ where: `packed cells of row ${index}`, content: packed }]),
    ]);
}

/** Bytes as JSON writes them: an object from place to byte. */
function bytesOf(value: object): Buffer {
  return Buffer.from(Object.values(value).map(Number));
}

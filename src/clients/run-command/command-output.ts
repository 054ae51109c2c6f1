import { gunzipSync } from "node:zlib";

/** What one request came to in the cluster. */
export type Outcome =
  /** `size`: bytes of the whole answer, of which `body` may be the beginning. */
  | {
      readonly kind: "answer";
      readonly exitCode: number;
      readonly body: Uint8Array;
      readonly size: number;
      readonly words: string;
    }
  /** It was not begun, since its time was over. */
  | { readonly kind: "late" };

const PACKED = /^[A-Za-z0-9+/=\s]*$/;
/** No answer that is asked for unpacks to more. */
const MOST_BYTES = 64 * 1024 * 1024;

const ANSWER = /^answer (\d{1,3}) (\d{1,3}) (gzip|plain) (\d{1,12})$/;
const LATE = /^late (\d{1,3})$/;

/**
 * What a command printed, by number of the request. A request whose answer is not there from its first line to its last
 * is left out: what was cut is no answer. Only lines with the boundary (hex digits), which nobody but us knew, divide it.
 */
export function outcomesIn(logs: string, boundary: string): ReadonlyMap<number, Outcome> {
  const outcomes = new Map<number, Outcome>();
  const parts = partsOf(logs, boundary);
  for (const [at, { said, text }] of parts.entries()) {
    const [, late] = LATE.exec(said) ?? [];
    if (late !== undefined) outcomes.set(Number(late), { kind: "late" });
    const [, number, exitCode, packing = "", size] = ANSWER.exec(said) ?? [];
    const [words, end] = parts.slice(at + 1, at + 3);
    if (number === undefined || words?.said !== `words ${number}` || end?.said !== `end ${number}`) continue;
    const [body, told] = [unpacked(text, packing), unpacked(words.text, packing)];
    if (body === null || told === null) continue;
    outcomes.set(Number(number), {
      kind: "answer",
      exitCode: Number(exitCode),
      body,
      size: Number(size),
      words: Buffer.from(told).toString("utf8"),
    });
  }
  return outcomes;
}

/** What each line with the boundary says, and what stands between it and the next. */
function partsOf(
  logs: string,
  boundary: string,
): readonly { readonly said: string; readonly text: string }[] {
  const parts: { readonly said: string; readonly lines: string[] }[] = [];
  for (const line of logs.split("\n")) {
    if (line.startsWith(`${boundary} `)) {
      parts.push({ said: line.slice(boundary.length + 1).trimEnd(), lines: [] });
    } else parts.at(-1)?.lines.push(line);
  }
  return parts.map(({ said, lines }) => ({ said, text: lines.join("\n") }));
}

function unpacked(text: string, packing: string): Uint8Array | null {
  if (packing === "plain") return Buffer.from(text);
  if (!PACKED.test(text)) return null;
  try {
    return gunzipSync(Buffer.from(text.replaceAll(/\s/g, ""), "base64"), { maxOutputLength: MOST_BYTES });
  } catch {
    return null;
  }
}

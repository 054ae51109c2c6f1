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

/**
 * What a command printed, by number of the request. A request whose answer is not there from its first line to its last
 * is left out: what was cut is no answer. Only lines with the boundary (hex digits), which nobody but us knew, divide it.
 */
export function outcomesIn(logs: string, boundary: string): ReadonlyMap<number, Outcome> {
  const outcomes = new Map<number, Outcome>();
  const text = `\n${logs}`;
  const line = (words: string): string => `\\n${boundary} ${words}\\s*?(?:\\n|$)`;
  for (const [, number] of text.matchAll(new RegExp(line("late (\\d{1,3})"), "g"))) {
    outcomes.set(Number(number), { kind: "late" });
  }
  const answers = new RegExp(
    `${line("answer (\\d{1,3}) (\\d{1,3}) (gzip|plain) (\\d{1,12})")}([^]*?)${line("words \\1")}([^]*?)${line("end \\1")}`,
    "g",
  );
  for (const [, number, exitCode, packing = "", size, answer = "", told = ""] of text.matchAll(answers)) {
    const [body, words] = [unpacked(answer, packing), unpacked(told, packing)];
    if (body === null || words === null) continue;
    outcomes.set(Number(number), {
      kind: "answer",
      exitCode: Number(exitCode),
      body,
      size: Number(size),
      words: Buffer.from(words).toString("utf8"),
    });
  }
  return outcomes;
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

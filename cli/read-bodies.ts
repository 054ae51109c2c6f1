import type { CommandIo } from "./command-io.ts";
import { inputName, openInput } from "./read-input.ts";
import { splitRecords } from "./split-records.ts";
import { Stop } from "./stop.ts";

/** The largest body of one event of the hub; a larger file is an export of many. */
const MOST_EVENT_BYTES = 1024 * 1024;
/** One JSON document has to be read as a whole, and takes several times its size in memory. */
const MOST_DOCUMENT_BYTES = 128 * 1024 * 1024;
/** Of a longer line only so much is kept: enough for the decoder to see that it is larger than an event can be. */
const MOST_LINE_BYTES = 2 * MOST_EVENT_BYTES;
const LINE_END = 0x0a;

type Chunks = AsyncIterator<Uint8Array>;

/**
 * The bodies of events in a file, in order: the file itself, or, where it is larger than an event can be, its lines of
 * JSON, of which only one is held at a time, or the records of one document. Raises `Stop` where it cannot be read.
 */
export async function* readBodies(io: Pick<CommandIo, "openFile">, path: string): AsyncGenerator<Uint8Array> {
  const chunks: Chunks = openInput(io, path)[Symbol.asyncIterator]();
  try {
    const head = await readUpTo(chunks, MOST_EVENT_BYTES);
    if (head.length <= MOST_EVENT_BYTES) yield head;
    else if (beginsWithJsonLine(head)) yield* linesOf(head, chunks);
    else yield* splitRecords(await wholeOf(head, chunks, path));
  } finally {
    await chunks.return?.();
  }
}

/** What the file begins with: all of it where it is not longer than `most` bytes, else somewhat more than that. */
async function readUpTo(chunks: Chunks, most: number, before?: Uint8Array): Promise<Uint8Array> {
  const parts: Uint8Array[] = before === undefined ? [] : [before];
  let length = before?.length ?? 0;
  while (length <= most) {
    const next = await chunks.next();
    if (next.done === true) break;
    parts.push(next.value);
    length += next.value.length;
  }
  return Buffer.concat(parts, length);
}

async function wholeOf(head: Uint8Array, chunks: Chunks, path: string): Promise<Uint8Array> {
  const whole = await readUpTo(chunks, MOST_DOCUMENT_BYTES, head);
  if (whole.length <= MOST_DOCUMENT_BYTES) return whole;
  const size = `${MOST_DOCUMENT_BYTES / 1024 / 1024} MiB`;
  throw new Stop(
    2,
    `${inputName(path)} is one JSON document of more than ${size}; write it as lines of JSON, one record on each`,
  );
}

/** A first line that is JSON by itself tells lines of JSON from one document over many lines. */
function beginsWithJsonLine(head: Uint8Array): boolean {
  const line = new TextDecoder()
    .decode(head)
    .split("\n")
    .slice(0, -1)
    .find((text) => text.trim() !== "");
  try {
    return line !== undefined && typeof JSON.parse(line) === "object";
  } catch {
    return false;
  }
}

async function* linesOf(head: Uint8Array, chunks: Chunks): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array();
  for (let chunk: Uint8Array | undefined = head; chunk !== undefined; chunk = await nextOf(chunks)) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, from)) {
      yield* written(joined(rest, chunk.subarray(from, end)));
      rest = new Uint8Array();
      from = end + 1;
    }
    rest = joined(rest, chunk.subarray(from));
  }
  yield* written(rest);
}

async function nextOf(chunks: Chunks): Promise<Uint8Array | undefined> {
  const next = await chunks.next();
  return next.done === true ? undefined : next.value;
}

function joined(before: Uint8Array, after: Uint8Array): Uint8Array {
  if (before.length >= MOST_LINE_BYTES) return before;
  return Buffer.concat([before, after.subarray(0, MOST_LINE_BYTES - before.length)]);
}

/** The line, unless it is blank. */
function* written(line: Uint8Array): Generator<Uint8Array> {
  if (line.some((byte) => byte > 0x20)) yield line;
}

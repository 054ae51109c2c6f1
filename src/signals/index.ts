import type { Decoded, Undecodable } from "../model/signal.ts";
import { memberParts, type Piece, splitMembers, splitTexts } from "./json-pieces.ts";
import { isObject, type JsonObject, MAX_DEPTH, own, textOf } from "./json-value.ts";
import { recordSignal } from "./record.ts";

/** Event Hubs take at most 1 MiB; the slack is for what a host adds around a body. */
const MAX_BYTES = 1024 * 1024 + 64 * 1024;
/** More records than real ones fit into an event: beyond it the rest of the body is parked as one piece. */
const MAX_RECORDS = 5_000;
/** Lists and wrappers inside each other; each level costs one more pass over the body. */
const MAX_WRAPPERS = 4;

/** A part of the body still to be looked at, and what was taken off around it. */
interface Part {
  readonly piece: Piece;
  readonly wrappers: number;
  readonly wasText: boolean;
}

type Step = { readonly decoded: Decoded } | { readonly parts: readonly Part[] };

const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const LONE_SURROGATE = /\p{Surrogate}/u;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function parked(reason: string, bytes: Uint8Array): Undecodable {
  return { parked: reason, bytes };
}

function park(reason: string, part: Part): Step {
  return { decoded: parked(reason, part.piece.bytes) };
}

/** The list under `records` or `value`, as written, of an object that is only a wrapper around records. */
function wrappedList(record: JsonObject, part: Part): Part | null {
  if (textOf(own(record, "Type")) ?? textOf(own(record, "type")) ?? textOf(own(record, "AlertType")))
    return null;
  const name = ["records", "value"].find((candidate) => Array.isArray(own(record, candidate)));
  if (name === undefined) return null;
  let list: Piece | null = null;
  for (const member of splitMembers(part.piece.bytes, Number.POSITIVE_INFINITY)) {
    const parts = memberParts(member);
    // The last of several members of one name counts, as for JSON.parse.
    if (JSON.parse(strictUtf8.decode(parts.key)) === name) list = parts.value;
  }
  return list === null ? null : { ...part, piece: list, wrappers: part.wrappers + 1 };
}

function listStep(part: Part, room: number): Step {
  const { bytes } = part.piece;
  if (bytes.at(-1) !== CLOSE_LIST) return park("The list is not valid JSON.", part);
  if (part.wrappers >= MAX_WRAPPERS)
    return park(`Lists stand more than ${MAX_WRAPPERS} deep around records.`, part);
  const elements = splitMembers(bytes, room);
  if (elements.length === 0) return park("The list holds no records.", part);
  return { parts: elements.map((piece) => ({ piece, wrappers: part.wrappers + 1, wasText: part.wasText })) };
}

function textStep(text: string, part: Part, room: number): Step {
  if (part.wasText) return park("The text is neither a record nor JSON inside one text.", part);
  const inner = splitTexts(withoutMark(new TextEncoder().encode(text)), room);
  if (inner.length === 0) return park("The text is empty.", part);
  return { parts: inner.map((piece) => ({ piece, wrappers: part.wrappers, wasText: true })) };
}

function parsed(bytes: Uint8Array): { value: unknown } | { reason: string } {
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    return { reason: "The bytes are not valid UTF-8." };
  }
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return {
      reason: `The text is not valid JSON: ${error instanceof Error ? error.message : "unreadable"}.`,
    };
  }
}

function objectStep(record: JsonObject, part: Part): Step {
  if (Object.keys(record).length === 0) return park("The record is an empty object.", part);
  const list = wrappedList(record, part);
  return list === null ? { decoded: { signal: recordSignal(record), body: record } } : { parts: [list] };
}

function step(part: Part, room: number): Step {
  const { bytes, depth, complete } = part.piece;
  if (!complete) return park("The text is cut off, or its brackets and quotes do not close.", part);
  if (bytes[0] === OPEN_LIST) return listStep(part, room);
  if (depth > MAX_DEPTH) return park(`The record nests deeper than ${MAX_DEPTH} levels.`, part);
  const result = parsed(bytes);
  if ("reason" in result) return park(result.reason, part);
  if (typeof result.value === "string") return textStep(result.value, part, room);
  if (!isObject(result.value)) return park("The text is neither an object nor a list of objects.", part);
  return objectStep(result.value, part);
}

function withoutMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function decodeBytes(bytes: Uint8Array): Decoded[] {
  if (bytes.length > MAX_BYTES) return [parked(`The body is larger than ${MAX_BYTES} bytes.`, bytes)];
  const pieces = splitTexts(withoutMark(bytes), MAX_RECORDS);
  if (pieces.length === 0) return [parked("The body is empty.", bytes)];
  const stack: Part[] = pieces.map((piece) => ({ piece, wrappers: 0, wasText: false })).reverse();
  const results: Decoded[] = [];
  for (let part = stack.pop(); part !== undefined; part = stack.pop()) {
    const next = step(part, Math.max(1, MAX_RECORDS - results.length - stack.length));
    if ("decoded" in next) results.push(next.decoded);
    else stack.push(...next.parts.toReversed());
  }
  return results;
}

function decodeText(body: string): Decoded[] {
  const bytes = new TextEncoder().encode(body);
  return LONE_SURROGATE.test(body) ? [parked("The text is not valid Unicode.", bytes)] : decodeBytes(bytes);
}

function decodeOne(body: unknown): Decoded[] {
  try {
    if (body instanceof Uint8Array) return decodeBytes(body);
    if (typeof body === "string") return decodeText(body);
    return decodeBytes(new TextEncoder().encode(JSON.stringify(body) ?? ""));
  } catch {
    // Values of a host that are no JSON: cycles, big integers, getters that throw.
    return [parked("The value cannot be written as JSON.", new Uint8Array())];
  }
}

/** The bodies in what a host hands over. A revoked proxy throws even when asked whether it is a list. */
function bodiesIn(value: unknown): readonly unknown[] {
  try {
    return Array.isArray(value) && value.length > 0 ? Array.from(value) : [value];
  } catch {
    return [value];
  }
}

/**
 * Decodes the body of one event, or a host's list of bodies: bytes, text, or what a host has parsed already. Each
 * record gives a Signal, each piece that cannot be decoded a reason and its bytes. Never throws, never recurses, and
 * costs time in proportion to the size.
 */
export function decodeEvent(bytes: Uint8Array | string | unknown): Decoded[] {
  return bodiesIn(bytes).flatMap(decodeOne);
}

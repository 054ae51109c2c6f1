/** A range of bytes that should be one JSON text: how deep it nests, and whether its brackets and strings close. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly depth: number;
  readonly complete: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const NEWLINE = 0x0a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** True for what JSON takes as white space between texts. */
function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === NEWLINE || byte === 0x0d || byte === 0x09;
}

function isOpening(byte: number | undefined): boolean {
  return byte === OPEN_LIST || byte === OPEN_OBJECT;
}

/** Index after the string that starts at `start`, or null where it does not close on its line (JSON has no raw line ends in strings). */
function afterString(bytes: Uint8Array, start: number): number | null {
  let at = start + 1;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte === NEWLINE) return null;
    at += byte === BACKSLASH ? 2 : 1;
  }
  return null;
}

interface Extent {
  readonly end: number;
  readonly depth: number;
  readonly complete: boolean;
}

function bracketedExtent(bytes: Uint8Array, start: number): Extent {
  let open = 0;
  let depth = 0;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      const after = afterString(bytes, at);
      if (after === null) return { end: bytes.length, depth, complete: false };
      at = after;
      continue;
    }
    at += 1;
    if (isOpening(byte)) {
      open += 1;
      if (open > depth) depth = open;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      open -= 1;
      if (open === 0) return { end: at, depth, complete: true };
    }
  }
  return { end: bytes.length, depth, complete: false };
}

/** One text from `start`: a bracketed value, a string, or a run of anything else up to a line end or a bracket. */
function extentFrom(bytes: Uint8Array, start: number): Extent {
  if (isOpening(bytes[start])) return bracketedExtent(bytes, start);
  if (bytes[start] === QUOTE) {
    const end = afterString(bytes, start);
    return end === null
      ? { end: bytes.length, depth: 0, complete: false }
      : { end, depth: 0, complete: true };
  }
  let end = start;
  while (end < bytes.length && bytes[end] !== NEWLINE && !isOpening(bytes[end])) end += 1;
  return { end, depth: 0, complete: true };
}

function trimmed(bytes: Uint8Array): Uint8Array {
  let start = 0;
  let end = bytes.length;
  while (isSpace(bytes[start])) start += 1;
  while (end > start && isSpace(bytes[end - 1])) end -= 1;
  return bytes.subarray(start, end);
}

function pieceOf(bytes: Uint8Array, extent: Extent, start: number): Piece {
  return {
    bytes: trimmed(bytes.subarray(start, extent.end)),
    depth: extent.depth,
    complete: extent.complete,
  };
}

/** Appends the texts of `bytes` to `into`; gives the start of one that does not close, else null. */
function appendTexts(bytes: Uint8Array, into: Piece[], limit: number): number | null {
  let at = 0;
  while (at < bytes.length) {
    if (isSpace(bytes[at])) {
      at += 1;
      continue;
    }
    if (into.length >= limit) {
      into.push({ bytes: trimmed(bytes.subarray(at)), depth: 0, complete: false });
      return null;
    }
    const extent = extentFrom(bytes, at);
    if (!extent.complete) return at;
    into.push(pieceOf(bytes, extent, at));
    at = extent.end;
  }
  return null;
}

/** Starts of the lines that begin with a bracket: where a line-delimited body goes on after a broken line. */
function* chunksByLine(bytes: Uint8Array): Generator<Uint8Array> {
  let start = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) {
    if (!isOpening(bytes[at + 1])) continue;
    yield bytes.subarray(start, at + 1);
    start = at + 1;
  }
  yield bytes.subarray(start);
}

/**
 * The JSON texts of a body, line-delimited or simply one after another, in one pass; after a text that does not
 * close, in a second pass by lines. Past `limit` texts the rest is one incomplete piece.
 */
export function splitTexts(bytes: Uint8Array, limit: number): Piece[] {
  const pieces: Piece[] = [];
  const broken = appendTexts(bytes, pieces, limit);
  if (broken === null) return pieces;
  for (const chunk of chunksByLine(bytes.subarray(broken))) {
    if (pieces.length >= limit) {
      const rest = bytes.subarray(chunk.byteOffset - bytes.byteOffset);
      pieces.push({ bytes: trimmed(rest), depth: 0, complete: false });
      break;
    }
    const open = appendTexts(chunk, pieces, limit);
    if (open !== null) pieces.push(pieceOf(chunk, extentFrom(chunk, open), open));
  }
  return pieces;
}

/** The parts between the commas of one bracketed text (elements of a list, members of an object), in one pass. */
export function splitMembers(text: Uint8Array, limit: number): Piece[] {
  const pieces: Piece[] = [];
  const last = text.length - 1;
  let start = 1;
  let open = 0;
  let depth = 0;
  let at = 1;
  while (at < last) {
    const byte = text[at];
    if (byte === COMMA && open === 0) {
      if (pieces.length >= limit) break;
      pieces.push({ bytes: trimmed(text.subarray(start, at)), depth, complete: true });
      start = at + 1;
      depth = 0;
    } else if (isOpening(byte)) {
      open += 1;
      if (open > depth) depth = open;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      open -= 1;
    }
    at = byte === QUOTE ? (afterString(text, at) ?? last) : at + 1;
  }
  const rest = trimmed(text.subarray(start, last));
  if (rest.length > 0 || pieces.length > 0) pieces.push({ bytes: rest, depth, complete: at >= last });
  return pieces;
}

/** Key (as written, quotes included) and value of a member `"name": value` that splitMembers gives of valid JSON. */
export function memberParts(member: Piece): { readonly key: Uint8Array; readonly value: Piece } {
  const colon = member.bytes.indexOf(COLON, afterString(member.bytes, 0) ?? 0);
  return {
    key: member.bytes.subarray(0, colon),
    value: { ...member, bytes: trimmed(member.bytes.subarray(colon + 1)) },
  };
}

import type { Cell, Operation, Range } from "./table.ts";

const KIB = 1024;
const MOST_OPERATIONS = 100;
const MOST_PAYLOAD_BYTES = 4 * KIB * KIB;
const MOST_ENTITY_BYTES = KIB * KIB;
const MOST_CELLS = 252;
const LONGEST_CELL_NAME = 255;
const LONGEST_TEXT = 32 * KIB;
const MOST_BYTES = 64 * KIB;
const LONGEST_KEY = 512;
const MOST_ROWS_OF_A_PAGE = 1_000;

/** Multipart headers of one change and its URL without the keys: about 500 bytes, counted generously. */
const ENVELOPE_BYTES = KIB;

/** C# identifiers, as the service asks, of ASCII only: nobody here needs more. */
const CELL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What the service keeps for itself, in any case: the client library translates the lower-case forms into these. */
const RESERVED_NAMES = new Set(["partitionkey", "rowkey", "timestamp", "etag", "__proto__"]);

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the service forbids in a key.
const FORBIDDEN_IN_KEYS = /[/\\#?\u0000-\u001f\u007f-\u009f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these break the address of a query.
const FORBIDDEN_IN_BOUNDS = /[\u0000-\u001f\u007f-\u009f]/;

/** Half of a surrogate pair: no UTF-8 can carry it, so it would come back as another text. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * A limit of Azure Table Storage would be broken. A fault of the program, never of the outside: whoever makes rows
 * bounds them first. Raised before anything is sent, since Azurite lets some of it pass and the cloud does not.
 */
export class LimitExceeded extends TypeError {
  constructor(message: string) {
    super(message);
    this.name = "LimitExceeded";
  }
}

/**
 * Checks one key against the service's rules: at most 1 KiB (512 UTF-16 units), no `/`, `\`, `#`, `?`, no control
 * characters, well-formed text. Raises `LimitExceeded`.
 */
export function checkKey(what: "partition" | "row", key: string): void {
  if (key.length > LONGEST_KEY) {
    throw new LimitExceeded(`The ${what} key has ${key.length} characters, more than ${LONGEST_KEY}.`);
  }
  if (FORBIDDEN_IN_KEYS.test(key) || LONE_SURROGATE.test(key)) {
    throw new LimitExceeded(
      `The ${what} key ${JSON.stringify(key)} has a character that keys must not have.`,
    );
  }
}

/**
 * Checks a query for one page: bounds that an address can carry, and 1 to 1,000 rows. A bound may hold what a key
 * may not, except control characters. Raises `LimitExceeded`.
 */
export function checkRange(partition: string, range: Range, limit: number): void {
  checkKey("partition", partition);
  for (const bound of [range.from, range.to]) {
    // One more than a key: `next` of a page is the last key with one character behind it.
    if (bound.length > LONGEST_KEY + 1 || FORBIDDEN_IN_BOUNDS.test(bound) || LONE_SURROGATE.test(bound)) {
      throw new LimitExceeded(`${JSON.stringify(bound)} cannot be the bound of a range.`);
    }
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_ROWS_OF_A_PAGE) {
    throw new LimitExceeded(`A page has 1 to ${MOST_ROWS_OF_A_PAGE} rows, not ${limit}.`);
  }
}

/**
 * Checks a transaction: 1 to 100 changes, each row once, every row within its limits (1 MiB, 252 cells, texts of
 * 32 Ki characters, 64 KiB of bytes), and 4 MiB for the whole request, where bytes travel as base64.
 * Raises `LimitExceeded`.
 */
export function checkTransaction(partition: string, operations: readonly Operation[]): void {
  checkKey("partition", partition);
  if (operations.length < 1 || operations.length > MOST_OPERATIONS) {
    throw new LimitExceeded(`A transaction has 1 to ${MOST_OPERATIONS} changes, not ${operations.length}.`);
  }
  const keys = new Set<string>();
  let payload = 0;
  for (const operation of operations) {
    checkKey("row", operation.key);
    if (keys.has(operation.key)) {
      throw new LimitExceeded(`The row ${operation.key} stands twice in one transaction.`);
    }
    keys.add(operation.key);
    if ("etag" in operation && operation.etag === "") {
      throw new LimitExceeded(
        `The change of ${operation.key} has an empty ETag: "*" means that it must exist.`,
      );
    }
    // Percent-encoding makes at most nine bytes of one UTF-16 unit.
    payload += ENVELOPE_BYTES + 9 * (partition.length + operation.key.length);
    if (operation.do !== "delete") {
      payload += checkCells(partition, operation.key, operation.cells);
    }
  }
  if (payload > MOST_PAYLOAD_BYTES) {
    throw new LimitExceeded(`A transaction of about ${payload} bytes is over ${MOST_PAYLOAD_BYTES}.`);
  }
}

/** Checks the cells of one row and returns the bytes that they take in a request. */
function checkCells(partition: string, key: string, cells: Readonly<Record<string, Cell>>): number {
  const entries = Object.entries(cells);
  if (entries.length > MOST_CELLS) {
    throw new LimitExceeded(`The row ${key} has ${entries.length} cells, more than ${MOST_CELLS}.`);
  }
  let stored = 4 + 2 * (partition.length + key.length);
  let sent = 0;
  for (const [name, cell] of entries) {
    checkCellName(key, name);
    checkCell(key, name, cell);
    stored += 8 + 2 * name.length + storedBytes(cell);
    // The name stands twice where the type is named: {"name":…,"name@odata.type":"Edm.Binary"}.
    sent += 2 * name.length + 40 + sentBytes(cell);
  }
  if (stored > MOST_ENTITY_BYTES) {
    throw new LimitExceeded(`The row ${key} takes ${stored} bytes, more than ${MOST_ENTITY_BYTES}.`);
  }
  return sent;
}

function checkCellName(key: string, name: string): void {
  if (!CELL_NAME.test(name) || name.length > LONGEST_CELL_NAME || RESERVED_NAMES.has(name.toLowerCase())) {
    throw new LimitExceeded(`${JSON.stringify(name)} in the row ${key} cannot be the name of a cell.`);
  }
}

function checkCell(key: string, name: string, cell: Cell): void {
  if (typeof cell === "string") {
    if (cell.length > LONGEST_TEXT) {
      throw new LimitExceeded(
        `${name} in the row ${key} has ${cell.length} characters, over ${LONGEST_TEXT}.`,
      );
    }
    if (LONE_SURROGATE.test(cell)) {
      throw new LimitExceeded(`${name} in the row ${key} is not well-formed text.`);
    }
  } else if (cell instanceof Uint8Array) {
    if (cell.byteLength > MOST_BYTES) {
      throw new LimitExceeded(`${name} in the row ${key} has ${cell.byteLength} bytes, over ${MOST_BYTES}.`);
    }
  } else if (typeof cell === "number") {
    if (!Number.isFinite(cell) || (Number.isInteger(cell) && !Number.isSafeInteger(cell))) {
      throw new LimitExceeded(`${name} in the row ${key} is ${cell}, which would not come back as it is.`);
    }
  } else if (typeof cell !== "boolean") {
    throw new LimitExceeded(`${name} in the row ${key} is neither text, number, truth value nor bytes.`);
  }
}

/** What the service counts for a value, as its documentation of the entity size says. */
function storedBytes(cell: Cell): number {
  if (typeof cell === "string") {
    return 4 + 2 * cell.length;
  }
  if (cell instanceof Uint8Array) {
    return 4 + cell.byteLength;
  }
  return typeof cell === "number" ? 8 : 1;
}

function sentBytes(cell: Cell): number {
  if (typeof cell === "string") {
    return Buffer.byteLength(JSON.stringify(cell));
  }
  return cell instanceof Uint8Array ? 4 * Math.ceil(cell.byteLength / 3) : 24;
}

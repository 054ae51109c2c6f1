import { deflateSync, inflateSync } from "node:zlib";
import { Permanent, Refused } from "../model/errors.ts";
import type { Cell } from "./table.ts";

const CELL_BYTES = 64 * 1024;
const CELL_NAMES = ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7"] as const;
const MOST_PACKED_BYTES = CELL_NAMES.length * CELL_BYTES;

/** Far above a plan with the body of its alert (an event has 1 MiB at most); what inflates to more is no plan of ours. */
const MOST_UNPACKED_BYTES = 8 * 1024 * 1024;

/**
 * Deflates `bytes` into cells `b0`…`b7` of at most 64 KiB each. Raises `Refused` when that takes more than 512 KiB,
 * or when there are more than 8 MiB to begin with: what cannot be kept cannot be reverted.
 */
export function packBytes(bytes: Uint8Array): Record<string, Uint8Array> {
  const packed = bytes.byteLength > MOST_UNPACKED_BYTES ? null : deflateSync(bytes);
  if (packed === null || packed.byteLength > MOST_PACKED_BYTES) {
    throw new Refused(
      `A plan of ${bytes.byteLength} bytes is refused: what cannot be kept (512 KiB compressed) cannot be reverted.`,
      "Make the object or the scope of the rule smaller, or change the object by hand.",
    );
  }
  const cells: Record<string, Uint8Array> = {};
  for (const [place, name] of CELL_NAMES.entries()) {
    const start = place * CELL_BYTES;
    if (start < packed.byteLength) {
      cells[name] = new Uint8Array(packed.subarray(start, start + CELL_BYTES));
    }
  }
  return cells;
}

/**
 * Gives back what `packBytes` was given; other cells are not looked at. Raises `Refused` when more than 8 MiB come
 * out, and `Permanent` when a cell is missing or the bytes are damaged.
 */
export function unpackBytes(cells: Readonly<Record<string, Cell>>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const name of CELL_NAMES) {
    const cell = cells[name];
    if (cell === undefined) {
      break;
    }
    if (!(cell instanceof Uint8Array)) {
      throw damaged(`The cell ${name} does not hold bytes.`);
    }
    parts.push(cell);
  }
  try {
    return new Uint8Array(inflateSync(Buffer.concat(parts), { maxOutputLength: MOST_UNPACKED_BYTES }));
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw new Refused(
        `The compressed cells hold more than ${MOST_UNPACKED_BYTES} bytes.`,
        "Look who else writes to the table: no plan is as large.",
        { cause },
      );
    }
    throw damaged("The compressed cells cannot be read.", cause);
  }
}

function damaged(message: string, cause?: unknown): Permanent {
  return new Permanent(message, "Restore the row from a backup, or end its record by hand.", { cause });
}

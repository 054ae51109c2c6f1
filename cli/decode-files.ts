import type { Decoded } from "../src/model/signal.ts";
import { decodeEvent } from "../src/signals/index.ts";
import type { CommandIo, ExitCode } from "./command-io.ts";
import { complain } from "./print.ts";
import { namedInputs, readInput } from "./read-input.ts";
import { splitRecords } from "./split-records.ts";
import { Stop } from "./stop.ts";

/** The largest body of one event of the hub; a larger file is an export of many. */
const MOST_EVENT_BYTES = 1024 * 1024;

/**
 * Hands each record of the files to `take`, in order. A file is decoded as one event; one that is larger than an event
 * can be, record by record. A file that cannot be read is told and passed over. 2 then, 1 where something was parked.
 */
export async function decodeFiles(
  io: CommandIo,
  paths: readonly string[],
  take: (decoded: Decoded) => void,
): Promise<ExitCode> {
  let worst: ExitCode = 0;
  for (const path of namedInputs(paths)) {
    try {
      for (const decoded of decodeFile(await readInput(io, path))) {
        if ("parked" in decoded && worst === 0) worst = 1;
        take(decoded);
      }
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      complain(io, error.message);
      worst = 2;
    }
  }
  return worst;
}

function decodeFile(bytes: Uint8Array): readonly Decoded[] {
  return bytes.length <= MOST_EVENT_BYTES ? decodeEvent(bytes) : splitRecords(bytes).flatMap(decodeEvent);
}

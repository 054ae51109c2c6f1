import type { Decoded } from "../src/model/signal.ts";
import { decodeEvent } from "../src/signals/index.ts";
import type { CommandIo, ExitCode } from "./command-io.ts";
import { complain } from "./print.ts";
import { readBodies } from "./read-bodies.ts";
import { namedInputs } from "./read-input.ts";
import { Stop } from "./stop.ts";

/**
 * Hands each record of the files to `take`, in order. A file is decoded as one event; one that is larger than an event
 * can be, record by record, so that lines of JSON take no more memory than one of them. A file that cannot be read is told and passed over. 2 then, 1 where something was parked.
 */
export async function decodeFiles(
  io: CommandIo,
  paths: readonly string[],
  take: (decoded: Decoded) => void,
): Promise<ExitCode> {
  let worst: ExitCode = 0;
  for (const path of namedInputs(paths)) {
    try {
      for await (const body of readBodies(io, path)) {
        for (const decoded of decodeEvent(body)) {
          if ("parked" in decoded && worst === 0) worst = 1;
          take(decoded);
        }
      }
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      complain(io, error.message);
      worst = 2;
    }
  }
  return worst;
}

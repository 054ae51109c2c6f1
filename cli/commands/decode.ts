import type { Command } from "commander";
import type { CommandContext } from "../command-io.ts";
import { decodeFiles } from "../decode-files.ts";
import { printJson } from "../print.ts";

/** Adds `reflex decode`: one line of JSON per record, the Signal or `{"parked": reason}`. */
export function addDecode(program: Command, { io, end }: CommandContext): void {
  program
    .command("decode")
    .description(
      "What the decoder makes of payloads: one line of JSON per record; 1 when something was parked.",
    )
    .argument("<files...>", "payloads as they come from the hub; - is standard input")
    .action(async (files: string[]) => {
      end(
        await decodeFiles(io, files, (decoded) =>
          printJson(io, "parked" in decoded ? { parked: decoded.parked } : decoded.signal),
        ),
      );
    });
}

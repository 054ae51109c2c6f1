import type { Command } from "commander";
import type { CommandContext } from "../command-io.ts";
import { type DecisionOptions, decide } from "../decide.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

/** Adds `reflex reject`: says no to what waits. */
export function addReject(program: Command, { io, end }: CommandContext): void {
  program
    .command("reject")
    .description("Says no to what waits; it does not come again within the rule's cooldown.")
    .argument("<id>", "its id")
    .requiredOption("--reason <text>", "why, for the record")
    .option(URL_FLAGS, URL_HELP)
    .action(async (id: string, _options: unknown, command: Command) => {
      const record = await decide(io, id, "reject", command.optsWithGlobals<DecisionOptions>());
      end(record.state === "rejected" ? 0 : 1);
    });
}

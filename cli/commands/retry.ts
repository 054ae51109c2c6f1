import type { Command } from "commander";
import type { CommandContext } from "../command-io.ts";
import { type DecisionOptions, decide } from "../decide.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

/** Ends in which what was asked for is not so. */
const NOT_DONE = ["refused", "skipped", "failed"];

/** Adds `reflex retry`: begins an ended remediation anew, as a new one. */
export function addRetry(program: Command, { io, end }: CommandContext): void {
  program
    .command("retry")
    .description("Begins an ended remediation anew, cooldown or not, and prints the new one.")
    .argument("<id>", "the id of the ended one")
    .requiredOption("--reason <text>", "why, for the record")
    .option(URL_FLAGS, URL_HELP)
    .action(async (id: string, _options: unknown, command: Command) => {
      const record = await decide(io, id, "retry", command.optsWithGlobals<DecisionOptions>());
      end(NOT_DONE.includes(record.state) ? 1 : 0);
    });
}

import type { Command } from "commander";
import { openApi } from "../api.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { type PauseOptions, pauseBody, printPauses, withTarget } from "../pauses.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

/** Adds `reflex resume`: lets go on what was paused, and a rule that was tripped. */
export function addResume(program: Command, { io, end }: CommandContext): void {
  withTarget(program.command("resume"))
    .description("Lets go on what was paused with the same words; --rule also lets a tripped rule act again.")
    .option("--reason <text>", "why, for the record")
    .option(URL_FLAGS, URL_HELP)
    .action(async (_options: unknown, command: Command) => {
      end(await resume(io, command.optsWithGlobals<PauseOptions>()));
    });
}

async function resume(io: CommandIo, options: PauseOptions): Promise<ExitCode> {
  const body = pauseBody(options, "resume");
  const api = await openApi(io, options.url);
  const answer = await api.post("api/pauses/resume", body);
  printPauses(io, answer, options.json === true);
  return 0;
}

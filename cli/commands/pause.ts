import type { Command } from "commander";
import { openApi } from "../api.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { type PauseOptions, pauseBody, printPauses, withTarget } from "../pauses.ts";
import { Stop } from "../stop.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

interface Options extends PauseOptions {
  readonly show?: boolean;
}

/** Adds `reflex pause`: holds every forward write of something, or shows what is held. */
export function addPause(program: Command, { io, end }: CommandContext): void {
  withTarget(program.command("pause"))
    .description(
      "Holds every change of everything, a cluster, a rule or a playbook; reverts and deadlines go on.",
    )
    .option("--reason <text>", "why, for the record")
    .option("--show", "only show what is held")
    .option(URL_FLAGS, URL_HELP)
    .action(async (_options: unknown, command: Command) => {
      end(await pause(io, command.optsWithGlobals<Options>()));
    });
}

async function pause(io: CommandIo, options: Options): Promise<ExitCode> {
  const isShow = options.show === true;
  if (
    isShow &&
    [options.all, options.cluster, options.rule, options.playbook].some((one) => one !== undefined)
  ) {
    throw new Stop(2, "--show shows all that is held; give it alone");
  }
  const body = isShow ? null : pauseBody(options, "pause");
  const api = await openApi(io, options.url);
  const answer = body === null ? await api.get("api/pauses") : await api.post("api/pauses", body);
  printPauses(io, answer, options.json === true);
  return 0;
}

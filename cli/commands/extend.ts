import type { Command } from "commander";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { type DecisionOptions, decide } from "../decide.ts";
import { Stop } from "../stop.ts";
import { isoTime } from "../time-option.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

interface ExtendOptions extends DecisionOptions {
  readonly until?: string;
  readonly by?: string;
}

/** Adds `reflex extend`: a later deadline for a containment in force. */
export function addExtend(program: Command, { io, end }: CommandContext): void {
  program
    .command("extend")
    .description("Keeps a containment in force for longer; where it has no deadline, gives it one.")
    .argument("<id>", "its id")
    .option("--until <time>", "its new end, such as 2026-03-02T20:00:00Z; at most 30 days ahead")
    .option("--by <duration>", "so much longer than its present end, such as 4h")
    .requiredOption("--reason <text>", "why, for the record")
    .option(URL_FLAGS, URL_HELP)
    .action(async (id: string, _options: unknown, command: Command) => {
      end(await extend(io, id, command.optsWithGlobals<ExtendOptions>()));
    });
}

async function extend(io: CommandIo, id: string, options: ExtendOptions): Promise<ExitCode> {
  const { until, by } = options;
  if (until !== undefined && by === undefined)
    await decide(io, id, "extend", options, { until: timeOf(until) });
  else if (by !== undefined && until === undefined) await decide(io, id, "extend", options, { by });
  else throw new Stop(2, "give just one of --until TIME and --by DURATION");
  return 0;
}

function timeOf(text: string): string {
  const time = isoTime(text);
  if (time !== null) return time;
  throw new Stop(2, `--until ${text} is no time; write it such as 2026-03-02T20:00:00Z`);
}

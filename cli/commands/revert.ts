import type { Command } from "commander";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { type DecisionOptions, decide } from "../decide.ts";
import { type Choice, revertMany } from "../revert-many.ts";
import { Stop } from "../stop.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

type RevertOptions = DecisionOptions & Choice;

/** Adds `reflex revert`: takes one remediation back, or, after showing the list, all of a rule, cluster or playbook. */
export function addRevert(program: Command, { io, end }: CommandContext): void {
  program
    .command("revert")
    .description(
      "Takes a remediation back, or all of a rule, cluster or playbook since a time; 1 unless nothing of it is left.",
    )
    .argument("[id]", "its id; none to take back many")
    .option("--rule <name>", "all of this rule")
    .option("--cluster <name>", "all in this cluster, by its name in the configuration or its ARM id")
    .option("--playbook <name>", "all of this playbook")
    .option("--since <time>", "created since: 2h (so long ago) or ISO 8601")
    .option("--dry-run", "only show the list")
    .option("--yes", "take them back without asking")
    .requiredOption("--reason <text>", "why, for the record")
    .option(URL_FLAGS, URL_HELP)
    .action(async (id: string | undefined, _options: unknown, command: Command) => {
      end(await revert(io, id, command.optsWithGlobals<RevertOptions>()));
    });
}

async function revert(io: CommandIo, id: string | undefined, options: RevertOptions): Promise<ExitCode> {
  const { rule, cluster, playbook, since, dryRun, yes } = options;
  const names = [rule, cluster, playbook].filter((name) => name !== undefined);
  if (id === undefined) {
    if (names.length > 0 && since !== undefined) return revertMany(io, options);
    throw new Stop(
      2,
      "give the id of one remediation; or, to take back many, --rule, --cluster or --playbook with --since",
    );
  }
  if (names.length > 0 || [since, dryRun, yes].some((given) => given !== undefined)) {
    throw new Stop(2, "give either the id of one remediation or the options that choose many");
  }
  const record = await decide(io, id, "revert", options);
  return record.state === "reverted" || record.state === "rejected" ? 0 : 1;
}

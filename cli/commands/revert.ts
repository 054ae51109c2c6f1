import type { Command } from "commander";
import { openApi, understood } from "../api.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { printJson } from "../print.ts";
import { printRecord } from "../print-record.ts";
import { recordSchema } from "../record.ts";
import { remediationPath } from "../remediation-path.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

interface RevertOptions {
  readonly reason: string;
  readonly url?: string;
  readonly json?: boolean;
}

/** Adds `reflex revert`: takes a remediation back; 1 unless nothing of it is left. */
export function addRevert(program: Command, { io, end }: CommandContext): void {
  program
    .command("revert")
    .description("Takes a remediation back; 1 unless it ends reverted or rejected.")
    .argument("<id>", "its id")
    .requiredOption("--reason <text>", "why, for the record")
    .option(URL_FLAGS, URL_HELP)
    .action(async (id: string, _options: unknown, command: Command) => {
      end(await revert(io, id, command.optsWithGlobals<RevertOptions>()));
    });
}

async function revert(io: CommandIo, id: string, options: RevertOptions): Promise<ExitCode> {
  const path = remediationPath(id);
  const api = await openApi(io, options.url);
  const answer = await api.post(`${path}/revert`, { reason: options.reason });
  const record = understood(recordSchema, answer);
  if (options.json === true) printJson(io, answer);
  else printRecord(io, record);
  return record.state === "reverted" || record.state === "rejected" ? 0 : 1;
}

import type { Command } from "commander";
import { z } from "zod";
import { openApi, understood } from "../api.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { confirmed } from "../confirmed.ts";
import { type DecisionOptions, decide } from "../decide.ts";
import { complain } from "../print.ts";
import { planSchema, printPlan } from "../print-plan.ts";
import { printRecord } from "../print-record.ts";
import { recordSchema } from "../record.ts";
import { remediationPath } from "../remediation-path.ts";
import { Stop } from "../stop.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

interface ApproveOptions extends DecisionOptions {
  readonly plan?: string;
}

const shownSchema = z.looseObject({ remediation: recordSchema, plan: planSchema.nullish() });

/** Ends, and the state, in which what was approved is not so. */
const NOT_DONE = ["awaiting-approval", "refused", "skipped", "failed", "superseded", "observed"];

/** Adds `reflex approve`: shows the plan and asks, or takes the hash of the plan that was seen. */
export function addApprove(program: Command, { io, end }: CommandContext): void {
  program
    .command("approve")
    .description(
      "Approves what waits, after showing its plan. 1 where nothing follows from that: it was refused, or the plan has changed.",
    )
    .argument("<id>", "its id")
    .requiredOption("--reason <text>", "why, for the record")
    .option("--plan <hash>", "the hash of the plan that you saw with `reflex show`; nobody is asked then")
    .option(URL_FLAGS, URL_HELP)
    .action(async (id: string, _options: unknown, command: Command) => {
      end(await approve(io, id, command.optsWithGlobals<ApproveOptions>()));
    });
}

async function approve(io: CommandIo, id: string, options: ApproveOptions): Promise<ExitCode> {
  const planHash = options.plan ?? (await seen(io, id, options));
  if (planHash === null) {
    complain(io, "nothing was approved");
    return 1;
  }
  const record = await decide(io, id, "approve", options, { planHash });
  return NOT_DONE.includes(record.state) ? 1 : 0;
}

/** The hash of the plan that the person at the terminal saw and wants; null: does not want it. */
async function seen(io: CommandIo, id: string, { url }: ApproveOptions): Promise<string | null> {
  const path = remediationPath(id);
  const instead = `look with \`reflex show ${id}\` and give --plan HASH`;
  if (io.ask === null) throw new Stop(2, `nobody is asked without a terminal; ${instead}`);
  const api = await openApi(io, url);
  const { remediation, plan } = understood(shownSchema, await api.get(path));
  if (plan?.hash == null) throw new Stop(1, `remediation ${id} is ${remediation.state} and has no plan`);
  // What is asked about goes where the question goes; the answer alone is for programs.
  const terminal = { ...io, write: (text: string) => io.writeError(text) };
  printRecord(terminal, remediation);
  printPlan(terminal, plan);
  return (await confirmed(io, "Approve this plan?", instead)) ? plan.hash : null;
}

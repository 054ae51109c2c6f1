import type { Command } from "commander";
import { z } from "zod";
import { openApi, understood } from "../api.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { printJson, printLine } from "../print.ts";
import { planSchema, printPlan } from "../print-plan.ts";
import { printRecord } from "../print-record.ts";
import { printTable } from "../print-table.ts";
import { recordSchema } from "../record.ts";
import { remediationPath } from "../remediation-path.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

const shownSchema = z.looseObject({
  remediation: recordSchema,
  plan: planSchema.nullish(),
  history: z.array(
    z.looseObject({
      at: z.string(),
      who: z.string(),
      what: z.string(),
      why: z.string(),
      before: z.string().nullish(),
      after: z.string(),
    }),
  ),
});

type Shown = z.infer<typeof shownSchema>;
interface ShowOptions {
  readonly url?: string;
  readonly json?: boolean;
}

/** Adds `reflex show`: one remediation with the steps of its plan and its history. */
export function addShow(program: Command, { io, end }: CommandContext): void {
  program
    .command("show")
    .description("Shows one remediation, the steps of its plan and its history.")
    .argument("<id>", "its id")
    .option(URL_FLAGS, URL_HELP)
    .action(async (id: string, _options: unknown, command: Command) => {
      end(await show(io, id, command.optsWithGlobals<ShowOptions>()));
    });
}

async function show(io: CommandIo, id: string, options: ShowOptions): Promise<ExitCode> {
  const path = remediationPath(id);
  const api = await openApi(io, options.url);
  const answer = await api.get(path);
  const { remediation, plan, history } = understood(shownSchema, answer);
  if (options.json === true) {
    printJson(io, answer);
    return 0;
  }
  printRecord(io, remediation);
  if (plan != null) printPlan(io, plan);
  printHistory(io, history);
  return 0;
}

function printHistory(io: CommandIo, history: Shown["history"]): void {
  printLine(io, "");
  printLine(io, "History");
  printTable(
    io,
    [{ title: "AT" }, { title: "WHO" }, { title: "WHAT" }, { title: "STATE" }, { title: "WHY" }],
    history.map(({ at, who, what, before, after, why }) => [
      at,
      who,
      what,
      before == null || before === after ? after : `${before} → ${after}`,
      why,
    ]),
  );
}

import type { Command } from "commander";
import { z } from "zod";
import { openApi, understood } from "../api.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { printJson, printLine } from "../print.ts";
import { printTable } from "../print-table.ts";
import { targetWords } from "../record.ts";
import { Stop } from "../stop.ts";
import { timeOption } from "../time-option.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

interface ReportOptions {
  readonly since?: string;
  readonly url?: string;
  readonly json?: boolean;
}

const counts = z.array(z.looseObject({ name: z.string(), count: z.number() }));
const reportSchema = z.looseObject({
  rule: z.string(),
  mode: z.string().nullable(),
  since: z.string(),
  signals: z.number(),
  remediations: z.number(),
  states: counts,
  observed: z.looseObject({
    plans: z.number(),
    targets: z.number(),
    playbooks: counts,
    clusters: counts,
    namespaces: counts,
    top: counts,
  }),
  peaks: z.array(
    z.looseObject({
      budget: z.string(),
      name: z.string(),
      hour: z.string(),
      targets: z.number(),
      limit: z.number(),
    }),
  ),
  takenBack: z.looseObject({
    count: z.number(),
    newest: z.array(
      z.looseObject({
        id: z.string(),
        target: z.unknown(),
        state: z.string(),
        who: z.string().nullable(),
        why: z.string().nullable(),
      }),
    ),
  }),
  others: counts,
  sentences: z.array(z.string()),
});

type Report = z.infer<typeof reportSchema>;

/** Adds `reflex report`: what a rule did, or would have done. */
export function addReport(program: Command, { io, end }: CommandContext): void {
  program
    .command("report")
    .description("Tells from the records what a rule did or would have done, and what people took back.")
    .argument("<rule>", "name of the rule")
    .option("--since <time>", "created since: 7d (so long ago) or ISO 8601 (else 30d)")
    .option(URL_FLAGS, URL_HELP)
    .action(async (rule: string, _options: unknown, command: Command) => {
      end(await report(io, rule, command.optsWithGlobals<ReportOptions>()));
    });
}

async function report(io: CommandIo, rule: string, options: ReportOptions): Promise<ExitCode> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(rule))
    throw new Stop(2, `${JSON.stringify(rule)} is no name of a rule`);
  const since = timeOption("--since", options.since, io.now());
  const api = await openApi(io, options.url);
  const answer = await api.get(`api/rules/${rule}/report`, { since });
  const told = understood(reportSchema, answer);
  if (options.json === true) printJson(io, answer);
  else print(io, told);
  return 0;
}

function print(io: CommandIo, told: Report): void {
  const { rule, mode, since, signals, remediations, states, observed, peaks, takenBack, others } = told;
  printLine(io, `Rule ${rule} (${mode ?? "no longer in the configuration"}) since ${since}`);
  printLine(io, `${signals} signals began ${remediations} remediations.`);
  for (const sentence of told.sentences) printLine(io, sentence);
  printCounts(io, "STATE", states);
  printCounts(io, "OBSERVED PLAYBOOK", observed.playbooks);
  printCounts(io, "OBSERVED CLUSTER", observed.clusters);
  printCounts(io, "OBSERVED NAMESPACE", observed.namespaces);
  printCounts(io, "OBSERVED TARGET", observed.top);
  printRows(
    io,
    ["BUDGET", "OF", "HOUR (UTC)", "TARGETS", "LIMIT"],
    peaks.map(({ budget, name, hour, targets, limit }) => [
      budget,
      name,
      hour,
      String(targets),
      String(limit),
    ]),
  );
  printRows(
    io,
    ["TAKEN BACK", "TARGET", "STATE", "WHO", "WHY"],
    takenBack.newest.map(({ id, target, state, who, why }) => [
      id,
      targetWords(target),
      state,
      who ?? "",
      why ?? "",
    ]),
  );
  printCounts(io, "OTHER RULES ON THESE TARGETS", others);
}

function printCounts(io: CommandIo, title: string, all: Report["states"]): void {
  printRows(
    io,
    [title, "COUNT"],
    all.map(({ name, count }) => [name, String(count)]),
  );
}

/** A table with an empty line before it; nothing where there is nothing to show. */
function printRows(io: CommandIo, titles: readonly string[], rows: readonly (readonly string[])[]): void {
  if (rows.length === 0) return;
  printLine(io, "");
  printTable(
    io,
    titles.map((title) => ({ title, most: 80, keepsEnd: true })),
    rows,
  );
}

import type { Command } from "commander";
import { z } from "zod";
import { CSV_HEADINGS, csvOf } from "../../src/engine/audit-csv.ts";
import { targetSchema } from "../../src/model/target.ts";
import { openApi, understood } from "../api.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { pages } from "../pages.ts";
import { printJson, printLine } from "../print.ts";
import { Stop } from "../stop.ts";
import { timeOption } from "../time-option.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

interface AuditOptions {
  readonly root?: string;
  readonly format?: string;
  readonly from?: string;
  readonly to?: string;
  readonly url?: string;
  readonly json?: boolean;
}

const MOST_FAULTS = 20;
const PAGE_OF_EXPORT = "1000";
const number = z.number().default(0);
const verifiedSchema = z.looseObject({
  checked: z.looseObject({ roots: number, heads: number, remediations: number, notes: number }),
  faults: z.array(z.string()),
  next: z.string().nullish(),
});
const exportedSchema = z.looseObject({ rows: z.array(z.unknown()), next: z.string().nullish() });
const text = z.string().nullable().catch(null);
const rowSchema = z.object({
  kind: z.enum(["remediation", "control"]),
  id: z.string(),
  sequence: z.number(),
  at: z.string(),
  who: z.string(),
  what: z.string(),
  why: z.string(),
  before: text,
  after: text,
  rule: text,
  playbook: text,
  // One of a kind that this version does not know is left out of a table; JSON lines have it.
  target: targetSchema.nullable().catch(null),
  details: z.record(z.string(), z.unknown()),
  previous: z.string(),
  hash: z.string(),
});

/** Adds `reflex audit`: is the history as it was written, and the history as a file. */
export function addAudit(program: Command, { io, end }: CommandContext): void {
  const audit = program.command("audit").description("The history of everything that was done and decided.");
  audit
    .command("verify")
    .description("Looks whether anything of the history was altered or is missing; 1 where it was.")
    .option(
      "--root <hash>",
      "hash of a daily root that was kept elsewhere (the log): it must be among the roots",
    )
    .option(URL_FLAGS, URL_HELP)
    .action(async (_options: unknown, command: Command) => {
      end(await verify(io, command.optsWithGlobals<AuditOptions>()));
    });
  audit
    .command("export")
    .description("Prints the history as JSON lines or CSV.")
    .option("--format <format>", "jsonl or csv", "jsonl")
    .option("--from <time>", "written since: 2h (so long ago) or ISO 8601")
    .option("--to <time>", "written before: 2h (so long ago) or ISO 8601")
    .option(URL_FLAGS, URL_HELP)
    .action(async (_options: unknown, command: Command) => {
      end(await exported(io, command.optsWithGlobals<AuditOptions>()));
    });
}

async function verify(io: CommandIo, options: AuditOptions): Promise<ExitCode> {
  const { root } = options;
  if (root !== undefined && !/^[0-9a-f]{64}$/.test(root))
    throw new Stop(2, "--root wants the hash of a daily root: 64 hexadecimal digits, as the log has it");
  const api = await openApi(io, options.url);
  const all = { roots: 0, heads: 0, remediations: 0, notes: 0 };
  const faults: string[] = [];
  let isWhole = true;
  for await (const page of pages(api, "api/audit/verify", { root }, verifiedSchema)) {
    for (const name of ["roots", "heads", "remediations", "notes"] as const) all[name] += page.checked[name];
    faults.push(...page.faults);
    isWhole = page.next == null;
    if (faults.length >= MOST_FAULTS) break;
  }
  if (options.json === true) printJson(io, { checked: all, faults, complete: isWhole });
  else printVerified(io, all, faults, isWhole);
  return faults.length === 0 ? 0 : 1;
}

function printVerified(
  io: CommandIo,
  all: {
    readonly roots: number;
    readonly heads: number;
    readonly remediations: number;
    readonly notes: number;
  },
  faults: readonly string[],
  isWhole: boolean,
): void {
  for (const fault of faults) printLine(io, fault);
  if (!isWhole) printLine(io, "There may be more: the rest was not looked at.");
  const looked = `${all.remediations} remediations, ${all.roots} daily roots over ${all.heads} heads, ${all.notes} rows of the control history`;
  printLine(io, `${faults.length === 0 ? "Nothing was altered or is missing" : "Looked at"}: ${looked}.`);
}

async function exported(io: CommandIo, options: AuditOptions): Promise<ExitCode> {
  const { format = "jsonl" } = options;
  if (format !== "jsonl" && format !== "csv") throw new Stop(2, `--format ${format}: use jsonl or csv`);
  const asCsv = format === "csv" && options.json !== true;
  const query = {
    format: "json",
    limit: PAGE_OF_EXPORT,
    from: timeOption("--from", options.from, io.now()),
    to: timeOption("--to", options.to, io.now()),
  };
  const api = await openApi(io, options.url);
  if (asCsv) io.write(CSV_HEADINGS);
  for await (const page of pages(api, "api/audit/export", query, exportedSchema)) {
    for (const row of page.rows) {
      if (asCsv) io.write(csvOf([understood(rowSchema, row)]));
      else printJson(io, row);
    }
  }
  return 0;
}

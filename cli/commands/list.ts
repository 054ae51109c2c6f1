import type { Command } from "commander";
import { z } from "zod";
import { type Api, openApi, understood } from "../api.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { printJson, printLine } from "../print.ts";
import { printTable } from "../print-table.ts";
import { recordSchema, targetWords } from "../record.ts";
import { Stop } from "../stop.ts";
import { timeOption } from "../time-option.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

interface ListOptions {
  readonly state?: string;
  readonly target?: string;
  readonly alert?: string;
  readonly playbook?: string;
  readonly rule?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
  readonly all?: boolean;
  readonly url?: string;
  readonly json?: boolean;
}

const PAGE_OF_ALL = "200";
const COLUMNS = [
  { title: "ID" },
  { title: "AGE" },
  { title: "STATE" },
  { title: "PROOF" },
  { title: "PLAYBOOK" },
  { title: "TARGET", most: 60, keepsEnd: true },
  { title: "RULE", most: 40 },
  { title: "SEVERITY" },
];
const pageSchema = z.looseObject({ remediations: z.array(z.unknown()), next: z.string().nullish() });

/** Adds `reflex list`: remediations, newest first. */
export function addList(program: Command, { io, end }: CommandContext): void {
  program
    .command("list")
    .description("Lists remediations, newest first.")
    .option("--state <states>", "states with commas between; open means all that are not ended")
    .option("--target <json>", "of this target")
    .option("--alert <id>", "of this alert or assessment")
    .option("--playbook <name>", "of this playbook")
    .option("--rule <name>", "of this rule")
    .option("--since <time>", "created since: 2h (so long ago) or ISO 8601")
    .option("--until <time>", "created before: 2h (so long ago) or ISO 8601")
    .option("--limit <count>", "at most so many, up to 500; with --all, so many per page (else 50)")
    .option("--all", "all of them, page by page")
    .option(URL_FLAGS, URL_HELP)
    .action(async (_options: unknown, command: Command) => {
      end(await list(io, command.optsWithGlobals<ListOptions>()));
    });
}

async function list(io: CommandIo, options: ListOptions): Promise<ExitCode> {
  const { state, target, alert, playbook, rule, all = false } = options;
  const query = {
    state,
    target,
    signal: alert,
    playbook,
    rule,
    from: timeOption("--since", options.since, io.now()),
    to: timeOption("--until", options.until, io.now()),
    limit: options.limit ?? (all ? PAGE_OF_ALL : undefined),
  };
  const api = await openApi(io, options.url);
  const rows: string[][] = [];
  let more = false;
  for await (const page of pages(api, query)) {
    for (const answer of page.remediations) {
      if (options.json === true) printJson(io, answer);
      else rows.push(rowOf(answer, io.now()));
    }
    more = page.next != null;
    if (!all) break;
  }
  if (options.json === true) return 0;
  if (rows.length === 0) printLine(io, "No remediations.");
  else printTable(io, COLUMNS, rows);
  if (more) printLine(io, "There are older ones: add --all.");
  return 0;
}

async function* pages(api: Api, query: Readonly<Record<string, string | undefined>>) {
  const seen = new Set<string>();
  let after: string | undefined;
  do {
    const page = understood(pageSchema, await api.get("api/remediations", { ...query, after }));
    yield page;
    after = page.next ?? undefined;
    if (after !== undefined && seen.has(after))
      throw new Stop(1, "the pages of the list run in a circle; ask with --since and --until instead");
    if (after !== undefined) seen.add(after);
  } while (after !== undefined);
}

function rowOf(answer: unknown, now: Date): string[] {
  const record = understood(recordSchema, answer);
  return [
    record.id,
    record.createdAt == null ? "" : age(now.getTime() - Date.parse(record.createdAt)),
    record.state,
    record.proof ?? "",
    record.playbook,
    targetWords(record.target),
    record.rule?.name ?? "",
    record.signal?.severity ?? "",
  ];
}

/** The largest whole unit: `45s`, `12m`, `3h`, `9d`. Clocks may differ: what lies ahead is `0s`. */
function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (Number.isNaN(seconds)) return "";
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

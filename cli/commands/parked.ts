import type { Command } from "commander";
import { z } from "zod";
import { ageOf } from "../age.ts";
import { type Api, openApi, understood } from "../api.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { pages } from "../pages.ts";
import { printJson, printLine } from "../print.ts";
import { printTable } from "../print-table.ts";
import { Stop } from "../stop.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

interface ParkedOptions {
  readonly all?: boolean;
  readonly limit?: string;
  readonly reason?: string;
  readonly url?: string;
  readonly json?: boolean;
}

const PATH = "api/parked";
const PAGE_OF_ALL = "500";
const parkedSchema = z.looseObject({
  id: z.string(),
  reason: z.string(),
  at: z.string(),
  partition: z.string().nullish(),
  sequence: z.string().nullish(),
  piece: z.string().nullish(),
  enqueuedAt: z.string().nullish(),
  size: z.number(),
});
const pageSchema = z.looseObject({ events: z.array(parkedSchema), next: z.string().nullish() });
const shownSchema = parkedSchema.extend({
  complete: z.boolean(),
  text: z.string().nullable(),
  base64: z.string(),
});
const replayedSchema = z.looseObject({
  id: z.string(),
  outcome: z.string(),
  reasons: z.array(z.string()).default([]),
});

/** Adds `reflex parked`: events that could not be read or handled, to be looked at, replayed and dropped. */
export function addParked(program: Command, { io, end }: CommandContext): void {
  const parked = program
    .command("parked")
    .description("Events that could not be read or handled and wait for a person.");
  parked
    .command("list")
    .description("Lists parked events, newest first.")
    .option("--limit <count>", "at most so many, up to 500 (else 50)")
    .option("--all", "all of them, page by page")
    .option(URL_FLAGS, URL_HELP)
    .action(async (_options: unknown, command: Command) => {
      end(await list(io, command.optsWithGlobals<ParkedOptions>()));
    });
  parked
    .command("show")
    .description("Shows one parked event with what is in it.")
    .argument("<id>", "its id")
    .option(URL_FLAGS, URL_HELP)
    .action(async (id: string, _options: unknown, command: Command) => {
      end(await show(io, id, command.optsWithGlobals<ParkedOptions>()));
    });
  parked
    .command("replay")
    .description("Takes parked events through the rules once more; 1 where one stays parked.")
    .argument("[ids...]", "their ids")
    .option("--all", "all that are parked, the oldest first")
    .option("--reason <text>", "why, for the record", "replayed by hand")
    .option(URL_FLAGS, URL_HELP)
    .action(async (ids: readonly string[], _options: unknown, command: Command) => {
      end(await replay(io, ids, command.optsWithGlobals<ParkedOptions>()));
    });
  parked
    .command("drop")
    .description("Removes one parked event for good.")
    .argument("<id>", "its id")
    .requiredOption("--reason <text>", "why, for the record")
    .option(URL_FLAGS, URL_HELP)
    .action(async (id: string, _options: unknown, command: Command) => {
      end(await drop(io, id, command.optsWithGlobals<ParkedOptions>()));
    });
}

async function list(io: CommandIo, options: ParkedOptions): Promise<ExitCode> {
  const { all = false } = options;
  const limit = options.limit ?? (all ? PAGE_OF_ALL : undefined);
  const api = await openApi(io, options.url);
  const rows: string[][] = [];
  let more = false;
  for await (const page of pages(api, PATH, { limit }, pageSchema)) {
    for (const event of page.events) {
      if (options.json === true) printJson(io, event);
      else rows.push([event.id, ageOf(event.at, io.now()), String(event.size), event.reason]);
    }
    more = page.next != null;
    if (!all) break;
  }
  if (options.json === true) return 0;
  if (rows.length === 0) printLine(io, "Nothing is parked.");
  else
    printTable(
      io,
      [{ title: "ID" }, { title: "AGE" }, { title: "BYTES" }, { title: "REASON", most: 100 }],
      rows,
    );
  if (more) printLine(io, "There are older ones: add --all.");
  return 0;
}

async function show(io: CommandIo, id: string, options: ParkedOptions): Promise<ExitCode> {
  const path = pathOf(id);
  const api = await openApi(io, options.url);
  const answer = await api.get(path);
  const event = understood(shownSchema, answer);
  if (options.json === true) {
    printJson(io, answer);
    return 0;
  }
  const facts: readonly (readonly [string, string | null | undefined])[] = [
    ["id", event.id],
    ["reason", event.reason],
    ["parked", event.at],
    ["in the hub since", event.enqueuedAt],
    ["hub partition", event.partition],
    ["sequence number", event.sequence],
    ["record of event", event.piece === "event" ? "all of it" : event.piece],
    ["bytes", `${event.size}${event.complete ? "" : " (some are missing; the hub delivers it again)"}`],
  ];
  for (const [name, value] of facts) {
    if (value != null && value !== "") printLine(io, `${name.padEnd(16)}  ${value}`);
  }
  printLine(io, "");
  if (event.text === null) printLine(io, `It is no text; as base64: ${event.base64}`);
  else for (const line of event.text.split("\n")) printLine(io, line);
  return 0;
}

async function replay(io: CommandIo, ids: readonly string[], options: ParkedOptions): Promise<ExitCode> {
  const { all = false, reason } = options;
  if (all === ids.length > 0) throw new Stop(2, "name the parked events to replay, or give --all, not both");
  const paths = ids.map(pathOf);
  const api = await openApi(io, options.url);
  let worst: ExitCode = 0;
  for (const path of all ? await allPaths(api) : paths) {
    const answer = await api.post(`${path}/replay`, { reason });
    const { id, outcome, reasons } = understood(replayedSchema, answer);
    if (outcome !== "done") worst = 1;
    const why = reasons.length === 0 ? "" : `: ${reasons.join("; ")}`;
    if (options.json === true) printJson(io, answer);
    else printLine(io, `${id}  ${outcome}${why}`);
  }
  return worst;
}

/** All that is parked now, the oldest first; what is parked meanwhile is left for the next time. */
async function allPaths(api: Api): Promise<readonly string[]> {
  const paths: string[] = [];
  for await (const page of pages(api, PATH, { limit: PAGE_OF_ALL }, pageSchema))
    paths.push(...page.events.map(({ id }) => pathOf(id)));
  return paths.toReversed();
}

async function drop(io: CommandIo, id: string, options: ParkedOptions): Promise<ExitCode> {
  const path = pathOf(id);
  const api = await openApi(io, options.url);
  const answer = await api.post(`${path}/drop`, { reason: options.reason });
  if (options.json === true) printJson(io, answer);
  else printLine(io, `${id}  dropped`);
  return 0;
}

/** The API's path of a parked event. Raises `Stop` for what is no id, which must not become another path. */
function pathOf(id: string): string {
  if (/^[\w-]+\.[\w-]+\.\w+\.[0-9a-f]{12}$/.test(id) && id.length <= 200) return `${PATH}/${id}`;
  throw new Stop(
    2,
    `${JSON.stringify(id)} is no id of a parked event; look it up with \`reflex parked list\``,
  );
}

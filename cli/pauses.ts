import type { Command } from "commander";
import { z } from "zod";
import { understood } from "./api.ts";
import type { CommandIo } from "./command-io.ts";
import { mustSayWhy } from "./decide.ts";
import { printJson, printLine } from "./print.ts";
import { type Column, printTable } from "./print-table.ts";
import { Stop } from "./stop.ts";

/** What can be held, as options of a command. */
export interface PauseOptions {
  readonly all?: boolean;
  readonly cluster?: string;
  readonly rule?: string;
  readonly playbook?: string;
  readonly reason?: string;
  readonly url?: string;
  readonly json?: boolean;
}

const since = { why: z.string(), since: z.string() };
const pausesSchema = z.looseObject({
  held: z.boolean(),
  pauses: z.array(
    z.looseObject({
      of: z.looseObject({ kind: z.string(), name: z.string().optional() }),
      who: z.string(),
      ...since,
    }),
  ),
  trips: z.array(z.looseObject({ rule: z.string(), ...since })),
});

/** Adds the options that name what is to be held, or to go on. */
export function withTarget(command: Command): Command {
  return command
    .option("--all", "everything")
    .option("--cluster <name>", "one cluster, by its name in the configuration or its ARM id")
    .option("--rule <name>", "one rule")
    .option("--playbook <name>", "one playbook");
}

/** The body of the request. Raises `Stop` (2) unless just one thing is named, with a reason. */
export function pauseBody(options: PauseOptions, verb: "pause" | "resume"): Record<string, unknown> {
  const { all, cluster, rule, playbook, reason } = options;
  const named = Object.entries({ all, cluster, rule, playbook }).filter(([, value]) => value !== undefined);
  if (named.length !== 1) {
    const what = named.length === 0 ? `say what to ${verb}` : `${verb} one thing at a time`;
    throw new Stop(
      2,
      `${what}: --all, --cluster NAME, --rule NAME or --playbook NAME; \`reflex pause --show\` lists what is held`,
    );
  }
  mustSayWhy(reason ?? "");
  return { ...Object.fromEntries(named), reason };
}

/** Prints what is switched off: as the API gives it, or as a table. Raises `Stop`. */
export function printPauses(io: CommandIo, answer: unknown, json: boolean): void {
  const { held, pauses, trips } = understood(pausesSchema, answer);
  if (json) {
    printJson(io, answer);
    return;
  }
  const rows = [
    ...(held ? [["everything", "REFLEX_MODE", "", "the app setting is off"]] : []),
    ...pauses.map(({ of, who, since: from, why }) => [
      of.kind === "all" ? "everything" : `${of.kind} ${of.name ?? "?"}`,
      who,
      from,
      why,
    ]),
    ...trips.map(({ rule, since: from, why }) => [`rule ${rule} (only observes)`, "engine", from, why]),
  ];
  if (rows.length === 0) printLine(io, "Nothing is held.");
  else printTable(io, COLUMNS, rows);
}

const COLUMNS = [
  { title: "HELD", most: 70, keepsEnd: true },
  { title: "BY", most: 40 },
  { title: "SINCE" },
  { title: "WHY" },
] as const satisfies readonly Column[];

import type { Command } from "commander";
import { canonicalJson } from "../../src/model/canonical-json.ts";
import type { Decoded, Signal } from "../../src/model/signal.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { asksForLabels, type Configuration, parseDuration } from "../../src/rules/index.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { decodeFiles } from "../decode-files.ts";
import { complain, printJson, printLine } from "../print.ts";
import { type Column, printTable } from "../print-table.ts";
import { readGoodConfiguration } from "../read-configuration.ts";
import { momentOf, type Replayed, replaySignal } from "../replay-signal.ts";
import { Stop } from "../stop.ts";
import { timeOption } from "../time-option.ts";

interface Options {
  readonly config: string;
  readonly against?: string;
  readonly at?: string;
}

/** Adds `reflex replay`: what the rules decide about past exports; with a second configuration, what differs. */
export function addReplay(program: Command, { io, end }: CommandContext): void {
  program
    .command("replay")
    .description(
      "What the rules decide about past exports; with --against only what differs (1 then). The same files give the same output.",
    )
    .argument("<files...>", "payloads as they come from the hub, or lines of JSON; - is standard input")
    .requiredOption("--config <file>", "the configuration")
    .option("--against <file>", "another configuration: only signals that it decides otherwise are shown")
    .option("--at <time>", "as if all came at this time (ISO 8601); at their own times unless given")
    .action(async (files: string[], options: Options, command: Command) => {
      end(await replay(io, files, options, command.optsWithGlobals()["json"] === true));
    });
}

async function replay(
  io: CommandIo,
  files: readonly string[],
  options: Options,
  json: boolean,
): Promise<ExitCode> {
  const at = momentOption(options.at, io);
  const config = await readGoodConfiguration(io, options.config);
  const against = options.against === undefined ? null : await readGoodConfiguration(io, options.against);
  if (asksForLabels(config) || (against !== null && asksForLabels(against))) {
    complain(io, "labels are read from the cluster, so a clause about labels holds for nothing here");
  }
  const told = json ? new Lines(io) : new Table(io, against !== null);
  const counts = { signals: 0, told: 0, parked: 0 };
  const read = await decodeFiles(io, files, (decoded) => {
    if ("parked" in decoded) {
      counts.parked += 1;
      if (against === null) told.parked(decoded.parked);
      return;
    }
    counts.signals += 1;
    const sides = sidesOf(decoded, config, against, at);
    if (sides === null) return;
    counts.told += 1;
    told.signal(decoded.signal, momentOf(decoded.signal, at)?.toISOString() ?? null, sides);
  });
  told.end();
  if (!json) printLine(io, summary(counts, against !== null));
  if (against === null) return read;
  if (counts.parked > 0) {
    const what = counts.parked === 1 ? "1 record" : `${counts.parked} records`;
    complain(io, `${what} could not be decoded and so not compared; without --against the reasons are shown`);
  }
  return read === 2 ? 2 : counts.told > 0 ? 1 : 0;
}

/** Only a time that stays the same tomorrow: the output may depend on nothing but its input. */
function momentOption(text: string | undefined, io: CommandIo): Date | null {
  if (text !== undefined && parseDuration(text) !== null) {
    throw new Stop(
      2,
      `--at ${text} would mean another time tomorrow; write the time such as 2026-03-02T08:00:00Z`,
    );
  }
  const time = timeOption("--at", text, io.now());
  return time === undefined ? null : new Date(time);
}

/** The decisions by the configuration they come from; null where there is nothing to tell. */
type Sides = Readonly<Record<string, readonly Replayed[]>>;

const PLAYBOOKS = new Map(playbooks.map((playbook) => [playbook.name, playbook]));

function sidesOf(
  { signal }: Exclude<Decoded, { parked: string }>,
  config: Configuration,
  against: Configuration | null,
  at: Date | null,
): Sides | null {
  const decisions = replaySignal(signal, config, PLAYBOOKS, at);
  if (against === null) return { decisions };
  const others = replaySignal(signal, against, PLAYBOOKS, at);
  return canonicalJson(decisions) === canonicalJson(others) ? null : { config: decisions, against: others };
}

function summary(counts: { signals: number; told: number; parked: number }, isCompared: boolean): string {
  const signals = `${counts.signals} ${counts.signals === 1 ? "signal" : "signals"}`;
  return isCompared
    ? `${signals} compared, ${counts.told} decided otherwise.`
    : `${signals}, ${counts.parked} parked.`;
}

/** Where the outcome goes, one signal after another, so that nothing is kept. */
interface Teller {
  signal(signal: Signal, at: string | null, sides: Sides): void;
  parked(reason: string): void;
  end(): void;
}

class Lines implements Teller {
  readonly #io: CommandIo;

  constructor(io: CommandIo) {
    this.#io = io;
  }

  signal({ id, kind, key, severity, notActionable }: Signal, at: string | null, sides: Sides): void {
    printJson(this.#io, { signal: id, kind, key, severity, notActionable, at, ...sides });
  }

  parked(reason: string): void {
    printJson(this.#io, { parked: reason });
  }

  end(): void {}
}

/** A table that is printed every so many rows, with its headings. */
const MOST_ROWS = 500;
const COLUMNS: readonly Column[] = [
  { title: "SIGNAL", most: 40, keepsEnd: true },
  { title: "KEY", most: 44 },
  { title: "PLAYBOOK" },
  { title: "MODE" },
  { title: "RULE", most: 30 },
  { title: "TARGET", most: 44 },
  { title: "BECAUSE", most: 90 },
];

class Table implements Teller {
  readonly #io: CommandIo;
  readonly #columns: readonly Column[];
  readonly #isCompared: boolean;
  #rows: string[][] = [];

  constructor(io: CommandIo, isCompared: boolean) {
    this.#io = io;
    this.#isCompared = isCompared;
    this.#columns = isCompared ? [{ title: "IN" }, ...COLUMNS] : COLUMNS;
  }

  signal({ id, key, notActionable }: Signal, _at: string | null, sides: Sides): void {
    for (const [side, decisions] of Object.entries(sides)) {
      const before = [...(this.#isCompared ? [side] : []), id, key ?? ""];
      if (decisions.length === 0) this.#add([...before, "nothing", "", "", "", notActionable ?? ""]);
      for (const { playbook, mode, rule, target, because } of decisions) {
        this.#add([...before, playbook, mode, rule, target ?? "", because.join("; ")]);
      }
    }
  }

  parked(reason: string): void {
    this.#add(["", "", "parked", "", "", "", reason]);
  }

  end(): void {
    if (this.#rows.length > 0) printTable(this.#io, this.#columns, this.#rows);
    this.#rows = [];
  }

  #add(row: string[]): void {
    this.#rows.push(row);
    if (this.#rows.length >= MOST_ROWS) this.end();
  }
}

import type { Command } from "commander";
import { lowestMode } from "../../src/model/mode.ts";
import { modeAt } from "../../src/model/mode-at.ts";
import type { Signal } from "../../src/model/signal.ts";
import { type Configuration, decide, type Explanation, explain, NO_FACTS } from "../../src/rules/index.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { decodeFiles } from "../decode-files.ts";
import { printJson, printLine } from "../print.ts";
import { cutText, printTable } from "../print-table.ts";
import { readGoodConfiguration } from "../read-configuration.ts";
import { timeOption } from "../time-option.ts";

/** Rules name dozens of alert types; `--json` has them all. */
const MOST_WHY = 120;
const COLUMNS = ["OUTCOME", "RULE", "MODE", "PLAYBOOKS", "WHY"].map((title) => ({ title }));

/** Adds `reflex explain`: what the rules decide about payloads, and why, without a network. */
export function addExplain(program: Command, { io, end }: CommandContext): void {
  program
    .command("explain")
    .description(
      "What the rules decide about payloads, and the clause that failed in those that do not match.",
    )
    .argument("<files...>", "payloads as they come from the hub; - is standard input")
    .option("--config <file>", "the configuration", "reflex.yaml")
    .option("--at <time>", "as if they came at this time (ISO 8601, or 2h for so long ago); now unless given")
    .action(async (files: string[], options: Options, command: Command) => {
      end(await explainFiles(io, files, options, command.optsWithGlobals()["json"] === true));
    });
}

interface Options {
  readonly config: string;
  readonly at?: string;
}

async function explainFiles(
  io: CommandIo,
  files: readonly string[],
  { config, at }: Options,
  json: boolean,
): Promise<ExitCode> {
  const configuration = await readGoodConfiguration(io, config);
  const now = io.now();
  const moment = new Date(timeOption("--at", at, now) ?? now);
  let isFirst = true;
  return decodeFiles(io, files, (decoded) => {
    if (!isFirst && !json) printLine(io, "");
    isFirst = false;
    if ("parked" in decoded) {
      if (json) printJson(io, { parked: decoded.parked });
      else printLine(io, `parked: ${decoded.parked}`);
    } else if (json) printJson(io, asJson(decoded.signal, configuration, moment));
    else tell(io, decoded.signal, configuration, moment);
  });
}

function asJson(signal: Signal, configuration: Configuration, at: Date) {
  const { id, kind, key, title, severity, actionable, notActionable } = signal;
  return {
    signal: { id, kind, key, title, severity, actionable, notActionable },
    decisions: decide(signal, configuration).map(({ playbook, rule, clusters }) => ({
      playbook,
      mode: lowestMode(modeAt(rule, at), configuration.ceiling),
      rule: rule.name,
      clusters,
    })),
    rules: explain(signal, configuration, NO_FACTS, at),
  };
}

function tell(io: CommandIo, signal: Signal, configuration: Configuration, at: Date): void {
  const { kind, key, title, severity, id, notActionable } = signal;
  printLine(io, `${severity ?? "no severity"}: ${title ?? "no title"} (${kind} ${key ?? "without a key"})`);
  printLine(io, `${id}${notActionable === null ? "" : `, not actionable: ${notActionable}`}`);
  const decisions = decide(signal, configuration);
  for (const { playbook, rule } of decisions) {
    const mode = lowestMode(modeAt(rule, at), configuration.ceiling);
    printLine(io, `decided: ${playbook}, ${mode}, by rule ${rule.name}`);
  }
  if (decisions.length === 0) printLine(io, "decided: nothing, no rule that is on matches");
  printTable(
    io,
    COLUMNS,
    explain(signal, configuration, NO_FACTS, at).map((rule) => [
      rule.matched ? "matched" : "no",
      rule.rule,
      rule.playbooks[0]?.mode ?? "",
      playbooksOf(rule),
      whyOf(rule),
    ]),
  );
}

function playbooksOf({ playbooks, matched }: Explanation): string {
  return playbooks
    .map(({ name, decidedBy, rungs }) => {
      const ladder = [name, ...rungs].join(", else ");
      return matched && decidedBy !== null ? `${ladder} (decided by ${decidedBy})` : ladder;
    })
    .join(", ");
}

/** The clauses that failed; of a rule that matched, those that held. What held in a rule that failed helps nobody. */
function whyOf({ matched, clauses }: Explanation): string {
  return clauses
    .filter(({ held }) => held === matched)
    .map(({ why }) => cutText(why, MOST_WHY))
    .join("; ");
}

import type { Command } from "commander";
import type { Signal } from "../../src/model/signal.ts";
import { type Configuration, decide, type Explanation, explain } from "../../src/rules/index.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { decodeFiles } from "../decode-files.ts";
import { complain, printJson, printLine } from "../print.ts";
import { cutText, printTable } from "../print-table.ts";
import { placeOf, readConfiguration } from "../read-configuration.ts";

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
    .action(async (files: string[], options: { config: string }, command: Command) => {
      end(await explainFiles(io, files, options.config, command.optsWithGlobals()["json"] === true));
    });
}

async function explainFiles(
  io: CommandIo,
  files: readonly string[],
  config: string,
  json: boolean,
): Promise<ExitCode> {
  const parsed = await readConfiguration(io, config);
  if ("errors" in parsed) {
    const [first] = parsed.errors;
    const place = first === undefined ? config : `${placeOf(first)} ${first.message}`;
    complain(io, `${place}; \`reflex check ${config}\` lists all ${parsed.errors.length}`);
    return 2;
  }
  let isFirst = true;
  return decodeFiles(io, files, (decoded) => {
    if (!isFirst && !json) printLine(io, "");
    isFirst = false;
    if ("parked" in decoded) {
      if (json) printJson(io, { parked: decoded.parked });
      else printLine(io, `parked: ${decoded.parked}`);
    } else if (json) printJson(io, asJson(decoded.signal, parsed.configuration));
    else tell(io, decoded.signal, parsed.configuration);
  });
}

function asJson(signal: Signal, configuration: Configuration) {
  const { id, kind, key, title, severity, actionable, notActionable } = signal;
  return {
    signal: { id, kind, key, title, severity, actionable, notActionable },
    decisions: decide(signal, configuration).map(({ playbook, rule, mode, clusters }) => ({
      playbook,
      mode,
      rule: rule.name,
      clusters,
    })),
    rules: explain(signal, configuration),
  };
}

function tell(io: CommandIo, signal: Signal, configuration: Configuration): void {
  const { kind, key, title, severity, id, notActionable } = signal;
  printLine(io, `${severity ?? "no severity"}: ${title ?? "no title"} (${kind} ${key ?? "without a key"})`);
  printLine(io, `${id}${notActionable === null ? "" : `, not actionable: ${notActionable}`}`);
  const decisions = decide(signal, configuration);
  for (const { playbook, mode, rule } of decisions)
    printLine(io, `decided: ${playbook}, ${mode}, by rule ${rule.name}`);
  if (decisions.length === 0) printLine(io, "decided: nothing, no rule that is on matches");
  printTable(
    io,
    COLUMNS,
    explain(signal, configuration).map((rule) => [
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
    .map(({ name, decidedBy }) =>
      matched && decidedBy !== null ? `${name} (decided by ${decidedBy})` : name,
    )
    .join(", ");
}

/** The clauses that failed; of a rule that matched, those that held. What held in a rule that failed helps nobody. */
function whyOf({ matched, clauses }: Explanation): string {
  return clauses
    .filter(({ held }) => held === matched)
    .map(({ why }) => cutText(why, MOST_WHY))
    .join("; ");
}

import type { Command } from "commander";
import { MODES } from "../../src/model/mode.ts";
import type { Configuration, ConfigurationError } from "../../src/rules/index.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { printJson, printLine } from "../print.ts";
import { placeOf, readConfiguration } from "../read-configuration.ts";
import { safeText } from "../safe-text.ts";

/** Adds `reflex check`: every mistake of a configuration with its place, and a summary of a good one. */
export function addCheck(program: Command, { io, end }: CommandContext): void {
  program
    .command("check")
    .description("Checks a configuration; each mistake with its file, line and column.")
    .argument("[file]", "the configuration", "reflex.yaml")
    .action(async (file: string, _options: unknown, command: Command) => {
      end(await check(io, file, command.optsWithGlobals()["json"] === true));
    });
}

async function check(io: CommandIo, file: string, json: boolean): Promise<ExitCode> {
  const parsed = await readConfiguration(io, file);
  if ("errors" in parsed) {
    for (const error of parsed.errors) io.writeError(`${safeText(`${placeOf(error)} ${error.message}`)}\n`);
    if (json) printJson(io, { file, valid: false, errors: parsed.errors });
    return 1;
  }
  const { configuration, warnings } = parsed;
  if (json) printJson(io, summary(file, configuration, warnings));
  else tell(io, file, configuration, warnings);
  return 0;
}

function summary(file: string, configuration: Configuration, warnings: readonly ConfigurationError[]) {
  const { ceiling, rules, hash } = configuration;
  return {
    file,
    valid: true,
    ceiling,
    rules: rules.length,
    modes: rulesPerMode(configuration),
    hash,
    warnings,
  };
}

function rulesPerMode({ rules }: Configuration): Record<string, number> {
  return Object.fromEntries(MODES.map((mode) => [mode, rules.filter((rule) => rule.mode === mode).length]));
}

function tell(
  io: CommandIo,
  file: string,
  configuration: Configuration,
  warnings: readonly ConfigurationError[],
): void {
  for (const warning of warnings) printLine(io, `${placeOf(warning)} warning: ${warning.message}`);
  const modes = Object.entries(rulesPerMode(configuration)).map(([mode, count]) => `${mode} ${count}`);
  const count = configuration.rules.length;
  printLine(
    io,
    `${file} is good: ${count} ${count === 1 ? "rule" : "rules"} (${modes.join(", ")}), ceiling ${configuration.ceiling}.`,
  );
}

import { type Command, Option } from "commander";
import { MODES } from "../../src/model/mode.ts";
import { openApi, understood } from "../api.ts";
import type { CommandContext, CommandIo, ExitCode } from "../command-io.ts";
import { printJson } from "../print.ts";
import { printRecord } from "../print-record.ts";
import { recordSchema } from "../record.ts";
import { Stop } from "../stop.ts";
import { URL_FLAGS, URL_HELP } from "../url-option.ts";

interface RunOptions {
  readonly target: string;
  readonly param: readonly string[];
  readonly mode: string;
  readonly reason: string;
  readonly ttl?: string;
  readonly idempotencyKey?: string;
  readonly url?: string;
  readonly json?: boolean;
}

/** Ends in which what was asked for is not so. */
const NOT_DONE = ["refused", "skipped", "failed"];

/** Adds `reflex run`: a playbook on a target through the API; it observes unless told otherwise. */
export function addRun(program: Command, { io, end }: CommandContext): void {
  program
    .command("run")
    .description(
      "Runs a playbook on a target; observes unless told otherwise. 1 when refused, skipped or failed.",
    )
    .argument("<playbook>", "its name")
    .requiredOption("--target <json>", 'such as {"kind":"pod","cluster":"…","namespace":"…","name":"…"}')
    .option(
      "--param <k=v>",
      "a parameter, as often as there are; the value is JSON where it reads as JSON, else text",
      (pair: string, before: readonly string[]) => [...before, pair],
      [],
    )
    .addOption(new Option("--mode <mode>", "how far it may go").choices(MODES).default("observe"))
    .option("--reason <text>", "why, for the record", "run by hand with the reflex command")
    .option("--ttl <duration>", "how long a containment stays in force, such as 8h")
    .option("--idempotency-key <key>", "repetitions with one key are one run")
    .option(URL_FLAGS, URL_HELP)
    .action(async (playbook: string, _options: unknown, command: Command) => {
      end(await run(io, playbook, command.optsWithGlobals<RunOptions>()));
    });
}

async function run(io: CommandIo, playbook: string, options: RunOptions): Promise<ExitCode> {
  const { mode, reason, ttl, idempotencyKey } = options;
  const body = {
    target: targetOf(options.target),
    parameters: parametersOf(options.param),
    mode,
    reason,
    ...(ttl === undefined ? {} : { ttl }),
  };
  const headers = idempotencyKey === undefined ? {} : { "idempotency-key": keyOf(idempotencyKey) };
  const api = await openApi(io, options.url);
  const answer = await api.post(`api/playbooks/${nameOf(playbook)}/runs`, body, headers);
  const record = understood(recordSchema, answer);
  if (options.json === true) printJson(io, answer);
  else printRecord(io, record);
  return NOT_DONE.includes(record.state) ? 1 : 0;
}

/** What is no name must not become another path. */
function nameOf(playbook: string): string {
  if (/^[\w-]{1,100}$/.test(playbook)) return playbook;
  throw new Stop(2, `${JSON.stringify(playbook)} is no name of a playbook`);
}

function targetOf(text: string): object {
  const target = parsedOr(text, null);
  if (typeof target === "object" && target !== null && !Array.isArray(target)) return target;
  throw new Stop(
    2,
    '--target is no JSON object; give one such as {"kind":"namespace","cluster":"…","name":"…"}',
  );
}

function parametersOf(given: readonly string[]): Record<string, unknown> {
  const pairs = given.map((pair): [string, unknown] => {
    const at = pair.indexOf("=");
    if (at < 1) throw new Stop(2, `--param ${pair} is not name=value`);
    const value = pair.slice(at + 1);
    return [pair.slice(0, at), parsedOr(value, value)];
  });
  const names = pairs.map(([name]) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Stop(2, `--param ${twice} is given twice`);
  return Object.fromEntries(pairs);
}

function keyOf(key: string): string {
  if (/^[\x21-\x7e]{1,200}$/.test(key)) return key;
  throw new Stop(2, "--idempotency-key takes 1 to 200 printable characters without spaces");
}

function parsedOr(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}

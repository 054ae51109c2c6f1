import { playbooks } from "../src/playbooks/index.ts";
import { type Configuration, type ConfigurationError, parseConfiguration } from "../src/rules/index.ts";
import type { CommandIo } from "./command-io.ts";
import { readInput } from "./read-input.ts";
import { Stop } from "./stop.ts";

/** Reads and checks a configuration against the playbooks of this version. Raises `Stop` where it cannot be read. */
export async function readConfiguration(
  io: CommandIo,
  path: string,
): Promise<ReturnType<typeof parseConfiguration>> {
  return parseConfiguration(new TextDecoder().decode(await readInput(io, path)), path, playbooks, io.now());
}

/** A configuration that is right. Raises `Stop` with exit code 2, the first mistake and how to see the others. */
export async function readGoodConfiguration(io: CommandIo, path: string): Promise<Configuration> {
  const parsed = await readConfiguration(io, path);
  if ("configuration" in parsed) return parsed.configuration;
  const [first] = parsed.errors;
  const place = first === undefined ? path : `${placeOf(first)} ${first.message}`;
  throw new Stop(2, `${place}; \`reflex check ${path}\` lists all ${parsed.errors.length}`);
}

/** A place as editors and terminals understand it. */
export function placeOf({ file, line, column }: ConfigurationError): string {
  return `${file}:${line}:${column}`;
}

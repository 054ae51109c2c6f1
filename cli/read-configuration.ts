import { playbooks } from "../src/playbooks/index.ts";
import { type ConfigurationError, parseConfiguration } from "../src/rules/index.ts";
import type { CommandIo } from "./command-io.ts";
import { readInput } from "./read-input.ts";

/** Reads and checks a configuration against the playbooks of this version. Raises `Stop` where it cannot be read. */
export async function readConfiguration(
  io: CommandIo,
  path: string,
): Promise<ReturnType<typeof parseConfiguration>> {
  return parseConfiguration(new TextDecoder().decode(await readInput(io, path)), path, playbooks);
}

/** A place as editors and terminals understand it. */
export function placeOf({ file, line, column }: ConfigurationError): string {
  return `${file}:${line}:${column}`;
}

import { strToU8, type Zippable, zipSync } from "fflate";
import { SCRIPT } from "./command-script.ts";
import type { KubectlRequest } from "./kubectl-request.ts";

/** One request in a command, and how many bytes of its answer are wanted. */
export interface Carried {
  readonly request: KubectlRequest;
  readonly mostBytes: number;
}

/** What all requests of one command have in common. */
export interface CommandTerms {
  /** Hex digits that nobody can foresee. */
  readonly boundary: string;
  /** No change is begun after it, by the clock of the cluster. */
  readonly until: Date;
  /** The longest that one call of kubectl may take. */
  readonly callMs: number;
}

/** The zip that a command works in: the script, what it has to know, its requests, and a file for each body. */
export function commandFiles(
  carried: readonly Carried[],
  { boundary, until, callMs }: CommandTerms,
): Uint8Array {
  const lines = carried.map(({ request, mostBytes }) => `${[...request.words, mostBytes].join(" ")}\n`);
  const seconds = (ms: number): number => Math.floor(ms / 1_000);
  const files: Zippable = {
    "reflex.sh": strToU8(SCRIPT),
    about: strToU8(`${boundary} ${seconds(until.getTime())} ${seconds(callMs)}\n`),
    requests: strToU8(lines.join("")),
  };
  for (const [index, { request }] of carried.entries()) {
    if (request.body !== null) files[`body-${index + 1}.json`] = strToU8(request.body);
  }
  return zipSync(files);
}

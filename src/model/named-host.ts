import type { Signal } from "./signal.ts";

/** A machine as a signal names it. */
export interface NamedHost {
  readonly name: string;
  /** The ARM id of the machine, as written; null where the signal gives none. */
  readonly machine: string | null;
}

/** The one machine that a signal names; null where it names none, or several that are not the same. */
export function namedHost({ entities }: Pick<Signal, "entities">): NamedHost | null {
  const hosts = entities.filter(({ type }) => type === "host").map(({ attributes }) => attributes);
  const names = new Set(hosts.map(({ hostName = "" }) => lowerCased(hostName)));
  const machines = new Set(hosts.flatMap(({ azureID }) => (azureID === undefined ? [] : [azureID])));
  const [name] = names;
  const [machine = null] = machines;
  return names.size === 1 && name !== undefined && name !== "" && machines.size <= 1
    ? { name, machine }
    : null;
}

/** Only what is ASCII: in other scripts two characters may become one. */
function lowerCased(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

import type { HostKeys } from "./host-keys.ts";

/** What the child process is told in its one argument, as JSON. */
export interface HostProcessSettings {
  /** The built bundle of the app. */
  readonly appFile: string;
  readonly hostFile: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly keys: HostKeys;
  /** Folder of the checkpoint files, one for each hub and consumer group. */
  readonly checkpointDirectory: string;
  /** False leaves the timers to the tick request. */
  readonly timers: boolean;
  /** The partitions of every hub that this process reads; all of them where it is absent. In Azure instances share them out. */
  readonly partitions?: readonly string[];
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function toKeys(value: unknown): HostKeys {
  const keys: Record<string, unknown> = typeof value === "object" && value !== null ? { ...value } : {};
  const { host, master, functions = {} } = keys;
  if (!isText(host) || !isText(master))
    throw new Error("The host's settings need keys.host and keys.master.");
  if (typeof functions !== "object" || functions === null)
    throw new Error("keys.functions must be an object.");
  const own: Record<string, string> = {};
  for (const [name, key] of Object.entries(functions)) {
    if (!isText(key)) throw new Error(`The key of function "${name}" must be a text.`);
    own[name] = key;
  }
  return { host, master, functions: own };
}

/** Reads the argument of the child process; raises an error that names what is missing. */
export function parseProcessSettings(argument: string | undefined): HostProcessSettings {
  const document: unknown = JSON.parse(argument ?? "null");
  const given: Record<string, unknown> =
    typeof document === "object" && document !== null ? { ...document } : {};
  const { appFile, hostFile, checkpointDirectory, port = 0, timers = true, partitions } = given;
  if (!isText(appFile) || !isText(hostFile) || !isText(checkpointDirectory)) {
    throw new Error("The host's settings need appFile, hostFile and checkpointDirectory.");
  }
  if (typeof port !== "number" || typeof timers !== "boolean") {
    throw new Error("The host's settings take a number as port and true or false as timers.");
  }
  const keys = toKeys(given["keys"]);
  const settings = { appFile, hostFile, checkpointDirectory, port, timers, keys };
  if (partitions === undefined) return settings;
  if (!Array.isArray(partitions) || !partitions.every(isText)) {
    throw new Error("The host's settings take a list of partition ids as partitions.");
  }
  return { ...settings, partitions };
}

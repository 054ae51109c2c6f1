import { readFile } from "node:fs/promises";

/** The values of host.json that change what this host does. */
export interface HostSettings {
  /** Without slashes; empty when the routes begin at the root. */
  readonly routePrefix: string;
  readonly maxEventBatchSize: number;
}

function objectAt(value: unknown, key: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null) return {};
  const inner: unknown = Reflect.get(value, key);
  return typeof inner === "object" && inner !== null ? { ...inner } : {};
}

/**
 * Reads host.json; what it leaves out has the default of extension bundle 4.
 * Raises an error for values that Azure refuses, and for a start position that this host cannot give.
 */
export async function readHostSettings(file: string): Promise<HostSettings> {
  const document: unknown = JSON.parse(await readFile(file, "utf8"));
  const extensions = objectAt(document, "extensions");
  const http = objectAt(extensions, "http");
  const eventHubs = objectAt(extensions, "eventHubs");
  const routePrefix = http["routePrefix"] ?? "api";
  const maxEventBatchSize = eventHubs["maxEventBatchSize"] ?? 100;
  const start = objectAt(eventHubs, "initialOffsetOptions")["type"] ?? "fromStart";
  if (typeof routePrefix !== "string")
    throw new Error("host.json: extensions.http.routePrefix must be a string.");
  if (
    typeof maxEventBatchSize !== "number" ||
    !Number.isInteger(maxEventBatchSize) ||
    maxEventBatchSize < 1
  ) {
    throw new Error("host.json: extensions.eventHubs.maxEventBatchSize must be a positive whole number.");
  }
  if (String(start).toLowerCase() !== "fromstart") {
    throw new Error(
      `host.json: initialOffsetOptions.type "${String(start)}" is not possible here, only fromStart.`,
    );
  }
  return { routePrefix: routePrefix.replace(/^\/+|\/+$/g, ""), maxEventBatchSize };
}

/**
 * Replaces `%NAME%` by the app setting of that name, as the host does in routes, schedules and hub names.
 * Raises an error that names a missing setting.
 */
export function resolveSettings(
  value: string,
  settings: Readonly<Record<string, string | undefined>>,
): string {
  return value.replaceAll(/%([^%]+)%/g, (_, name: string) => {
    const found = settings[name];
    if (found === undefined)
      throw new Error(`The app setting "${name}" is missing: a binding refers to %${name}%.`);
    return found;
  });
}

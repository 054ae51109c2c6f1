import { createHash } from "node:crypto";
import { signalTime } from "../../src/engine/signal-identity.ts";
import type { DefenderPort, DefenderRecord, DefenderReference } from "../../src/model/defender-port.ts";
import { decodeEvent } from "../../src/signals/index.ts";

/** The latest alerts that Defender raised in this run of a test file, by where it keeps them. */
const raised = new Map<string, DefenderRecord>();
/** More than any test asks back; a test that looks for leaks must find none here. */
const REMEMBERED = 5_000;

/**
 * Raises an alert: from now on Defender knows it, and the export says where. Its location comes from what it says, so
 * that the same alert is kept in one place and two different ones under one id do not meet.
 */
export function raise(name: string, subscription: string, body: object): Record<string, unknown> {
  const location = `x${createHash("sha256").update(JSON.stringify(body)).digest("hex").slice(0, 12)}`;
  const uri = `https://portal.azure.com/#blade/alertId/${name}/subscriptionId/${subscription}/resourceGroup/shop/location/${location}`;
  const exported = { ...body, AlertUri: uri };
  const [decoded] = decodeEvent(exported);
  if (decoded === undefined || !("signal" in decoded)) throw new Error(`${name} is no alert`);
  const { signal } = decoded;
  raised.set(keyOf(name, location), {
    id: name,
    key: signal.key,
    severity: signal.severity,
    open: signal.status === "Active",
    status: signal.status ?? "unknown",
    resourceIds: signal.resourceIds,
    at: signalTime(signal),
    body: exported,
  });
  const [oldest] = raised.keys();
  if (raised.size > REMEMBERED && oldest !== undefined) raised.delete(oldest);
  return exported;
}

/** A Defender that knows what was raised, and counts how often it is asked. */
export function knowingDefender(): DefenderPort & { asked: DefenderReference[] } {
  const asked: DefenderReference[] = [];
  return {
    asked,
    find: (reference) => {
      asked.push(reference);
      const place = reference.kind === "alert" ? keyOf(reference.name, reference.location) : "";
      return Promise.resolve(raised.get(place) ?? null);
    },
  };
}

function keyOf(name: string, location: string): string {
  return `${name} ${location}`;
}

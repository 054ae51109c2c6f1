import { app, type InvocationContext } from "@azure/functions";
import { ingest } from "../engine/ingest.ts";
import type { HubEvent } from "../engine/parked-events.ts";
import type { OpenEngine } from "./http-function.ts";
import { sequenceNumber } from "./sequence-number.ts";

// The host knows this setting, the library's types do not: without it the worker parses first and the bytes are gone.
const AS_BYTES = { dataType: "binary" };

/**
 * The Event Hub trigger. It raises only when the store cannot be reached; then the policy repeats the batch without
 * end, since the host moves its checkpoint whatever a function did once the policy is used up.
 */
export function registerAlerts(openEngine: OpenEngine): void {
  app.eventHub("alerts", {
    connection: "REFLEX_EVENTS",
    eventHubName: "%REFLEX_EVENTS_HUB%",
    consumerGroup: "$Default",
    cardinality: "many",
    ...AS_BYTES,
    retry: {
      strategy: "exponentialBackoff",
      maxRetryCount: -1,
      minimumInterval: { seconds: 2 },
      maximumInterval: { minutes: 5 },
    },
    handler: async (messages: unknown, context) => {
      await ingest(await openEngine(), eventsOf(messages, context));
    },
  });
}

/** The batch as bytes with place and time. Bodies come as bytes; text would be a host that parsed first. */
function eventsOf(messages: unknown, { triggerMetadata }: InvocationContext): HubEvent[] {
  const bodies = Array.isArray(messages) ? messages : [messages];
  const partition = partitionOf(triggerMetadata?.["partitionContext"]);
  const sequences = listOf(triggerMetadata?.["sequenceNumberArray"]);
  const times = listOf(triggerMetadata?.["enqueuedTimeUtcArray"]);
  return bodies.map((message: unknown, index) => {
    const enqueuedAt = times[index];
    const body = bytesOf(message);
    return {
      body,
      partition,
      sequence: sequenceNumber(sequences[index], body),
      enqueuedAt: enqueuedAt === undefined ? null : String(enqueuedAt),
    };
  });
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function partitionOf(context: unknown): string {
  if (typeof context !== "object" || context === null) return "unknown";
  const id: unknown = Reflect.get(context, "partitionId");
  return typeof id === "string" || typeof id === "number" ? String(id) : "unknown";
}

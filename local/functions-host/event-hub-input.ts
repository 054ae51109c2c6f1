import type { StoredEvent } from "./event-hub-source.ts";
import type { InvocationInput } from "./function-app.ts";
import type { BindingInfo, TypedData } from "./worker-types.ts";

/** What an Event Hubs trigger says about where and how it reads. */
export interface EventHubTrigger {
  readonly functionName: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
  /** Name of the app setting with the connection string. */
  readonly connection: string;
  readonly cardinality: "one" | "many";
  readonly binary: boolean;
}

/** Reads the trigger's binding; `resolve` replaces `%NAME%`. */
export function toEventHubTrigger(
  functionName: string,
  binding: BindingInfo,
  resolve: (value: string) => string,
): EventHubTrigger {
  const text = (key: string): string => {
    const value = binding[key];
    return typeof value === "string" ? resolve(value) : "";
  };
  return {
    functionName,
    eventHubName: text("eventHubName"),
    consumerGroup: text("consumerGroup") || "$Default",
    connection: text("connection"),
    cardinality: text("cardinality").toLowerCase() === "many" ? "many" : "one",
    binary: text("dataType").toLowerCase() === "binary",
  };
}

/** JSON has no bigint and no bytes; user properties of AMQP may hold both. */
function toJson(value: unknown): TypedData {
  return {
    json: JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? item.toString() : item)),
  };
}

function toSystemProperties(event: StoredEvent): Record<string, unknown> {
  const common = {
    SequenceNumber: event.sequenceNumber,
    Offset: event.offset,
    PartitionKey: event.partitionKey,
    EnqueuedTimeUtc: event.enqueuedTimeUtc.toISOString(),
  };
  return { ...common, ...event.systemProperties };
}

function toPartitionContext(trigger: EventHubTrigger, partition: string): TypedData {
  return toJson({
    FullyQualifiedNamespace: "127.0.0.1",
    EventHubName: trigger.eventHubName,
    ConsumerGroup: trigger.consumerGroup,
    PartitionId: partition,
  });
}

/** Input of a function with `cardinality: many`; the library lower-cases the first letters of the names. */
export function toBatchInput(
  trigger: EventHubTrigger,
  partition: string,
  events: readonly StoredEvent[],
): InvocationInput {
  const bodies = events.map((event) => event.body);
  return {
    data: trigger.binary
      ? { collectionBytes: { bytes: bodies } }
      : { collectionString: { string: bodies.map((body) => body.toString("utf8")) } },
    triggerMetadata: {
      PartitionContext: toPartitionContext(trigger, partition),
      PartitionKeyArray: toJson(events.map((event) => event.partitionKey)),
      OffsetArray: toJson(events.map((event) => event.offset)),
      SequenceNumberArray: toJson(events.map((event) => event.sequenceNumber)),
      EnqueuedTimeUtcArray: toJson(events.map((event) => event.enqueuedTimeUtc.toISOString())),
      PropertiesArray: toJson(events.map((event) => event.properties)),
      SystemPropertiesArray: toJson(events.map(toSystemProperties)),
    },
  };
}

/** Input of a function with `cardinality: one`: the same names without `Array`. */
export function toSingleInput(
  trigger: EventHubTrigger,
  partition: string,
  event: StoredEvent,
): InvocationInput {
  return {
    data: trigger.binary ? { bytes: event.body } : { string: event.body.toString("utf8") },
    triggerMetadata: {
      PartitionContext: toPartitionContext(trigger, partition),
      PartitionKey: toJson(event.partitionKey),
      // A bare number in text would be parsed again by the library: offsets are strings.
      Offset: toJson(event.offset),
      SequenceNumber: toJson(event.sequenceNumber),
      EnqueuedTimeUtc: toJson(event.enqueuedTimeUtc.toISOString()),
      Properties: toJson(event.properties),
      SystemProperties: toJson(toSystemProperties(event)),
    },
  };
}

import type { AmqpError, EventContext } from "rhea";
import { eventsOfDelivery } from "./event-batch.ts";
import type { Hub } from "./hub.ts";
import { producerAddress } from "./link-address.ts";
import { serviceError } from "./service-error.ts";

/** Largest delivery the service takes in its standard tier, in bytes; the client reads it from the link. */
export const maxMessageSize = 1024 * 1024;

/**
 * Takes what a producer sent: stores all its events in one partition and accepts the delivery, or rejects it whole.
 * Also an unknown partition is refused here and not when the link opens: the client would take a link closed at
 * once for a busy server, and hide the reason behind its retries.
 */
export function takeDelivery(context: EventContext, hubs: (name: string) => Hub | undefined): void {
  const { delivery, receiver } = context;
  if (delivery === undefined || receiver === undefined) return;
  const error = store(context, receiver.target?.address ?? "", delivery.format, hubs);
  if (error === undefined) delivery.accept();
  else delivery.reject(error);
}

function store(
  context: EventContext,
  address: string,
  format: number,
  hubs: (name: string) => Hub | undefined,
): AmqpError | undefined {
  const target = producerAddress(address);
  const hub = target === undefined ? undefined : hubs(target.hub);
  if (target === undefined || hub === undefined) return serviceError.entityNotFound(address);
  if (target.partition !== undefined && hub.log(target.partition) === undefined) {
    return serviceError.unknownPartition(target.partition, hub.partitionCount);
  }
  const content: unknown = context.message;
  if (Buffer.isBuffer(content) && content.length > maxMessageSize) {
    return serviceError.tooLarge(content.length, maxMessageSize);
  }
  const events = attempt("read", () => eventsOfDelivery(content, format));
  if (events === undefined) return serviceError.badArgument("The delivery is not a readable AMQP message.");
  const partition = target.partition ?? hub.route(events[0]?.partitionKey ?? null);
  const stored = attempt("stored", () => {
    hub.store(partition, events);
    return true;
  });
  return stored ? undefined : serviceError.internal("The events could not be stored.");
}

/** An exception here would end in rhea, which drops the connection and leaves the client to a far time-out. */
function attempt<T>(what: string, act: () => T): T | undefined {
  try {
    return act();
  } catch (cause) {
    console.warn(`Event Hubs stand-in: a delivery could not be ${what}.`, cause);
    return undefined;
  }
}

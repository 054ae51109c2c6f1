import rhea from "rhea";
import { annotation, decodeMessage } from "./stored-event.ts";

/** Message format of a batch, which the Event Hubs client uses for every send, one event included. */
const batchFormat = 0x80013700;

/** One event on its way into a partition: its encoded message and the partition key it was sent with. */
export interface IncomingEvent {
  encoded: Buffer;
  partitionKey: string | null;
}

/**
 * Takes a delivery apart into its events. rhea decodes format 0 only and passes every other one on as bytes:
 * a batch is a message whose data sections are themselves whole messages. Throws when the bytes are neither.
 */
export function eventsOfDelivery(content: unknown, format: number): IncomingEvent[] {
  if (!Buffer.isBuffer(content)) {
    const encoded = rhea.message.encode(content);
    return [incoming(encoded, null)];
  }
  if (format !== batchFormat) throw new Error(`message format 0x${format.toString(16)} is not known`);
  const envelope = decodeMessage(content);
  const key = partitionKeyOf(envelope.message_annotations);
  return sections(envelope.body).map((encoded) => incoming(encoded, key));
}

function incoming(encoded: Buffer, envelopeKey: string | null): IncomingEvent {
  const message = decodeMessage(encoded);
  return { encoded, partitionKey: partitionKeyOf(message.message_annotations) ?? envelopeKey };
}

function partitionKeyOf(annotations: Record<string, unknown> | undefined): string | null {
  const key = annotations?.[annotation.partitionKey];
  return typeof key === "string" ? key : null;
}

function sections(body: unknown): Buffer[] {
  const content = typeof body === "object" && body !== null && "content" in body ? body.content : undefined;
  const found: unknown[] = Array.isArray(content) ? content : [content];
  return found.map((section) => {
    if (!Buffer.isBuffer(section)) throw new Error("a batch holds something other than data sections");
    return section;
  });
}

import type { Message } from "rhea";
import rhea from "rhea";
import { sectionCode } from "./message-sections.ts";

/** One event as a partition keeps it: what the service adds on arrival, and what the sender put in. */
export interface StoredEvent {
  /** Counts from 0 in each partition, without a gap. */
  sequenceNumber: number;
  /** Place of the event in its partition; grows with the events' sizes, so it is not the sequence number. */
  offset: string;
  enqueuedTimeUtc: Date;
  partitionKey: string | null;
  /** The exact bytes of the data section; for the other two body kinds of AMQP their value as JSON. */
  body: Buffer;
  /** The sender's application properties. */
  properties: Record<string, unknown>;
  /** The sender's other annotations and message properties, under the names the Event Hubs client uses. */
  systemProperties: Record<string, unknown>;
}

/** Annotations that the service sets itself; a sender's own values for them are never kept. */
export const annotation = {
  sequenceNumber: "x-opt-sequence-number",
  offset: "x-opt-offset",
  enqueuedTime: "x-opt-enqueued-time",
  partitionKey: "x-opt-partition-key",
} as const;

const messageProperties: Record<string, string> = {
  message_id: "messageId",
  user_id: "userId",
  to: "to",
  subject: "subject",
  reply_to: "replyTo",
  correlation_id: "correlationId",
  content_type: "contentType",
  content_encoding: "contentEncoding",
  absolute_expiry_time: "absoluteExpiryTime",
  creation_time: "creationTime",
  group_id: "groupId",
  group_sequence: "groupSequence",
  reply_to_group_id: "replyToGroupId",
};

/** Reads one AMQP message as an event at its place. */
export function storedEvent(
  message: Message,
  placed: Pick<StoredEvent, "sequenceNumber" | "offset" | "enqueuedTimeUtc" | "partitionKey">,
): StoredEvent {
  return {
    ...placed,
    body: bodyBytes(message.body),
    properties: { ...message.application_properties },
    systemProperties: systemProperties(message),
  };
}

/** Decodes the bytes of one message (format 0); throws when they are not one. */
export function decodeMessage(encoded: Buffer): Message {
  const decoded = rhea.message.decode(encoded);
  return { ...decoded, body: decoded["body"] };
}

/** The sender's annotations without those that only the service may set. */
export function senderAnnotations(message: Message): Record<string, unknown> {
  const own: Set<string> = new Set(Object.values(annotation));
  return Object.fromEntries(
    Object.entries(message.message_annotations ?? {}).filter(([name]) => !own.has(name)),
  );
}

function systemProperties(message: Message): Record<string, unknown> {
  const named = Object.entries(message).flatMap(([field, value]): [string, unknown][] => {
    const name = messageProperties[field];
    return name === undefined ? [] : [[name, value]];
  });
  return { ...senderAnnotations(message), ...Object.fromEntries(named) };
}

function bodyBytes(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  if (!isSection(body)) return jsonBytes(body);
  if (body.typecode !== sectionCode.data) return jsonBytes(body.content);
  const pieces: unknown[] = Array.isArray(body.content) ? body.content : [body.content];
  return Buffer.concat(pieces.filter((piece) => Buffer.isBuffer(piece)));
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(typeof value === "string" ? value : (JSON.stringify(value) ?? "null"));
}

function isSection(body: unknown): body is { typecode: number; content: unknown } {
  return typeof body === "object" && body !== null && "typecode" in body && "content" in body;
}

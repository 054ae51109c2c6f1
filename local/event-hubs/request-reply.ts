import type { AmqpError, EventContext, link, Typed } from "rhea";
import rhea from "rhea";

/** The answer of a request/response node: a status with a body, or the reason for which there is none. */
export type NodeReply =
  | { status: number; body?: Record<string, Typed | string | boolean> }
  | { status: number; error: AmqpError };

/**
 * Sends the answer to a request on the link that the requester opened for it: the sender of the same session whose
 * target (or, when it has none, whose name) is the request's `reply_to`. A requester that has gone gets nothing.
 */
export function sendReply(context: EventContext, reply: NodeReply): void {
  const { message, session } = context;
  const replyTo = message?.reply_to;
  if (message === undefined || session === undefined || replyTo === undefined) return;
  const sender = session.find_sender(
    (candidate: link) => (candidate.target?.address ?? candidate.name) === replyTo,
  );
  const error = "error" in reply ? reply.error : undefined;
  sender?.send({
    ...(message.message_id === undefined ? {} : { correlation_id: message.message_id }),
    application_properties: {
      // The clients look for an AMQP int here; rhea would choose an unsigned one.
      "status-code": rhea.types.wrap_int(reply.status),
      "status-description": error?.description ?? "OK",
      ...(error === undefined ? {} : { "error-condition": error.condition }),
    },
    body: "body" in reply ? reply.body : undefined,
  });
}

/** The value of a request's application property, when it is text. */
export function requestText(context: EventContext, name: string): string | undefined {
  const value: unknown = context.message?.application_properties?.[name];
  return typeof value === "string" ? value : undefined;
}

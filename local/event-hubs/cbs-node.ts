import type { EventContext } from "rhea";
import type { Hub } from "./hub.ts";
import { type NodeReply, requestText } from "./request-reply.ts";
import { serviceError } from "./service-error.ts";

/**
 * Answers a put-token request of the `$cbs` node. Every token is good here; an audience that names an unknown hub
 * is refused, for that is where the service tells a client that its hub does not exist.
 */
export function answerPutToken(context: EventContext, hubs: (name: string) => Hub | undefined): NodeReply {
  const audience = requestText(context, "name") ?? "";
  const hub = /^[a-z]+:\/\/[^/]+\/([^/]+)/i.exec(audience)?.[1];
  if (hub !== undefined && hubs(hub) === undefined) {
    return { status: 404, error: serviceError.entityNotFound(audience) };
  }
  return { status: 202 };
}

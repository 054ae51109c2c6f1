import type { AmqpError, Sender } from "rhea";
import { EventReader, type ReaderRequest } from "./event-reader.ts";
import type { Hub } from "./hub.ts";
import { consumerAddress } from "./link-address.ts";
import type { ReaderRegistry } from "./reader-registry.ts";
import { serviceError } from "./service-error.ts";
import { startPosition } from "./start-position.ts";

const ownerLevelProperty = "com.microsoft:epoch";
const runtimeMetricCapability = "com.microsoft:enable-receiver-runtime-metric";

/** Opens a reader for a link on which a consumer wants events, or closes the link with the reason. */
export function openReader(
  sender: Sender,
  hubs: (name: string) => Hub | undefined,
  registry: ReaderRegistry,
  now: () => Date,
): void {
  const answer = readerRequest(sender, hubs, now);
  if ("refusal" in answer) {
    sender.close(answer.refusal);
    return;
  }
  sender.once("sender_close", () => registry.drop((reader) => reader.sender === sender));
  registry.admit(new EventReader(sender, answer.request));
}

function readerRequest(
  sender: Sender,
  hubs: (name: string) => Hub | undefined,
  now: () => Date,
): { request: ReaderRequest } | { refusal: AmqpError } {
  const address = sender.source?.address ?? "";
  const place = consumerAddress(address);
  const hub = place === undefined ? undefined : hubs(place.hub);
  if (place === undefined || !hub?.hasGroup(place.group)) {
    return { refusal: serviceError.entityNotFound(address) };
  }
  const { partition } = place;
  const log = hub.log(partition);
  if (log === undefined) return { refusal: serviceError.unknownPartition(partition, hub.partitionCount) };
  const start = startPosition(sender.source.filter);
  if (start === undefined)
    return { refusal: serviceError.badArgument("The filter of the link is not known.") };
  const ownerLevel: unknown = sender.properties?.[ownerLevelProperty];
  return {
    request: {
      hub,
      log,
      group: place.group.toLowerCase(),
      partition,
      from: log.sequenceAt(start),
      ownerLevel: typeof ownerLevel === "number" ? ownerLevel : undefined,
      runtimeMetric: [sender.desired_capabilities].flat().includes(runtimeMetricCapability),
      now,
    },
  };
}

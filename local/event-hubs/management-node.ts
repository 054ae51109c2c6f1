import type { EventContext } from "rhea";
import rhea from "rhea";
import type { Hub } from "./hub.ts";
import { type NodeReply, requestText } from "./request-reply.ts";
import { serviceError } from "./service-error.ts";

const str8 = 0xa1;

/** Answers a READ of the `$management` node: properties of a hub or of one of its partitions. */
export function answerRead(context: EventContext, hubs: (name: string) => Hub | undefined): NodeReply {
  const name = requestText(context, "name") ?? "";
  const hub = hubs(name);
  if (hub === undefined) return { status: 404, error: serviceError.entityNotFound(name) };
  const type = requestText(context, "type");
  if (requestText(context, "operation") === "READ") {
    if (type === "com.microsoft:eventhub") return { status: 200, body: hubProperties(hub) };
    if (type === "com.microsoft:partition")
      return partitionReply(hub, requestText(context, "partition") ?? "");
  }
  return {
    status: 400,
    error: serviceError.badArgument("Only READ of a hub or of a partition is known here."),
  };
}

function hubProperties(hub: Hub) {
  const { types } = rhea;
  return {
    name: hub.name,
    type: "com.microsoft:eventhub",
    created_at: types.wrap_timestamp(hub.createdAt.getTime()),
    partition_count: types.wrap_int(hub.partitionCount),
    partition_ids: types.wrap_array(hub.partitionIds, str8, undefined),
    georeplication_factor: types.wrap_int(1),
  };
}

function partitionReply(hub: Hub, partition: string): NodeReply {
  const log = hub.log(partition);
  if (log === undefined) {
    return { status: 400, error: serviceError.unknownPartition(partition, hub.partitionCount) };
  }
  const { types } = rhea;
  const { last } = log;
  return {
    status: 200,
    body: {
      name: hub.name,
      type: "com.microsoft:partition",
      partition,
      begin_sequence_number: types.wrap_long(0),
      last_enqueued_sequence_number: types.wrap_long(last?.sequenceNumber ?? -1),
      // A string, unlike the numbers around it.
      last_enqueued_offset: last?.offset ?? "-1",
      last_enqueued_time_utc: types.wrap_timestamp(last?.enqueuedTimeUtc.getTime() ?? 0),
      is_partition_empty: last === undefined,
    },
  };
}

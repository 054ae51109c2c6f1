import { type ArmStandIn, startArm } from "../arm/index.ts";
import type { Hub } from "../event-hubs/index.ts";

const MOST_EVENTS = 100_000;

/**
 * Starts Resource Manager with a Defender that knows everything in the hub. Here the hub's stand-in plays Defender's
 * export, so whatever arrives in it, by the samples or by `reflex send`, counts as Defender's own: an alert of yours is
 * confirmed like a real one. What the hub kept from the last time is known again, in the order of its arrival.
 */
export async function startDefender(hub: Hub): Promise<ArmStandIn> {
  const arm = await startArm();
  const seen = new Map<string, number>();
  const unseen = (partition: string) => {
    const events = hub.read(partition, seen.get(partition) ?? 0, MOST_EVENTS);
    seen.set(partition, (events.at(-1)?.sequenceNumber ?? (seen.get(partition) ?? 0) - 1) + 1);
    return events;
  };
  const kept = hub.partitionIds.flatMap(unseen);
  kept.sort((first, second) => first.enqueuedTimeUtc.getTime() - second.enqueuedTimeUtc.getTime());
  for (const { body } of kept) arm.documents.learn(body);
  // Told before any reader can have taken the event.
  hub.onAppend((partition) => {
    for (const { body } of unseen(partition)) arm.documents.learn(body);
  });
  return arm;
}

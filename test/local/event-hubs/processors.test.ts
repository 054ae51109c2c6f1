import { type EventHubConsumerClient, earliestEventPosition, type Subscription } from "@azure/event-hubs";
import { describe, expect, it } from "vitest";
import { MemoryCheckpoints } from "./memory-checkpoints.ts";
import { openRealClients } from "./real-clients.ts";

interface Processor {
  seen: { partition: string; body: unknown }[];
  /** Partitions that the processor reads now. */
  owned: Set<string>;
  subscription: Subscription;
}

function processor(consumer: EventHubConsumerClient): Processor {
  const seen: Processor["seen"] = [];
  const owned = new Set<string>();
  const subscription = consumer.subscribe(
    {
      processInitialize: async ({ partitionId }) => {
        owned.add(partitionId);
      },
      processClose: async (_, { partitionId }) => {
        owned.delete(partitionId);
      },
      processEvents: async (events, context) => {
        seen.push(...events.map(({ body }) => ({ partition: context.partitionId, body })));
        const last = events.at(-1);
        if (last !== undefined) await context.updateCheckpoint(last);
      },
      // The loser of a partition learns it as an error: part of balancing, not a failure.
      processError: async () => undefined,
    },
    { startPosition: earliestEventPosition },
  );
  return { seen, owned, subscription };
}

describe("two processors with one checkpoint store", () => {
  it("share the partitions, miss no event, and leave the rest to the one that stays", async () => {
    const clients = await openRealClients({ hubs: { alerts: { partitions: 4 } } });
    const hub = clients.hubs.hub("alerts");
    const store = new MemoryCheckpoints();
    const append = (from: number, to: number) => {
      for (let number = from; number < to; number += 1) hub.append(undefined, Buffer.from(String(number)));
    };
    const all = (...processors: Processor[]) =>
      new Set(processors.flatMap(({ seen }) => seen.map(({ body }) => body)));

    append(0, 100);
    const first = processor(clients.consumer("$Default", store));
    await expect.poll(() => all(first).size, { timeout: 10_000 }).toBe(100);
    expect(first.owned.size).toBe(4);

    const second = processor(clients.consumer("$Default", store));
    await expect.poll(() => [first.owned.size, second.owned.size], { timeout: 10_000 }).toEqual([2, 2]);
    append(100, 200);
    await expect.poll(() => all(first, second).size, { timeout: 10_000 }).toBe(200);
    expect(new Set(second.seen.map(({ partition }) => partition))).toEqual(second.owned);

    await second.subscription.close();
    await expect.poll(() => first.owned.size, { timeout: 10_000 }).toBe(4);
    append(200, 240);
    await expect.poll(() => all(first, second).size, { timeout: 10_000 }).toBe(240);
    await first.subscription.close();
    expect([...store.checkpoints.values()].map(({ sequenceNumber }) => sequenceNumber)).toEqual([
      59, 59, 59, 59,
    ]);
    await clients.close();
  });
});

import type { Checkpoints, EventHubSource, StoredEvent } from "../../../local/functions-host/index.ts";

/** A hub in memory with the means to put events in. */
export interface MemorySource extends EventHubSource {
  append(partition: string, ...bodies: (string | Buffer)[]): void;
}

/** Creates an empty hub. */
export function createMemorySource(partitionCount: number): MemorySource {
  const partitions = new Map<string, StoredEvent[]>();
  const listeners = new Set<(partition: string) => void>();
  const eventsOf = (partition: string) => partitions.get(partition) ?? [];
  return {
    partitionCount,
    read: (partition, fromSequence, max) => eventsOf(partition).slice(fromSequence, fromSequence + max),
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    append(partition, ...bodies) {
      const events = eventsOf(partition);
      partitions.set(partition, events);
      for (const body of bodies) {
        events.push({
          sequenceNumber: events.length,
          offset: String(events.length * 128),
          enqueuedTimeUtc: new Date("2026-03-01T00:00:00Z"),
          partitionKey: "key",
          body: Buffer.from(body),
          properties: { Origin: "test" },
          systemProperties: {},
        });
      }
      for (const listener of listeners) listener(partition);
    },
  };
}

/** Checkpoints in memory; `saved` lists every save in order. */
export function createMemoryCheckpoints(): Checkpoints & { readonly saved: [string, number][] } {
  const saved: [string, number][] = [];
  return {
    saved,
    load: async (partition) => saved.findLast(([key]) => key === partition)?.[1],
    async save(partition, nextSequence) {
      saved.push([partition, nextSequence]);
    },
  };
}

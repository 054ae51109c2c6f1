import {
  type CheckpointStore,
  EventHubConsumerClient,
  EventHubProducerClient,
  earliestEventPosition,
  type ReceivedEventData,
  type SubscribeOptions,
} from "@azure/event-hubs";
import {
  type EventHubsOptions,
  type EventHubsStandIn,
  startEventHubs,
} from "../../../local/event-hubs/index.ts";

/** Short enough that a test of a retry takes no seconds. */
const retryOptions = { maxRetries: 3, retryDelayInMs: 30, timeoutInMs: 5_000 };

/** The stand-in with real clients on it; all of them end with `close`. */
export interface RealClients {
  hubs: EventHubsStandIn;
  producer(hub?: string): EventHubProducerClient;
  consumer(group?: string, store?: CheckpointStore): EventHubConsumerClient;
  close(): Promise<void>;
}

/** Starts the stand-in with one hub `alerts` of two partitions and the groups `$Default` and `audit`. */
export async function openRealClients(options: EventHubsOptions = {}): Promise<RealClients> {
  const hubs = await startEventHubs({
    hubs: { alerts: { partitions: 2, consumerGroups: ["audit"] } },
    ...options,
  });
  const opened: { close(): Promise<void> }[] = [];
  function kept<T extends { close(): Promise<void> }>(client: T): T {
    opened.push(client);
    return client;
  }
  return {
    hubs,
    producer: (hub = "alerts") =>
      kept(new EventHubProducerClient(hubs.connectionString, hub, { retryOptions })),
    consumer: (group = "$Default", store?: CheckpointStore) =>
      kept(
        store === undefined
          ? new EventHubConsumerClient(group, hubs.connectionString, "alerts", { retryOptions })
          : new EventHubConsumerClient(group, hubs.connectionString, "alerts", store, {
              retryOptions,
              loadBalancingOptions: { strategy: "greedy", updateIntervalInMs: 100 },
            }),
      ),
    async close() {
      await Promise.all(opened.map((client) => client.close()));
      await hubs.close();
    },
  };
}

/** A reader that goes on in the background. */
export interface Reading {
  events: ReceivedEventData[];
  errors: Error[];
  /** Resolves when so many events have come, rejects with the first error. */
  count(events: number): Promise<ReceivedEventData[]>;
  /** Resolves with the first error. */
  failure(): Promise<Error & { code?: string }>;
  close(): Promise<void>;
}

/** Reads one partition, or all when none is named, from the earliest event unless the options say otherwise. */
export function read(
  consumer: EventHubConsumerClient,
  partition?: string,
  options: SubscribeOptions = {},
): Reading {
  const events: ReceivedEventData[] = [];
  const errors: Error[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of [...waiting]) look();
  };
  const handlers = {
    processEvents: async (received: ReceivedEventData[]) => {
      events.push(...received);
      wake();
    },
    processError: async (error: Error) => {
      errors.push(error);
      wake();
    },
  };
  const all = { startPosition: earliestEventPosition, ...options };
  const subscription =
    partition === undefined
      ? consumer.subscribe(handlers, all)
      : consumer.subscribe(partition, handlers, all);
  const until = <T>(found: () => T | undefined) =>
    new Promise<T>((resolve, reject) => {
      const look = () => {
        try {
          const value = found();
          if (value === undefined) return;
          waiting.delete(look);
          resolve(value);
        } catch (error) {
          waiting.delete(look);
          reject(error);
        }
      };
      waiting.add(look);
      look();
    });
  return {
    events,
    errors,
    count: (wanted) =>
      until(() => {
        if (events.length >= wanted) return events;
        if (errors[0] !== undefined) throw errors[0];
        return undefined;
      }),
    failure: () => until(() => errors[0]),
    close: () => subscription.close(),
  };
}

/** The bodies of events, in order. */
export function bodies(events: { body: unknown }[]): unknown[] {
  return events.map((event) => event.body);
}

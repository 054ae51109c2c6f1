import { setTimeout as delay } from "node:timers/promises";
import type { ReceivedEventData, Subscription } from "@azure/event-hubs";
import { EventHubConsumerClient } from "@azure/event-hubs";
import type { EventHubSource, StoredEvent } from "./event-hub-source.ts";

/** Which hub to read, as which consumer group. */
export interface AmqpSourceOptions {
  readonly connectionString: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
  onError(sentence: string, error: unknown): void;
}

/** A source over AMQP with its connection. */
export interface AmqpSource extends EventHubSource {
  close(): Promise<void>;
}

/** So many events of a partition wait in memory; then the client stops asking for more. */
const BUFFERED_EVENTS = 1000;
const CLOSE_LIMIT_MS = 2000;

function toBytes(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}

function toStoredEvent(event: ReceivedEventData): StoredEvent {
  return {
    sequenceNumber: event.sequenceNumber,
    offset: event.offset,
    enqueuedTimeUtc: event.enqueuedTimeUtc,
    partitionKey: event.partitionKey,
    body: toBytes(event.body),
    properties: event.properties ?? {},
    systemProperties: event.systemProperties ?? {},
  };
}

/** What one partition has received and the pump has not passed yet. */
class PartitionBuffer {
  readonly startedAt: number;
  #events: StoredEvent[] = [];
  #lastSeen: number;
  #roomMade: (() => void) | undefined;
  #subscription: Subscription | undefined;

  constructor(fromSequence: number) {
    this.startedAt = fromSequence;
    this.#lastSeen = fromSequence - 1;
  }

  /** Takes what is new: after a lost link the client begins again at its start position. */
  add(events: readonly ReceivedEventData[]): boolean {
    const fresh = events.filter((event) => event.sequenceNumber > this.#lastSeen).map(toStoredEvent);
    this.#lastSeen = fresh.at(-1)?.sequenceNumber ?? this.#lastSeen;
    this.#events.push(...fresh);
    return fresh.length > 0;
  }

  /** Waits until there is room; the client receives nothing more meanwhile. */
  async room(): Promise<void> {
    if (this.#events.length >= BUFFERED_EVENTS)
      await new Promise<void>((resolve) => (this.#roomMade = resolve));
  }

  take(fromSequence: number, max: number): StoredEvent[] {
    this.#events = this.#events.filter((event) => event.sequenceNumber >= fromSequence);
    if (this.#events.length < BUFFERED_EVENTS) this.#roomMade?.();
    return this.#events.slice(0, max);
  }

  open(subscription: Subscription): void {
    this.#subscription = subscription;
  }

  async close(): Promise<void> {
    this.#roomMade?.();
    await this.#subscription?.close();
  }
}

/**
 * Opens a hub with the real client. Each partition is received from the sequence number of its first read;
 * later reads must go forward. Lost connections are taken up again. Rejects when the hub cannot be reached.
 */
export async function openAmqpSource(options: AmqpSourceOptions): Promise<AmqpSource> {
  const client = new EventHubConsumerClient(
    options.consumerGroup,
    options.connectionString,
    options.eventHubName,
    {
      // The client's own pauses are made for a cloud: a restart on this machine is over in a moment.
      retryOptions: { maxRetries: 5, retryDelayInMs: 200, maxRetryDelayInMs: 1000, timeoutInMs: 5000 },
      loadBalancingOptions: { updateIntervalInMs: 1000 },
    },
  );
  let partitionCount: number;
  try {
    partitionCount = (await client.getPartitionIds()).length;
  } catch (error) {
    await client.close();
    throw error;
  }
  const buffers = new Map<string, PartitionBuffer>();
  const listeners = new Set<(partition: string) => void>();

  function open(partition: string, fromSequence: number): PartitionBuffer {
    const buffer = new PartitionBuffer(fromSequence);
    const subscription = client.subscribe(
      partition,
      {
        async processEvents(events) {
          if (buffer.add(events)) for (const listener of listeners) listener(partition);
          await buffer.room();
        },
        async processError(error) {
          options.onError(`Partition ${partition} of ${options.eventHubName} is not received`, error);
        },
      },
      {
        startPosition: { sequenceNumber: fromSequence, isInclusive: true },
        // Else the client would parse JSON, and the exact bytes were gone.
        skipParsingBodyAsJson: true,
        maxBatchSize: 100,
        // A lost link is noticed when this wait is over.
        maxWaitTimeInSeconds: 1,
      },
    );
    buffer.open(subscription);
    buffers.set(partition, buffer);
    return buffer;
  }

  return {
    partitionCount,
    read(partition, fromSequence, max) {
      const buffer = buffers.get(partition) ?? open(partition, fromSequence);
      if (fromSequence < buffer.startedAt) throw new Error(`Partition ${partition} is read backwards.`);
      return buffer.take(fromSequence, max);
    },
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      const over = new AbortController();
      const closed = Promise.all([...buffers.values()].map((buffer) => buffer.close())).then(() =>
        client.close(),
      );
      // A client that is just taking up a lost connection may never finish its close.
      const late = delay(CLOSE_LIMIT_MS, undefined, { signal: over.signal }).catch(() => undefined);
      await Promise.race([closed, late]);
      over.abort();
    },
  };
}

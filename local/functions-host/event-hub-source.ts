/** One event as a partition keeps it. */
export interface StoredEvent {
  readonly sequenceNumber: number;
  readonly offset: string;
  readonly enqueuedTimeUtc: Date;
  readonly partitionKey: string | null;
  readonly body: Buffer;
  readonly properties: Record<string, unknown>;
  readonly systemProperties: Record<string, unknown>;
}

/**
 * Where the pump reads events from: an event hub in this process or one behind AMQP.
 * The ids of the partitions are `0`, `1` and so on.
 */
export interface EventHubSource {
  readonly partitionCount: number;
  /** Events from `fromSequence` (inclusive) on, oldest first, at most `max`; empty when there is none now. */
  read(
    partition: string,
    fromSequence: number,
    max: number,
  ): readonly StoredEvent[] | Promise<readonly StoredEvent[]>;
  /** Calls the listener after events came to a partition; answers the way to end that. */
  onAppend(listener: (partition: string) => void): () => void;
}

/** Where the pump keeps, for each partition, the sequence number to go on from. */
export interface Checkpoints {
  load(partition: string): Promise<number | undefined>;
  save(partition: string, nextSequence: number): Promise<void>;
}

import { createHash } from "node:crypto";
import { join } from "node:path";
import rhea from "rhea";
import type { IncomingEvent } from "./event-batch.ts";
import { PartitionLog } from "./partition-log.ts";
import type { StoredEvent } from "./stored-event.ts";

/** How a hub is laid out; the group `$Default` is always there. */
export interface HubOptions {
  partitions: number;
  consumerGroups?: string[];
}

/** One event hub: its partitions, its consumer groups, and who wants to hear of new events. */
export class Hub {
  readonly name: string;
  readonly createdAt: Date;
  private readonly now: () => Date;
  private readonly logs: Map<string, PartitionLog>;
  private readonly groups: Set<string>;
  private readonly listeners = new Set<(partition: string) => void>();
  private turn = 0;

  /** Opens every partition; with a directory, from its file there. Throws an Error when a file is damaged. */
  constructor(name: string, options: HubOptions, now: () => Date, directory?: string) {
    this.name = name;
    this.now = now;
    this.createdAt = now();
    this.groups = new Set([
      "$default",
      ...(options.consumerGroups ?? []).map((group) => group.toLowerCase()),
    ]);
    const ids = Array.from({ length: options.partitions }, (_, index) => String(index));
    const fileOf = (id: string) =>
      directory === undefined ? undefined : join(directory, name.toLowerCase(), `${id}.jsonl`);
    this.logs = new Map(ids.map((id) => [id, new PartitionLog(fileOf(id))]));
  }

  get partitionIds(): string[] {
    return [...this.logs.keys()];
  }

  get partitionCount(): number {
    return this.logs.size;
  }

  /** Group names are case-insensitive. */
  hasGroup(group: string): boolean {
    return this.groups.has(group.toLowerCase());
  }

  /** The log of a partition, or undefined when the hub has no such partition. */
  log(partition: string): PartitionLog | undefined {
    return this.logs.get(partition);
  }

  /**
   * Puts one event into a partition (the next in turn when none is named), as a sender would, and says where it
   * went. Throws an Error on an unknown partition.
   */
  append(
    partition: string | undefined,
    body: Buffer,
    properties?: Record<string, unknown>,
  ): { partition: string; sequenceNumber: number } {
    const encoded = rhea.message.encode({
      body: rhea.message.data_section(body),
      application_properties: properties,
    });
    const chosen = partition ?? this.route(null);
    const sequenceNumber = this.known(chosen).next;
    this.store(chosen, [{ encoded, partitionKey: null }]);
    return { partition: chosen, sequenceNumber };
  }

  /** At most `max` events of a partition, from a sequence number on. Throws an Error on an unknown partition. */
  read(partition: string, fromSequence: number, max: number): StoredEvent[] {
    return this.known(partition)
      .read(fromSequence, max)
      .map(({ event }) => event);
  }

  /** Calls the listener with the partition's id after each append, until the returned function is called. */
  onAppend(listener: (partition: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Chooses a partition: by key where there is one (the service's hash is not published), else in turn. */
  route(partitionKey: string | null): string {
    if (partitionKey === null) {
      this.turn += 1;
      return String((this.turn - 1) % this.logs.size);
    }
    return String(createHash("sha256").update(partitionKey).digest().readUInt32BE(0) % this.logs.size);
  }

  /** Adds events to a partition and tells the listeners. Throws an Error on an unknown partition or a bad message. */
  store(partition: string, events: IncomingEvent[]): void {
    this.known(partition).append(events, this.now());
    for (const listener of this.listeners) listener(partition);
  }

  /** Closes the files of all partitions. */
  close(): void {
    for (const log of this.logs.values()) log.close();
  }

  private known(partition: string): PartitionLog {
    const log = this.logs.get(partition);
    if (log === undefined) throw new Error(`Event hub ${this.name} has no partition ${partition}.`);
    return log;
  }
}

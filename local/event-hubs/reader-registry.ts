import type { AmqpError } from "rhea";
import type { EventReader } from "./event-reader.ts";
import { serviceError } from "./service-error.ts";

const maxReaders = 5;

/** The readers that are open, and the service's rules on who may read a partition beside whom. */
export class ReaderRegistry {
  private readonly readers = new Set<EventReader>();

  /**
   * Starts a reader, or ends it at once with the reason. An owner level takes the partition from all readers with
   * a lower one, the same one or none; without an owner level a group has five readers, and none beside an owner.
   */
  admit(reader: EventReader): void {
    const others = [...this.readers].filter((other) => isSamePlace(other, reader));
    const refusal = refusalOf(reader, others);
    if (refusal !== undefined) {
      reader.end(refusal);
      return;
    }
    if (reader.request.ownerLevel !== undefined) {
      for (const other of others) this.disconnect(other, reader.request.ownerLevel);
    }
    this.readers.add(reader);
    reader.start();
  }

  /** Forgets the readers whose link, session or connection has gone. */
  drop(isGone: (reader: EventReader) => boolean): void {
    for (const reader of this.readers) {
      if (!isGone(reader)) continue;
      reader.stop();
      this.readers.delete(reader);
    }
  }

  private disconnect(reader: EventReader, ownerLevel: number): void {
    this.readers.delete(reader);
    reader.end(serviceError.stolen(`A new reader took the partition with owner level ${ownerLevel}.`));
  }
}

function isSamePlace(one: EventReader, other: EventReader): boolean {
  const { hub, group, partition } = one.request;
  return hub === other.request.hub && group === other.request.group && partition === other.request.partition;
}

function refusalOf(reader: EventReader, others: EventReader[]): AmqpError | undefined {
  const levels = others.map((other) => other.request.ownerLevel).filter((level) => level !== undefined);
  const highest = levels.length === 0 ? undefined : Math.max(...levels);
  const { ownerLevel } = reader.request;
  if (highest !== undefined && (ownerLevel === undefined || ownerLevel < highest)) {
    return serviceError.stolen(`A reader with owner level ${highest} holds the partition.`);
  }
  if (ownerLevel === undefined && others.length >= maxReaders) return serviceError.tooManyReaders(maxReaders);
  return undefined;
}

import type { IncomingEvent } from "./event-batch.ts";
import { type EventJournal, type JournalEntry, openJournal } from "./event-journal.ts";
import { annotatedMessage } from "./outgoing-message.ts";
import type { StartPosition } from "./start-position.ts";
import { decodeMessage, type StoredEvent, storedEvent } from "./stored-event.ts";

/** An event, and the encoded message in which readers get it. */
export interface LoggedEvent {
  event: StoredEvent;
  wire: Buffer;
}

/** The events of one partition in the order of arrival, in memory and, where a file is given, on disk too. */
export class PartitionLog {
  private readonly logged: LoggedEvent[] = [];
  private readonly journal: EventJournal | undefined;
  private nextOffset = 0;

  /** Opens the log and reads what the file holds; throws an Error when the file is damaged. */
  constructor(file?: string) {
    this.journal = file === undefined ? undefined : openJournal(file);
    for (const entry of this.journal?.entries ?? []) this.logged.push(this.place(entry));
  }

  /** The sequence number that the next event gets. */
  get next(): number {
    return this.logged.length;
  }

  /** The newest event, if there is one. */
  get last(): StoredEvent | undefined {
    return this.logged.at(-1)?.event;
  }

  /** Adds the events in one piece: all of them or, when one is no AMQP message or the disk refuses, none. */
  append(events: IncomingEvent[], now: Date): void {
    const entries = events.map(({ encoded, partitionKey }, index) => ({
      sequenceNumber: this.next + index,
      enqueuedTimeUtc: now,
      partitionKey,
      message: encoded,
    }));
    const before = this.nextOffset;
    try {
      const placed = entries.map((entry) => this.place(entry));
      this.journal?.append(entries);
      this.logged.push(...placed);
    } catch (error) {
      this.nextOffset = before;
      throw error;
    }
  }

  /** At most `max` events from a sequence number on. */
  read(fromSequence: number, max: number): LoggedEvent[] {
    const from = Math.max(0, fromSequence);
    return this.logged.slice(from, from + max);
  }

  /** Sequence number of the first event that a reader with this start gets, be it here already or still to come. */
  sequenceAt(start: StartPosition): number {
    const { value } = start;
    if (value === "@latest") return start.inclusive ? Math.max(0, this.next - 1) : this.next;
    const found = this.logged.findIndex(({ event }) => {
      const place = placeOf(event, start.mark);
      return start.inclusive ? place >= value : place > value;
    });
    return found === -1 ? this.next : found;
  }

  /** Closes the file; the log takes no events afterwards. */
  close(): void {
    this.journal?.close();
  }

  private place(entry: JournalEntry): LoggedEvent {
    const message = decodeMessage(entry.message);
    const { sequenceNumber, enqueuedTimeUtc, partitionKey } = entry;
    const offset = String(this.nextOffset);
    const event = storedEvent(message, { sequenceNumber, offset, enqueuedTimeUtc, partitionKey });
    this.nextOffset += entry.message.length;
    return { event, wire: annotatedMessage(entry.message, message, event) };
  }
}

function placeOf(event: StoredEvent, mark: StartPosition["mark"]): number {
  if (mark === "offset") return Number(event.offset);
  return mark === "sequence-number" ? event.sequenceNumber : event.enqueuedTimeUtc.getTime();
}

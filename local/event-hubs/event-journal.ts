import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
} from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";

const line = z.strictObject({
  sequenceNumber: z.int().nonnegative(),
  enqueuedTimeUtc: z.iso.datetime().transform((text) => new Date(text)),
  partitionKey: z.string().nullable(),
  message: z.base64().transform((text): Buffer => Buffer.from(text, "base64")),
});

/** What one line of the journal holds: the encoded message and what the service added to it. */
export type JournalEntry = z.output<typeof line>;

/** The append-only file of one partition, open for writing. */
export interface EventJournal {
  /** What the file held when it was opened, in order. */
  entries: JournalEntry[];
  /** Writes the entries with one call, so that a kill can cut the last of them only. */
  append(entries: JournalEntry[]): void;
  close(): void;
}

/**
 * Opens the journal, making it if it is missing. A last line cut by a kill is removed with a printed warning: its
 * sender never got an answer. Throws an Error when any other line is unreadable, for then sequence numbers would
 * no longer be true.
 */
export function openJournal(file: string): EventJournal {
  mkdirSync(dirname(file), { recursive: true });
  const entries = existsSync(file) ? recover(file) : [];
  const fd = openSync(file, "a");
  return {
    entries,
    append(added) {
      appendFileSync(fd, added.map(lineOf).join(""));
    },
    close() {
      closeSync(fd);
    },
  };
}

function recover(file: string): JournalEntry[] {
  const content = readFileSync(file);
  const whole = content.lastIndexOf("\n") + 1;
  if (whole < content.length) {
    console.warn(`${file}: the last line was cut short (${content.length - whole} bytes) and is dropped.`);
    truncateSync(file, whole);
  }
  const lines = content.toString("utf8", 0, whole).split("\n").slice(0, -1);
  return lines.map((text, index) => {
    const entry = parse(text);
    if (entry?.sequenceNumber !== index) {
      throw new Error(
        `${file}: line ${index + 1} is unreadable. Delete the file to start with an empty partition.`,
      );
    }
    return entry;
  });
}

function parse(text: string): JournalEntry | undefined {
  try {
    return line.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function lineOf(entry: JournalEntry): string {
  const { sequenceNumber, enqueuedTimeUtc, partitionKey, message } = entry;
  return `${JSON.stringify({ sequenceNumber, enqueuedTimeUtc, partitionKey, message: message.toString("base64") })}\n`;
}

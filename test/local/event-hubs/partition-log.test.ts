import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import rhea from "rhea";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { IncomingEvent } from "../../../local/event-hubs/event-batch.ts";
import { PartitionLog } from "../../../local/event-hubs/partition-log.ts";

let file: string;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "partition-log-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
function freshFile(): string {
  files += 1;
  return join(directory, `${files}`, "0.jsonl");
}

const event: fc.Arbitrary<IncomingEvent> = fc
  .record({
    body: fc.uint8Array({ maxLength: 40 }),
    properties: fc.dictionary(fc.string({ minLength: 1 }), fc.oneof(fc.string(), fc.boolean(), fc.integer())),
    partitionKey: fc.option(fc.string()),
  })
  .map(({ body, properties, partitionKey }) => ({
    encoded: rhea.message.encode({
      body: rhea.message.data_section(Buffer.from(body)),
      application_properties: properties,
    }),
    partitionKey,
  }));
const batches = fc.array(fc.array(event, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 });
const clock = fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true });

function all(log: PartitionLog) {
  return log.read(0, Number.MAX_SAFE_INTEGER).map(({ event: stored }) => stored);
}

function filled(sent: IncomingEvent[][], now: Date): PartitionLog {
  file = freshFile();
  const log = new PartitionLog(file);
  for (const batch of sent) log.append(batch, now);
  return log;
}

describe("the log of a partition", () => {
  it("reads the same events from disk that it held in memory", () => {
    fc.assert(
      fc.property(batches, clock, (sent, now) => {
        const log = filled(sent, now);
        log.close();
        const again = new PartitionLog(file);
        again.close();
        expect(all(again)).toEqual(all(log));
        expect(all(again).map(({ sequenceNumber }) => sequenceNumber)).toEqual([...sent.flat().keys()]);
        expect(all(again).map(({ partitionKey }) => partitionKey)).toEqual(
          sent.flat().map(({ partitionKey }) => partitionKey),
        );
        expect(again.next).toBe(sent.flat().length);
      }),
      { numRuns: 60 },
    );
  });

  it("drops only the last event when the file was cut, says so, and counts on from there", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    fc.assert(
      fc.property(batches, clock, fc.nat(), (sent, now, somewhere) => {
        warn.mockClear();
        const log = filled(sent, now);
        log.close();
        const content = readFileSync(file);
        const cut = somewhere % (content.length + 1);
        truncateSync(file, cut);
        const kept = content.subarray(0, cut);
        const whole = kept.filter((byte) => byte === 10).length;

        const again = new PartitionLog(file);
        expect(all(again)).toEqual(all(log).slice(0, whole));
        expect(warn).toHaveBeenCalledTimes(kept.length === kept.lastIndexOf(10) + 1 ? 0 : 1);
        again.append(sent[0] ?? [], now);
        again.close();
        const third = new PartitionLog(file);
        third.close();
        expect(all(third)).toEqual(all(again));
        expect(third.next).toBe(whole + (sent[0]?.length ?? 0));
      }),
      { numRuns: 60 },
    );
    warn.mockRestore();
  });

  it("finds the first event after or from any mark, as a search from the beginning would", () => {
    const mark = fc.constantFrom("offset" as const, "sequence-number" as const, "enqueued-time" as const);
    fc.assert(
      fc.property(
        batches,
        mark,
        fc.boolean(),
        fc.integer({ min: -1, max: 600 }),
        (sent, by, inclusive, value) => {
          const log = new PartitionLog();
          for (const [index, batch] of sent.entries()) log.append(batch, new Date(index * 100));
          const from = log.sequenceAt({ mark: by, inclusive, value });
          for (const stored of all(log)) {
            const place = {
              offset: Number(stored.offset),
              "sequence-number": stored.sequenceNumber,
              "enqueued-time": stored.enqueuedTimeUtc.getTime(),
            }[by];
            expect(stored.sequenceNumber >= from).toBe(inclusive ? place >= value : place > value);
          }
          expect(log.sequenceAt({ mark: by, inclusive: false, value: "@latest" })).toBe(log.next);
          expect(log.sequenceAt({ mark: by, inclusive: true, value: "@latest" })).toBe(log.next - 1);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("refuses a file with an unreadable line before the last, for sequence numbers would shift", () => {
    const log = filled([fc.sample(event, 3)], new Date(0));
    log.close();
    const lines = readFileSync(file, "utf8").split("\n");
    writeFileSync(file, [lines[0], "{", lines[2], ""].join("\n"));
    expect(() => new PartitionLog(file)).toThrow("line 2");
    writeFileSync(file, [lines[0], lines[2], ""].join("\n"));
    expect(() => new PartitionLog(file)).toThrow("line 2");
  });

  it("keeps nothing of a batch in which one event is no message", () => {
    const log = filled([fc.sample(event, 2)], new Date(0));
    const bad = { encoded: Buffer.from([0, 0x53, 0x75, 0xff]), partitionKey: null };
    expect(() => log.append([...fc.sample(event, 2), bad], new Date(0))).toThrow();
    expect(log.next).toBe(2);
    log.close();
    expect(new PartitionLog(file).next).toBe(2);
  });
});

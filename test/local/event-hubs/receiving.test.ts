import { type EventPosition, latestEventPosition } from "@azure/event-hubs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bodies, openRealClients, type RealClients, read } from "./real-clients.ts";

/** Events of the first partition: one each minute, named after their place. */
const start = Date.UTC(2026, 0, 1);
const minute = (count: number) => new Date(start + count * 60_000);

let clients: RealClients;
beforeAll(async () => {
  let count = -1;
  // The hubs ask the time when they are made, then once for each append.
  const now = () => {
    count += 1;
    return minute(count);
  };
  clients = await openRealClients({
    hubs: { alerts: { partitions: 2, consumerGroups: ["audit"] } },
    now,
  });
  const hub = clients.hubs.hub("alerts");
  for (let number = 1; number <= 5; number += 1) hub.append("0", Buffer.from(String(number)));
  hub.append("1", Buffer.from('"other"'));
});
afterAll(() => clients.close());

function offset(sequenceNumber: number): string {
  return clients.hubs.hub("alerts").read("0", sequenceNumber, 1)[0]?.offset ?? "";
}

describe("a consumer", () => {
  const positions: [string, () => EventPosition, number[]][] = [
    ["the earliest event", () => ({ offset: "-1" }), [1, 2, 3, 4, 5]],
    ["after an offset", () => ({ offset: offset(2) }), [4, 5]],
    ["an offset, inclusive", () => ({ offset: offset(2), isInclusive: true }), [3, 4, 5]],
    ["after a sequence number", () => ({ sequenceNumber: 1 }), [3, 4, 5]],
    ["a sequence number, inclusive", () => ({ sequenceNumber: 1, isInclusive: true }), [2, 3, 4, 5]],
    ["after an enqueued time", () => ({ enqueuedOn: minute(3) }), [4, 5]],
  ];

  it.each(positions)("can start at %s", async (_, position, expected) => {
    const reading = read(clients.consumer(), "0", { startPosition: position() });
    expect(bodies(await reading.count(expected.length))).toEqual(expected);
    await reading.close();
  });

  it("that starts at the latest event gets only what comes afterwards", async () => {
    const own = await openRealClients();
    const hub = own.hubs.hub("alerts");
    hub.append("0", Buffer.from("1"));
    const reading = read(own.consumer(), "0", { startPosition: latestEventPosition });
    // The link is open when the hub has somebody to send to; only the client's first event shows it.
    let number = 2;
    const sending = setInterval(() => {
      hub.append("0", Buffer.from(String(number)));
      number += 1;
    }, 30);
    const [first] = await reading.count(1);
    clearInterval(sending);
    expect(first?.sequenceNumber).toBeGreaterThan(0);
    await own.close();
  });

  it("gets place, time and key of each event, and the newest one of the partition when it asks", async () => {
    const own = await openRealClients();
    await own.producer().sendBatch([{ body: "a" }, { body: "b" }], { partitionKey: "machine-1" });
    const hub = own.hubs.hub("alerts");
    const [partition] = hub.partitionIds.filter((id) => hub.read(id, 0, 1).length > 0);
    const stored = hub.read(partition ?? "", 0, 2);
    const seen: unknown[] = [];
    const subscription = own.consumer().subscribe(
      partition ?? "",
      {
        processEvents: async (events, context) => {
          seen.push(...events.map((event) => ({ ...event, newest: context.lastEnqueuedEventProperties })));
        },
        processError: async (error) => {
          seen.push(error);
        },
      },
      { startPosition: { offset: "-1" }, trackLastEnqueuedEventProperties: true },
    );
    await expect.poll(() => seen.length).toBe(2);
    for (const [index, event] of stored.entries()) {
      expect(seen[index]).toMatchObject({
        sequenceNumber: event.sequenceNumber,
        offset: event.offset,
        enqueuedTimeUtc: event.enqueuedTimeUtc,
        partitionKey: "machine-1",
        newest: { sequenceNumber: 1, offset: stored[1]?.offset, enqueuedOn: stored[1]?.enqueuedTimeUtc },
      });
    }
    await subscription.close();
    await own.close();
  });

  it("can read all partitions", async () => {
    const reading = read(clients.consumer());
    expect(new Set(bodies(await reading.count(6)))).toEqual(new Set([1, 2, 3, 4, 5, "other"]));
    await reading.close();
  });

  it("has in each consumer group all events for itself, whatever the case of the group's name", async () => {
    const readings = [
      read(clients.consumer("$default"), "0"),
      read(clients.consumer("audit"), "0"),
      read(clients.consumer("AUDIT"), "0"),
    ];
    for (const reading of readings) {
      expect(bodies(await reading.count(5))).toEqual([1, 2, 3, 4, 5]);
      await reading.close();
    }
  });

  it("is told that its group or its partition does not exist", async () => {
    const lost = read(clients.consumer("nobody"), "0");
    expect((await lost.failure()).code).toBe("MessagingEntityNotFoundError");
    await lost.close();
    const beyond = read(clients.consumer(), "9");
    expect((await beyond.failure()).code).toBe("ArgumentOutOfRangeError");
    await beyond.close();
  });

  it("gets every kind of body back as it was sent", async () => {
    const own = await openRealClients();
    const producer = own.producer();
    const plain = [{ body: "text" }, { body: null }, { body: { a: [true] } }];
    await producer.sendBatch(plain, { partitionId: "0" });
    await producer.sendBatch(
      [
        { body: { nested: [1, "two"] }, bodyType: "value" },
        { body: [[1, "two"]], bodyType: "sequence" },
      ],
      { partitionId: "0" },
    );
    const reading = read(own.consumer(), "0");
    const events = await reading.count(5);
    expect(bodies(events)).toEqual(["text", null, { a: [true] }, { nested: [1, "two"] }, [[1, "two"]]]);
    const stored = own.hubs.hub("alerts").read("0", 0, 5);
    expect(stored.map((event) => event.body.toString())).toEqual([
      '"text"',
      "",
      '{"a":[true]}',
      '{"nested":[1,"two"]}',
      '[[1,"two"]]',
    ]);
    await own.close();
  });

  it("keeps the sender's own annotations, but not a forged sequence number", async () => {
    const own = await openRealClients();
    const messageAnnotations = { "x-opt-sequence-number": 99, "x-opt-own": "mine" };
    await own
      .producer()
      .sendBatch([{ body: "x", bodyType: "data", messageAnnotations }], { partitionId: "0" });
    const [event] = await read(own.consumer(), "0").count(1);
    expect(event).toMatchObject({ sequenceNumber: 0, systemProperties: { "x-opt-own": "mine" } });
    expect(own.hubs.hub("alerts").read("0", 0, 1)[0]?.systemProperties).toEqual({ "x-opt-own": "mine" });
    await own.close();
  });

  it("that grants little credit at a time still gets everything once and in order", async () => {
    const own = await openRealClients();
    const numbers = Array.from({ length: 2_500 }, (_, index) => index);
    await own.producer().sendBatch(
      numbers.map((body) => ({ body })),
      { partitionId: "0" },
    );
    const small = read(own.consumer(), "0", { maxBatchSize: 100, prefetchCount: 7 });
    const large = read(own.consumer("audit"), "0", { maxBatchSize: 3_000 });
    expect(bodies(await large.count(2_500))).toEqual(numbers);
    expect(bodies(await small.count(1_000)).slice(0, 1_000)).toEqual(numbers.slice(0, 1_000));
    await own.close();
  });
});

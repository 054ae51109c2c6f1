import { EventHubBufferedProducerClient } from "@azure/event-hubs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRealClients, type RealClients, read } from "./real-clients.ts";

let clients: RealClients;
beforeAll(async () => {
  clients = await openRealClients({
    hubs: {
      alerts: { partitions: 2 },
      keyed: { partitions: 8 },
      turns: { partitions: 3 },
      large: { partitions: 1 },
      buffered: { partitions: 2 },
      empty: { partitions: 4 },
    },
  });
});
afterAll(() => clients.close());

describe("a producer", () => {
  it("reaches the partition it names, with the exact bytes, the properties and the message id", async () => {
    await clients.producer().sendBatch(
      [
        {
          body: Buffer.from('{ "kept":  "as sent" }'),
          properties: { Source: "test", count: 3 },
          messageId: "m-1",
          contentType: "application/json",
        },
      ],
      { partitionId: "1" },
    );
    expect(clients.hubs.hub("alerts").read("0", 0, 10)).toEqual([]);
    const [event] = clients.hubs.hub("alerts").read("1", 0, 10);
    expect(event?.body.toString()).toBe('{ "kept":  "as sent" }');
    expect(event).toMatchObject({
      sequenceNumber: 0,
      partitionKey: null,
      properties: { Source: "test", count: 3 },
      systemProperties: { messageId: "m-1", contentType: "application/json" },
    });
  });

  it("finds all events of one key in one partition, each with its key", async () => {
    const producer = clients.producer("keyed");
    for (const key of ["a", "b", "c", "a", "b", "a"]) {
      await producer.sendBatch([{ body: key }, { body: key }], { partitionKey: key });
    }
    const hub = clients.hubs.hub("keyed");
    const places = hub.partitionIds.flatMap((id) => hub.read(id, 0, 100).map((event) => ({ id, event })));
    expect(places).toHaveLength(12);
    for (const key of ["a", "b", "c"]) {
      const of = places.filter(({ event }) => event.partitionKey === key);
      expect(new Set(of.map(({ id }) => id)).size).toBe(1);
      expect(new Set(of.map(({ event }) => event.body.toString()))).toEqual(new Set([JSON.stringify(key)]));
    }
  });

  it("fills the partitions in turn when it names none", async () => {
    const producer = clients.producer("turns");
    for (let number = 0; number < 6; number += 1) await producer.sendBatch([{ body: number }]);
    const hub = clients.hubs.hub("turns");
    expect(hub.partitionIds.map((id) => hub.read(id, 0, 10).length)).toEqual([2, 2, 2]);
  });

  it("can send three thousand events as one batch, which keeps their order", async () => {
    const numbers = Array.from({ length: 3_000 }, (_, index) => index);
    await clients.producer("large").sendBatch(numbers.map((body) => ({ body })));
    const stored = clients.hubs.hub("large").read("0", 0, 4_000);
    expect(stored.map((event) => Number(event.body))).toEqual(numbers);
    expect(stored.map((event) => event.sequenceNumber)).toEqual(numbers);
    const offsets = stored.map((event) => Number(event.offset));
    expect(offsets).toEqual([...new Set(offsets)].sort((one, other) => one - other));
  });

  it("learns the limit of one mebibyte from the link, and fills it", async () => {
    const producer = clients.producer("large");
    const batch = await producer.createBatch({ partitionId: "0" });
    expect(batch.maxSizeInBytes).toBe(1024 * 1024);
    expect(batch.tryAdd({ body: Buffer.alloc(2_000_000) })).toBe(false);
    const body = Buffer.alloc(1_000_000, 7);
    expect(batch.tryAdd({ body })).toBe(true);
    await producer.sendBatch(batch);
    const hub = clients.hubs.hub("large");
    expect(hub.read("0", 0, 10_000).at(-1)?.body.equals(body)).toBe(true);
  });

  it("may buffer its events", async () => {
    const sent: unknown[] = [];
    const producer = new EventHubBufferedProducerClient(clients.hubs.connectionString, "buffered", {
      maxWaitTimeInMs: 20,
      onSendEventsErrorHandler: async ({ error }) => {
        sent.push(error);
      },
      onSendEventsSuccessHandler: async ({ events }) => {
        sent.push(...events.map((event) => event.body));
      },
    });
    await producer.enqueueEvents([{ body: 1 }, { body: 2 }, { body: 3 }]);
    await producer.flush();
    await producer.close();
    expect(sent.sort()).toEqual([1, 2, 3]);
    const hub = clients.hubs.hub("buffered");
    expect(hub.partitionIds.flatMap((id) => hub.read(id, 0, 10))).toHaveLength(3);
  });

  it("is told by name that its hub does not exist", async () => {
    await expect(clients.producer("nowhere").sendBatch([{ body: 1 }])).rejects.toMatchObject({
      code: "MessagingEntityNotFoundError",
    });
    await expect(clients.producer("nowhere").getEventHubProperties()).rejects.toMatchObject({
      code: "MessagingEntityNotFoundError",
    });
  });

  it("is told that its partition does not exist", async () => {
    const producer = clients.producer();
    await expect(producer.sendBatch([{ body: 1 }], { partitionId: "7" })).rejects.toMatchObject({
      code: "ArgumentOutOfRangeError",
    });
    await expect(producer.getPartitionProperties("7")).rejects.toMatchObject({
      code: "ArgumentOutOfRangeError",
    });
  });
});

describe("the properties", () => {
  it("of a hub tell its partitions, whatever the case of its name", async () => {
    const properties = await clients.producer("EMPTY").getEventHubProperties();
    expect(properties).toMatchObject({
      name: "empty",
      partitionIds: ["0", "1", "2", "3"],
      isGeoDrEnabled: false,
    });
    expect(properties.createdOn.getTime()).toBeGreaterThan(0);
  });

  it("of a partition tell its newest event, or that there is none", async () => {
    const producer = clients.producer("empty");
    expect(await producer.getPartitionProperties("2")).toMatchObject({
      eventHubName: "empty",
      partitionId: "2",
      isEmpty: true,
      beginningSequenceNumber: 0,
      lastEnqueuedSequenceNumber: -1,
      lastEnqueuedOffset: "-1",
    });
    await producer.sendBatch([{ body: 1 }, { body: 2 }], { partitionId: "2" });
    const last = clients.hubs.hub("empty").read("2", 1, 1)[0];
    expect(await producer.getPartitionProperties("2")).toMatchObject({
      isEmpty: false,
      beginningSequenceNumber: 0,
      lastEnqueuedSequenceNumber: 1,
      lastEnqueuedOffset: last?.offset,
      lastEnqueuedOnUtc: last?.enqueuedTimeUtc,
    });
  });
});

describe("the hub in the same process", () => {
  it("gives what it appended to AMQP readers, and tells listeners until they leave", async () => {
    const { hubs, consumer, close } = await openRealClients();
    const told: string[] = [];
    const hub = hubs.hub("Alerts");
    const leave = hub.onAppend((partition) => told.push(partition));
    const first = hub.append("1", Buffer.from("plain text"), { kind: "raw" });
    const second = hub.append(undefined, Buffer.from("{}"));
    leave();
    hub.append("0", Buffer.from("{}"));
    expect(first).toEqual({ partition: "1", sequenceNumber: 0 });
    expect(second.partition).toBe("0");
    expect(told).toEqual(["1", "0"]);
    expect(hub.partitionCount).toBe(2);
    const reading = read(consumer(), "1", { skipParsingBodyAsJson: true });
    const [event] = await reading.count(1);
    expect(event?.body).toEqual(Buffer.from("plain text"));
    expect(event?.properties).toEqual({ kind: "raw" });
    await close();
  });

  it("refuses an unknown hub and an unknown partition", () => {
    expect(() => clients.hubs.hub("nowhere")).toThrow("nowhere");
    expect(() => clients.hubs.hub("alerts").append("9", Buffer.from("x"))).toThrow("no partition 9");
    expect(() => clients.hubs.hub("alerts").read("9", 0, 1)).toThrow("no partition 9");
  });
});

import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import rhea, { type AmqpError, type EventContext, type Sender } from "rhea";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bodies, openRealClients, type RealClients, read } from "./real-clients.ts";

let clients: RealClients;
beforeEach(async () => {
  clients = await openRealClients();
});
afterEach(() => clients.close());

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe("a busy server", () => {
  it("refuses as many sends as it was told, and the client tries again", async () => {
    clients.hubs.faults.refuseSends(2);
    await clients.producer().sendBatch([{ body: 1 }], { partitionId: "0" });
    expect(clients.hubs.hub("alerts").read("0", 0, 10)).toHaveLength(1);
  });

  it("that stays busy is an error of the client, and nothing is stored", async () => {
    clients.hubs.faults.refuseSends(4);
    const sending = clients.producer().sendBatch([{ body: 1 }], { partitionId: "0" });
    await expect(sending).rejects.toMatchObject({
      errors: expect.arrayContaining([expect.objectContaining({ code: "ServerBusyError" })]),
    });
    expect(clients.hubs.hub("alerts").read("0", 0, 10)).toEqual([]);
  });
});

describe.each(["closeConnections", "cutConnections"] as const)("a connection lost by %s", (loss) => {
  it("is opened again by the reader, which goes on where it was", async () => {
    const hub = clients.hubs.hub("alerts");
    // After a loss the client ends the wait that it is in before it opens the link again: a minute by default.
    const reading = read(clients.consumer(), "0", { maxWaitTimeInSeconds: 0.2 });
    for (const body of numbers(3)) hub.append("0", Buffer.from(String(body)));
    await reading.count(3);
    clients.hubs.faults[loss]();
    for (const body of [3, 4, 5]) hub.append("0", Buffer.from(String(body)));
    expect(bodies(await reading.count(6))).toEqual(numbers(6));
  });

  it("is opened again by the producer", async () => {
    const producer = clients.producer();
    await producer.sendBatch([{ body: 0 }], { partitionId: "0" });
    clients.hubs.faults[loss]();
    // A send at once would go into the lost connection, where the client waits for its answer.
    await setTimeout(100);
    await producer.sendBatch([{ body: 1 }], { partitionId: "0" });
    const stored = clients.hubs.hub("alerts").read("0", 0, 10);
    expect(stored.map((event) => event.body.toString())).toEqual(["0", "1"]);
  });
});

describe("a sender that is not the Event Hubs client", () => {
  async function rawSender(target: string): Promise<Sender> {
    const connection = rhea.create_container().connect({
      host: "127.0.0.1",
      port: clients.hubs.port,
      username: "any",
      password: "any",
      reconnect: false,
    });
    const sender = connection.open_sender({ target: { address: target } });
    await once(sender, "sendable");
    return sender;
  }

  async function outcome(sender: Sender, content: Buffer, format: number): Promise<AmqpError | "accepted"> {
    const answered = Promise.race([
      once(sender, "accepted").then((): "accepted" => "accepted"),
      once(sender, "rejected").then(
        ([context]: EventContext[]): AmqpError => context?.delivery?.remote_state?.["error"],
      ),
    ]);
    sender.send(content, undefined, format);
    return answered;
  }

  it("may send plain messages, without a batch around them", async () => {
    const sender = await rawSender("alerts/partitions/1");
    const message = rhea.message.encode({ body: rhea.message.data_section(Buffer.from("{}")) });
    expect(await outcome(sender, message, 0)).toBe("accepted");
    expect(clients.hubs.hub("alerts").read("1", 0, 1)[0]?.body.toString()).toBe("{}");
    sender.connection.close();
  });

  it("is refused unreadable batches, unknown formats and too large deliveries, and the server goes on", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const sender = await rawSender("alerts");
    const argument = { condition: "com.microsoft:argument-error" };
    expect(await outcome(sender, Buffer.from([0, 0x53, 0x75, 0xff]), 0x80013700)).toMatchObject(argument);
    const inner = rhea.message.encode({ body: rhea.message.data_section(Buffer.from([1, 2, 3])) });
    expect(await outcome(sender, inner, 0x80013700)).toMatchObject(argument);
    expect(await outcome(sender, inner, 0x80013701)).toMatchObject(argument);
    expect(await outcome(sender, Buffer.alloc(1024 * 1024 + 1), 0x80013700)).toMatchObject({
      condition: "amqp:link:message-size-exceeded",
    });
    sender.connection.close();
    expect(warn.mock.calls.filter(([text]) => String(text).startsWith("Event Hubs stand-in"))).toHaveLength(
      3,
    );
    warn.mockRestore();
    await clients.producer().sendBatch([{ body: 1 }], { partitionId: "0" });
    const hub = clients.hubs.hub("alerts");
    expect(hub.partitionIds.flatMap((id) => hub.read(id, 0, 10))).toHaveLength(1);
  });
});

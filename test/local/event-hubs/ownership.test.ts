import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRealClients, type RealClients, read } from "./real-clients.ts";

let clients: RealClients;
beforeEach(async () => {
  clients = await openRealClients();
  clients.hubs.hub("alerts").append("0", Buffer.from("1"));
});
afterEach(() => clients.close());

describe("the readers of one partition in one group", () => {
  it("lose it to a reader with a higher owner level", async () => {
    const shared = read(clients.consumer(), "0");
    await shared.count(1);
    const owner = read(clients.consumer(), "0", { ownerLevel: 1 });
    await owner.count(1);
    expect((await shared.failure()).code).toBe("ReceiverDisconnectedError");
    const newer = read(clients.consumer(), "0", { ownerLevel: 2 });
    await newer.count(1);
    expect((await owner.failure()).code).toBe("ReceiverDisconnectedError");
    clients.hubs.hub("alerts").append("0", Buffer.from("2"));
    await newer.count(2);
    expect(newer.errors).toEqual([]);
    expect([shared.events.length, owner.events.length]).toEqual([1, 1]);
  });

  it("lose it to a newer reader with the same owner level", async () => {
    const older = read(clients.consumer(), "0", { ownerLevel: 3 });
    await older.count(1);
    const newer = read(clients.consumer(), "0", { ownerLevel: 3 });
    await newer.count(1);
    expect((await older.failure()).code).toBe("ReceiverDisconnectedError");
    expect(newer.errors).toEqual([]);
  });

  it("keep it against a reader with a lower owner level or none", async () => {
    const owner = read(clients.consumer(), "0", { ownerLevel: 5 });
    await owner.count(1);
    for (const options of [{ ownerLevel: 4 }, {}]) {
      const late = read(clients.consumer(), "0", options);
      expect((await late.failure()).code).toBe("ReceiverDisconnectedError");
      expect(late.events).toEqual([]);
      await late.close();
    }
    expect(owner.errors).toEqual([]);
  });

  it("do not disturb the readers of another group or partition", async () => {
    clients.hubs.hub("alerts").append("1", Buffer.from("1"));
    const other = [read(clients.consumer("audit"), "0"), read(clients.consumer(), "1")];
    for (const reading of other) await reading.count(1);
    await read(clients.consumer(), "0", { ownerLevel: 1 }).count(1);
    clients.hubs.hub("alerts").append("0", Buffer.from("2"));
    clients.hubs.hub("alerts").append("1", Buffer.from("2"));
    for (const reading of other) await reading.count(2);
    expect(other.flatMap((reading) => reading.errors)).toEqual([]);
  });

  it("are at most five without an owner level, and a closed one makes room", async () => {
    const five = Array.from({ length: 5 }, () => read(clients.consumer(), "0"));
    for (const reading of five) await reading.count(1);
    const sixth = read(clients.consumer(), "0");
    expect((await sixth.failure()).code).toBe("QuotaExceededError");
    await sixth.close();
    await five[0]?.close();
    const next = read(clients.consumer(), "0");
    await next.count(1);
    expect(next.errors).toEqual([]);
  });

  it("make room when their connection is lost", async () => {
    const owner = read(clients.consumer(), "0", { ownerLevel: 5 });
    await owner.count(1);
    clients.hubs.faults.cutConnections();
    // The owner's client comes back only after the wait that it is in, a minute by default.
    const late = read(clients.consumer(), "0");
    await late.count(1);
    expect(late.errors).toEqual([]);
  });
});

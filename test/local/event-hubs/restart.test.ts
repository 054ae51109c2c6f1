import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startEventHubs } from "../../../local/event-hubs/index.ts";
import { bodies, openRealClients, read } from "./real-clients.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "event-hubs-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("a stand-in that keeps its events on disk", () => {
  it("has them again after a restart, with their places, keys and properties, and counts on", async () => {
    const before = await openRealClients({ directory });
    const producer = before.producer();
    await producer.sendBatch([{ body: "one", properties: { kind: "first" } }], { partitionId: "1" });
    await producer.sendBatch([{ body: "two" }], { partitionKey: "machine" });
    const hub = before.hubs.hub("alerts");
    const stored = hub.partitionIds.map((id) => hub.read(id, 0, 10));
    await before.close();

    const after = await openRealClients({ directory });
    const again = after.hubs.hub("alerts");
    expect(again.partitionIds.map((id) => again.read(id, 0, 10))).toEqual(stored);
    const next = again.append("1", Buffer.from('"three"'));
    expect(next.sequenceNumber).toBe(stored[1]?.length);
    const reading = read(after.consumer(), "1");
    const events = await reading.count(next.sequenceNumber + 1);
    expect(bodies(events)).toContain("one");
    expect(bodies(events).at(-1)).toBe("three");
    expect(events[0]?.properties).toEqual({ kind: "first" });
    await after.close();
  });
});

describe("starting and stopping", () => {
  it("can take a given port again, though a client was still connected", async () => {
    const clients = await openRealClients();
    const { port } = clients.hubs;
    await clients.producer().getEventHubProperties();
    await clients.hubs.close();
    const next = await startEventHubs({ port });
    expect(next.port).toBe(port);
    expect(next.connectionString).toContain(`127.0.0.1:${port};`);
    expect(next.hub("alerts").partitionCount).toBe(4);
    await expect(startEventHubs({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await next.close();
    await clients.producer().close();
  });
});

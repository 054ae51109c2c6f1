import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Azurite, startAzurite } from "../../local/azurite/index.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { listRemediations } from "../../src/engine/list-remediations.ts";
import { revert } from "../../src/engine/revert.ts";
import { openTable } from "../../src/store/open-table.ts";
import { alert, type Bench, bench, configuration } from "../engine/harness.ts";
import { type CountingProxy, startCountingProxy } from "./counting-proxy.ts";

const HOUR = 3_600_000;

/** The alert with another title. */
function withTitle(body: Uint8Array, title: string): Uint8Array {
  const read: object = JSON.parse(new TextDecoder().decode(body));
  return new TextEncoder().encode(JSON.stringify({ ...read, AlertDisplayName: title }));
}

describe("the cost of each path in table transactions, counted at the wire by a proxy before Azurite", () => {
  let azurite: Azurite;
  let proxy: CountingProxy;
  let tables = 0;

  beforeAll(async () => {
    azurite = await startAzurite();
    proxy = await startCountingProxy(azurite.tableUrl);
  });
  afterAll(async () => {
    await proxy.close();
    await azurite.stop();
  });

  let b: Bench;
  let engine: Engine;
  let sequence = 0;

  /** One more process on the same table: same world and clock, nothing remembered. */
  const open = async (mode: string, rules?: (text: string) => string): Promise<void> => {
    const name = `costs${tables++}`;
    const connectionString = azurite.connectionString.replace(azurite.tableUrl, proxy.url);
    const table = openTable({ connectionString }, name);
    await table.prepare();
    b = bench({ configuration: configuration(mode, rules), engine: { table } });
    engine = b.engine;
    // The note that events came is one transaction in ten minutes, the look at what is switched off one read in five
    // seconds; here they are not what is counted.
    engine.recent.lastEventNoted = engine.clock.now();
    await engine.switches.now();
    proxy.take();
  };
  const take = (...bodies: Uint8Array[]) =>
    ingest(
      engine,
      bodies.map((body) => ({ body, partition: "0", sequence: sequence++, enqueuedAt: null })),
    );
  const silently = (text: string): string => text.replaceAll("notify: [security]", "notify: []");

  beforeEach(() => {
    sequence = 0;
  });

  it("is three for a distinct alert that is acted upon, one of them for its budgets, and no read", async () => {
    await open("enforce", silently);
    await take(alert());
    expect(proxy.take()).toEqual({ transactions: 3, refused: 0, reads: 0 });
  });

  it("is two more for a message that is sent at once, one of them for its channel's budget", async () => {
    await open("enforce");
    await take(alert());
    expect(proxy.take()).toEqual({ transactions: 5, refused: 0, reads: 0 });
    expect(b.sent).toHaveLength(1);
  });

  it("is one for an observation and one for a notification", async () => {
    await open("observe");
    await take(alert());
    expect(proxy.take()).toEqual({ transactions: 1, refused: 0, reads: 0 });
    await take(alert({ id: "vm-1", key: "VM_MinerInContainerImage" }));
    expect(proxy.take()).toEqual({ transactions: 1, refused: 0, reads: 0 });
  });

  it("is nothing for the same signal again in the process", async () => {
    await open("enforce", silently);
    await take(alert());
    proxy.take();
    expect(await take(alert(), alert())).toMatchObject({ joined: 2 });
    expect(proxy.take()).toEqual({ transactions: 0, refused: 0, reads: 0 });
  });

  it("is one refused transaction and two point reads for the same signal in another process", async () => {
    await open("enforce", silently);
    await take(alert());
    engine.recent.forget();
    engine.recent.lastEventNoted = engine.clock.now();
    proxy.take();
    await take(alert());
    const counts = proxy.take();
    expect(counts).toMatchObject({ transactions: 1, refused: 1 });
    // The target row and the signal row.
    expect(counts.reads).toBe(2);
  });

  it("is one join for a target and batch, however many signals join", async () => {
    await open("enforce", silently);
    await take(alert());
    proxy.take();
    const counts = await take(alert({ id: "a-2" }), alert({ id: "a-3" }), alert({ id: "a-4" }));
    expect(counts).toMatchObject({ recorded: 0, joined: 3 });
    const { transactions, refused } = proxy.take();
    expect({ transactions, refused }).toEqual({ transactions: 2, refused: 1 });
  });

  it("is three for a later episode, and one for its budgets", async () => {
    await open("enforce", silently);
    await take(alert());
    const { remediations } = await listRemediations(engine.table, { limit: 1 });
    await revert(engine, remediations[0]?.id ?? "", { who: "ann", id: "t/ann", why: "a drill" });
    b.clock.pass(2 * HOUR);
    engine.recent.lastEventNoted = engine.clock.now();
    proxy.take();
    expect(await take(alert({ id: "a-9", at: "2026-03-02T09:50:00.000Z" }))).toMatchObject({ recorded: 1 });
    const { transactions, refused } = proxy.take();
    // The refused one is the insert that found the target row there.
    expect(transactions - refused).toBe(4);
    expect(refused).toBe(1);
  });

  it("is the same for text with separators that the service refuses raw", async () => {
    await open("enforce", silently);
    const evil = "t \u2028 x \u2029 y";
    await take(withTitle(alert(), evil));
    await take(withTitle(alert({ id: `a-2${evil}` }), evil));
    expect(proxy.take()).toMatchObject({ transactions: 5, refused: 1 });
    const { remediations } = await listRemediations(engine.table, { limit: 5 });
    expect(remediations).toMatchObject([{ state: "in-force", signal: { title: evil } }]);
  });

  it("is nothing for what no rule matches", async () => {
    await open("enforce");
    expect(await take(alert({ id: "x", key: "DNS_Something" }))).toMatchObject({ unmatched: 1 });
    expect(proxy.take()).toEqual({ transactions: 0, refused: 0, reads: 0 });
  });
});

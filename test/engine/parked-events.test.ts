import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ingest } from "../../src/engine/ingest.ts";
import { type HubEvent, park } from "../../src/engine/parked-events.ts";
import {
  isParkedCursor,
  isParkedId,
  listParked,
  type ParkedWithBytes,
  readParked,
} from "../../src/engine/parked-list.ts";
import { createMemoryTable } from "../../src/store/memory-table.ts";
import { StoreUnreachable, type Table } from "../../src/store/table.ts";
import { alert, bench, fakeClock } from "./harness.ts";

const MIB = 1024 * 1024;

function event(body: Uint8Array, more: Partial<HubEvent> = {}): HubEvent {
  return { body, partition: "3", sequence: 17, enqueuedAt: "2026-03-02T07:59:00Z", ...more };
}

function yard(table: Table = createMemoryTable()) {
  const engine = { table, clock: fakeClock() };
  return {
    table,
    put: (one: HubEvent, piece: number | "event" = 0, reason = "bad") =>
      park(engine, one, piece, reason, one.body),
    /** Newest first. */
    all: async (limit = 1_000): Promise<ParkedWithBytes[]> => {
      const found: ParkedWithBytes[] = [];
      let after: string | null = null;
      do {
        const page: Awaited<ReturnType<typeof listParked>> = await listParked(table, limit, after);
        expect(page.events.length).toBeLessThanOrEqual(limit);
        if (page.next !== null) expect(isParkedCursor(page.next)).toBe(true);
        for (const one of page.events) {
          expect(isParkedId(one.id), one.id).toBe(true);
          const read = await readParked(table, one.id);
          expect(read).toMatchObject(one);
          if (read !== null) found.push(read);
        }
        after = page.next;
      } while (after !== null);
      return found;
    },
  };
}

const same = (parked: ParkedWithBytes | undefined, bytes: Uint8Array): boolean =>
  parked !== undefined && Buffer.compare(parked.bytes, bytes) === 0;

describe("a parked event", () => {
  it("keeps its bytes, its reason and when it was parked", async () => {
    const { put, all } = yard();
    const bytes = new Uint8Array([0xff, 0, 1, 2]);
    await put(event(bytes), 0, "The bytes are not valid UTF-8.");
    const [parked, ...more] = await all();
    expect(more).toEqual([]);
    expect(parked).toMatchObject({
      reason: "The bytes are not valid UTF-8.",
      at: "2026-03-02T08:00:00.000Z",
    });
    expect(same(parked, bytes)).toBe(true);
  });

  it("may be empty", async () => {
    const { put, all } = yard();
    await put(event(new Uint8Array()));
    expect((await all()).map(({ bytes }) => bytes.length)).toEqual([0]);
  });

  it.each([480 * 1024, 480 * 1024 + 1, MIB, 9 * MIB])(
    "is kept whole where it has %i bytes that do not shrink",
    async (size) => {
      const { put, all } = yard();
      const bytes = randomBytes(size);
      await put(event(bytes));
      const parked = await all();
      expect(parked).toHaveLength(1);
      expect(same(parked[0], bytes)).toBe(true);
    },
  );

  it("is never cut in two by a page", async () => {
    const { put, all } = yard();
    const bodies = [
      randomBytes(3 * 480 * 1024),
      randomBytes(10),
      randomBytes(2 * 480 * 1024),
      randomBytes(5),
    ];
    for (const [sequence, body] of bodies.entries()) await put(event(body, { sequence }));
    for (const limit of [1, 2, 3, 4, 7]) {
      const parked = await all(limit);
      const whole = bodies.map((body) => parked.some((one) => same(one, body) && one.complete));
      expect(whole).toEqual(bodies.map(() => true));
      expect(parked).toHaveLength(bodies.length);
    }
  });

  it("is parked once however often it comes, and what a crash left out is added", async () => {
    const table = createMemoryTable();
    let calls = 0;
    const dying: Table = {
      ...table,
      transact: (partition, operations) => {
        calls += 1;
        if (calls === 2) throw new StoreUnreachable("the process died");
        return table.transact(partition, operations);
      },
    };
    const bytes = randomBytes(MIB);
    await expect(yard(dying).put(event(bytes))).rejects.toBeInstanceOf(StoreUnreachable);
    const { put, all } = yard(table);
    expect((await all()).map(({ complete }) => complete)).toEqual([false]);
    await put(event(bytes));
    await put(event(bytes), 0, "another reason");
    const parked = await all();
    expect(parked).toHaveLength(1);
    expect(same(parked[0], bytes)).toBe(true);
  });

  it("does not hide another one of the same place, piece or hub", async () => {
    const { put, all } = yard();
    const one = new Uint8Array([1]);
    await put(event(one));
    await put(event(new Uint8Array([2])));
    await put(event(one), 1);
    await put(event(one), "event");
    await put(event(one, { partition: "4" }));
    await put(event(one, { sequence: 18 }));
    expect(await all()).toHaveLength(6);
  });

  it("is listed the newest first, whatever its place", async () => {
    const clock = fakeClock();
    const table = createMemoryTable();
    const order = [100, 9, 1_000_000_000_000, 50];
    for (const sequence of order) {
      await park({ table, clock }, event(new Uint8Array(), { sequence }), 0, "bad", new Uint8Array([1]));
      clock.pass(1);
    }
    for (const limit of [1, 2, 3, 4]) {
      const all = await yard(table).all(limit);
      expect(all.map(({ sequence }) => Number(sequence))).toEqual(order.toReversed());
    }
  });

  it("fits the store whatever place, reason and bytes it has", async () => {
    const anything = fc.string({ unit: "binary", maxLength: 2_000 });
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 50 }),
        anything,
        anything,
        fc.double(),
        async (...given) => {
          const [body, partition, reason, sequence] = given;
          const { put, all } = yard();
          await put(event(body, { partition, sequence }), 0, `\ud800${reason}`);
          expect(same((await all())[0], body)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("poison in a batch", () => {
  it("is parked by its place once, however often the batch comes", async () => {
    const b = bench();
    const bodies = [new TextEncoder().encode("not json"), alert(), new Uint8Array([0xff, 0xfe])];
    const events = bodies.map((body, sequence) => event(body, { sequence }));
    const first = await ingest(b.engine, events);
    const again = await ingest(b.engine, events);
    expect([first.parked, again.parked]).toEqual([2, 2]);
    const parked = await yard(b.table).all();
    const texts = parked.map(({ bytes }) => Buffer.from(bytes).toString("latin1"));
    expect(texts.sort()).toEqual(["not json", "\xff\xfe"]);
    expect(parked.every(({ reason }) => reason.length > 10)).toBe(true);
  });

  it("is parked whole where it is larger than any event may be", async () => {
    const b = bench();
    const body = randomBytes(2 * MIB);
    expect(await ingest(b.engine, [event(body), event(alert(), { sequence: 18 })])).toMatchObject({
      recorded: 1,
      parked: 1,
    });
    const parked = await yard(b.table).all();
    expect(same(parked[0], body)).toBe(true);
  });
});

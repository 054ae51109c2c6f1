import { describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Permanent, Retryable } from "../../src/model/errors.ts";
import type { Message } from "../../src/model/message.ts";
import { RowConflict, type Table } from "../../src/store/table.ts";
import { ROOMY } from "./fixtures.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { another, event, sweepAfter } from "./processes.ts";

/** Keys of the messages that wait, without their times. */
function waiting(b: Bench): string[] {
  return b.table
    .snapshot()
    .flatMap(({ key, cells }) => (cells["kind"] === "message" ? [key.split("!").slice(2).join("!")] : []));
}

/** A channel that fails some times before it takes messages. */
function failing(b: Bench, times: number, fault: () => Error) {
  let left = times;
  const send = async (_channel: string, messages: readonly Message[]): Promise<void> => {
    if (left > 0) {
      left -= 1;
      throw fault();
    }
    b.sent.push(...messages);
  };
  return another(b, { channels: { send } });
}

describe("a message", () => {
  it("goes at least once: a process that dies between sending and noting it sends it again", async () => {
    const b = bench();
    const dying = another(b, {
      channels: {
        send: (_channel, messages) => {
          b.sent.push(...messages);
          return new Promise(() => {});
        },
      },
    });
    void ingest(dying, [event()]);
    for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(b.sent).toHaveLength(1);
    await sweepAfter(b, 1);
    expect(b.sent.map(({ remediationId, sequence }) => `${remediationId}!${sequence}`)).toEqual(
      Array(2).fill(`${b.records()[0]?.id}!${b.sent[0]?.sequence}`),
    );
    await sweepAfter(b, 1, 1);
    expect(b.sent).toHaveLength(2);
    expect(waiting(b)).toEqual([]);
  });

  it("is moved and sent later when its channel fails, and the remediation does not wait for it", async () => {
    const b = bench();
    const engine = failing(b, 1, () => new Retryable("429", "Wait.", { retryAfterMs: 90_000 }));
    await ingest(engine, [event()]);
    expect(b.records()).toMatchObject([{ state: "in-force" }]);
    expect(waiting(b)).toHaveLength(1);
    b.clock.pass(60_000);
    expect(await sweep(engine)).toMatchObject({ sent: 0 });
    b.clock.pass(31_000);
    expect(await sweep(engine)).toMatchObject({ sent: 1 });
    expect(b.sent.map(({ kind }) => kind)).toEqual(["in-force"]);
    expect(waiting(b)).toEqual([]);
    expect(b.broken()).toEqual([]);
  });

  it("is tried seldom where there is little hope, and never dropped", async () => {
    const b = bench();
    const engine = failing(b, 3, () => new Permanent("the webhook has gone", "Set TEAMS anew."));
    await ingest(engine, [event()]);
    for (let hour = 0; hour < 3; hour += 1) {
      expect(waiting(b)).toHaveLength(1);
      b.clock.pass(30 * 60_000);
      expect(await sweep(engine)).toMatchObject({ sent: 0 });
      b.clock.pass(31 * 60_000);
      await sweep(engine);
    }
    expect(b.sent).toHaveLength(1);
    expect(waiting(b)).toEqual([]);
    expect(b.log.filter((entry) => entry.event === "message not sent")).toHaveLength(3);
  });

  it("tells the moment that it was written for, however late it goes", async () => {
    const b = bench();
    const engine = failing(b, 1, () => new Error("unknown"));
    await ingest(engine, [event()]);
    await sweepAfter(b, 8 * 60);
    expect(b.sent.map(({ kind, remediation }) => [kind, remediation?.state])).toContainEqual([
      "in-force",
      "in-force",
    ]);
  });

  it("of many at once is one digest", async () => {
    const b = bench();
    const sizes: number[] = [];
    const engine = another(b, {
      channels: { send: async (_channel, messages) => void sizes.push(messages.length) },
    });
    const events = Array.from({ length: 9 }, (_none, n) => event({ id: `d-${n}`, pod: `d-${n}` }));
    for (const [n] of events.entries()) b.world.addPod(`d-${n}`);
    await ingest(engine, events);
    expect(sizes).toEqual([9]);
  });

  it("is sent once by two sweeps one after the other", async () => {
    const b = bench({ mode: "observe" });
    await b.ingest(alert());
    await sweepAfter(b, 1, 1);
    expect(b.sent.map(({ kind }) => kind)).toEqual(["observed"]);
  });
});

describe("the sendings of a channel", () => {
  const MINUTE = 60_000;

  /** A bench whose channel takes so many sendings an hour, and what was sent in each. */
  function tight(messagesPerChannel: number): { b: Bench; engine: Engine; sendings: Message[][] } {
    const rules = { ...configuration("enforce"), budgets: { ...ROOMY, messagesPerChannel } };
    const b = bench({ configuration: rules });
    const sendings: Message[][] = [];
    const engine = another(b, {
      channels: { send: async (_channel, messages) => void sendings.push([...messages]) },
    });
    return { b, engine, sendings };
  }

  const alertOn = (b: Bench, name: string) => {
    b.world.addPod(name);
    return event({ id: name, pod: name, at: b.clock.now().toISOString() });
  };
  const idsOf = (sendings: readonly (readonly Message[])[]): string[] =>
    sendings.flat().map(({ remediationId, sequence }) => `${remediationId}!${sequence}`);

  it("are bounded in a storm of 500 alerts, one by one, and none is lost from the digests", async () => {
    const { b, engine, sendings } = tight(10);
    for (let index = 0; index < 500; index += 1) {
      await ingest(engine, [alertOn(b, `p-${index}`)]);
      b.clock.pass(1_000);
      if (index % 30 === 0) await sweep(engine);
    }
    expect(sendings.length).toBeLessThanOrEqual(10);
    b.clock.pass(52 * MINUTE);
    await sweep(engine);
    expect(sendings.length).toBeLessThanOrEqual(10 + 5);
    const ids = idsOf(sendings);
    expect(new Set(ids).size).toBe(500);
    expect(ids).toHaveLength(500);
    expect(waiting(b)).toEqual([]);
  });

  it("keep a tenth for what somebody has to act upon", async () => {
    const { b, engine, sendings } = tight(10);
    for (let index = 0; index < 12; index += 1) await ingest(engine, [alertOn(b, `p-${index}`)]);
    expect(sendings).toHaveLength(9);
    b.world.before = async (call) => {
      if (call.startsWith("label")) throw new Permanent("403", "Grant it.");
    };
    await ingest(engine, [alertOn(b, "f-1")]);
    expect(sendings.at(-1)?.map(({ kind }) => kind)).toEqual(["failed"]);
    await ingest(engine, [alertOn(b, "f-2")]);
    expect(sendings).toHaveLength(10);
    b.clock.pass(60 * MINUTE);
    await sweep(engine);
    expect(
      sendings
        .at(-1)
        ?.map(({ kind }) => kind)
        .toSorted(),
    ).toEqual(["failed", "in-force", "in-force", "in-force"]);
  });

  it("go with the failed ones first where there are many", async () => {
    const { b, engine, sendings } = tight(1_000);
    b.world.before = async (call) => {
      if (call === "label p-90") throw new Permanent("403", "Grant it.");
    };
    await ingest(
      engine,
      Array.from({ length: 100 }, (_none, index) => alertOn(b, `p-${index}`)),
    );
    expect(sendings.map((sending) => sending.length)).toEqual([40, 40, 20]);
    expect(sendings[0]?.[0]?.kind).toBe("failed");
  });

  it("count once where the answer of the budget was lost", async () => {
    const { b, engine, sendings } = tight(2);
    let lost = 1;
    const table: Table = {
      ...b.table,
      transact: async (partition, operations) => {
        const etags = await b.table.transact(partition, operations);
        const isSending = operations.some(({ key }) => key.includes("!channel!"));
        if (isSending && lost-- > 0) throw new RowConflict(412, "it has moved");
        return etags;
      },
    };
    await ingest({ ...engine, table }, [alertOn(b, "p-1")]);
    await ingest(engine, [alertOn(b, "p-2")]);
    await ingest(engine, [alertOn(b, "p-3")]);
    expect(sendings).toHaveLength(2);
  });
});

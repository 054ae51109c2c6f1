import { Permanent, Retryable } from "../model/errors.ts";
import type { Message } from "../model/message.ts";
import { insertMessage } from "../store/record-rows.ts";
import { shardOf } from "../store/row-keys.ts";
import { type Operation, RowConflict, StoreUnreachable } from "../store/table.ts";
import type { Committed } from "./commit.ts";
import { type Engine, later } from "./engine.ts";
import { isReserved, nextHour, takeSending } from "./sending-budget.ts";
import { within } from "./within.ts";

/** A message with the key of its due row. */
export type DueMessage = Committed["messages"][number];

/** Messages of one sending; more become the next one, unless they are so many that the sendings would be too. */
const PER_SENDING = 40;
const SENDINGS = 5;
const PER_TRANSACTION = 40;
const SEND_MS = 12_000;
const AGAIN_MS = 60_000;
const HOPELESS_MS = 3_600_000;
/** What nobody should learn half a minute later. */
const URGENT: readonly Message["kind"][] = ["in-force", "awaiting-approval", "failed"];

/** Sends at once what is urgent; the rest waits for the sweep, and so does what fails. Raises nothing. */
export async function sendNow(engine: Engine, messages: readonly DueMessage[]): Promise<void> {
  try {
    await deliver(
      engine,
      messages.filter(({ message }) => URGENT.includes(message.kind)),
    );
  } catch (error) {
    if (!(error instanceof StoreUnreachable)) throw error;
  }
}

/**
 * Sends messages, those of one channel together (a digest), and removes their due rows afterwards: at least once. What
 * cannot be sent is due again, later where there is little hope; what is over the channel's budget waits for the next
 * hour, and then comes together. Raises `StoreUnreachable`.
 */
export async function deliver(engine: Engine, messages: readonly DueMessage[]): Promise<void> {
  for (const [channel, ofChannel] of Map.groupBy(messages, ({ message }) => message.channel)) {
    const [first, others] = [true, false].map((reserved) =>
      ofChannel.filter(({ message }) => isReserved(message) === reserved),
    );
    const sorted = [...(first ?? []), ...(others ?? [])];
    const each = Math.max(PER_SENDING, Math.ceil(sorted.length / SENDINGS));
    for (let start = 0; start < sorted.length; start += each) {
      await sendWithin(engine, channel, sorted.slice(start, start + each));
    }
  }
}

/** Asks the budget of the channel: all go, or only what the reserve is for, or none. */
async function sendWithin(engine: Engine, channel: string, due: readonly DueMessage[]): Promise<void> {
  const room = await roomIn(engine, channel, due);
  const goes = due.filter(({ message }) => room === "all" || (room === "reserved" && isReserved(message)));
  const waits = due.filter((one) => !goes.includes(one));
  if (goes.length > 0) await sendTogether(engine, channel, goes);
  // Where it could not be told they stay due as they are.
  if (room !== "unknown") await settle(engine, waits, nextHour(engine.clock.now()));
}

async function roomIn(
  engine: Engine,
  channel: string,
  due: readonly DueMessage[],
): Promise<"all" | "reserved" | "none" | "unknown"> {
  try {
    if (await takeSending(engine, channel, false)) return "all";
    const reserved = due.some(({ message }) => isReserved(message));
    return reserved && (await takeSending(engine, channel, true)) ? "reserved" : "none";
  } catch (error) {
    if (!(error instanceof Retryable)) throw error;
    return "unknown";
  }
}

async function sendTogether(engine: Engine, channel: string, due: readonly DueMessage[]): Promise<void> {
  try {
    const sending = engine.channels.send(
      channel,
      due.map(({ message }) => message),
    );
    await within(SEND_MS, `sending to ${channel}`, sending);
  } catch (error) {
    const fault = error instanceof Error ? error.message : "unknown fault";
    engine.log({
      level: "warning",
      event: "message not sent",
      facts: { channel, fault: fault.slice(0, 300) },
    });
    const wait =
      error instanceof Retryable
        ? Math.max(AGAIN_MS, error.retryAfterMs)
        : error instanceof Permanent
          ? HOPELESS_MS
          : AGAIN_MS;
    await settle(engine, due, later(engine.clock.now(), wait));
    return;
  }
  await settle(engine, due, null);
}

/** Removes the due rows of messages, or moves them. Somebody else who did the same is no matter. */
async function settle(engine: Engine, due: readonly DueMessage[], again: Date | null): Promise<void> {
  for (const [shard, ofShard] of Map.groupBy(due, ({ message }) => shardOf(message.remediationId))) {
    for (let start = 0; start < ofShard.length; start += PER_TRANSACTION) {
      await settleSome(engine, shard, ofShard.slice(start, start + PER_TRANSACTION), again);
    }
  }
}

async function settleSome(
  engine: Engine,
  shard: string,
  due: readonly DueMessage[],
  again: Date | null,
): Promise<void> {
  const operations = due.flatMap(({ key, message }): Operation[] => [
    { do: "delete", key, etag: "*" },
    ...(again === null ? [] : [insertMessage(again, message)]),
  ]);
  try {
    await engine.table.transact(shard, operations);
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
    await settleSingly(engine, shard, due, again);
  }
}

async function settleSingly(
  engine: Engine,
  shard: string,
  due: readonly DueMessage[],
  again: Date | null,
): Promise<void> {
  for (const { key, message } of due) {
    const moved = again === null ? [] : [insertMessage(again, message)];
    try {
      await engine.table.transact(shard, [{ do: "delete", key, etag: "*" }, ...moved]);
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
    }
  }
}

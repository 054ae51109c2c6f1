import type { Message, MessageKind } from "../model/message.ts";
import { hourKey, hourOf, MOST_OF_HOUR, startOf } from "./budget-rows.ts";
import { takeFromRows } from "./budget-till.ts";
import { type Engine, later } from "./engine.ts";

const HOUR_MS = 3_600_000;
const RESERVED: readonly MessageKind[] = ["failed", "tripped", "awaiting-approval"];
/** A tenth of a channel's sendings is kept for what somebody has to act upon. */
const RESERVE = 1 / 10;

/** Is the reserve of a channel for messages of this kind? */
export function isReserved({ kind }: Pick<Message, "kind">): boolean {
  return RESERVED.includes(kind);
}

/** When the budgets of this hour are forgotten. */
export function nextHour(now: Date): Date {
  return later(startOf(hourOf(now)), HOUR_MS);
}

/**
 * Takes one sending of a channel's budget of this hour; the last tenth only where `reserved`. A digest is one sending.
 * False: it is used up. Raises `StoreUnreachable` and `Retryable`.
 */
export async function takeSending(engine: Engine, channel: string, reserved: boolean): Promise<boolean> {
  const limit = Math.min(engine.configuration.budgets.messagesPerChannel, MOST_OF_HOUR);
  const about = { kind: "channel", name: channel };
  const refused = await takeFromRows(engine, {
    urgency: 0,
    wishes: [
      {
        key: hourKey(hourOf(engine.clock.now()), about),
        about,
        // Of no target: two sendings are two, and a repeated request of one is found by this.
        use: { id: engine.randomness.hex(16), weight: 1, at: 0 },
        most: reserved ? limit : limit - Math.floor(limit * RESERVE),
        share: null,
        over: "",
        tells: null,
      },
    ],
  });
  return refused === null;
}

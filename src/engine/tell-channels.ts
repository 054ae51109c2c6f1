import type { MessageKind } from "../model/message.ts";
import { insertMessage } from "../store/record-rows.ts";
import { newRemediationId, shardOf, signalHash } from "../store/row-keys.ts";
import { RowConflict } from "../store/table.ts";
import type { Engine } from "./engine.ts";

/** What makes a message one and the same, whoever tells it: its subject, and since when it is so. */
export interface Once {
  readonly of: string;
  readonly since: Date;
}

/**
 * Queues a message about no single remediation for every channel; the sweep sends it. With `once`, a message that waits
 * already is not queued again. Raises `StoreUnreachable`.
 */
export async function tellChannels(
  engine: Engine,
  kind: MessageKind,
  text: string,
  once: Once | null = null,
): Promise<void> {
  const now = engine.clock.now();
  for (const { name: channel } of engine.configuration.channels) {
    const hash = signalHash(`${kind}|${channel}|${once?.of ?? text}`);
    const id =
      once === null
        ? newRemediationId(hash, now, engine.randomness)
        : newRemediationId(hash, once.since, { hex: (digits) => hash.slice(-digits) });
    const at = (once?.since ?? now).toISOString();
    const message = { kind, channel, remediationId: id, sequence: 1, at, remediation: null, text };
    try {
      await engine.table.transact(shardOf(id), [insertMessage(once?.since ?? now, message)]);
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
    }
  }
}

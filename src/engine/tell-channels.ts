import type { MessageKind } from "../model/message.ts";
import { insertMessage } from "../store/record-rows.ts";
import { newRemediationId, shardOf, signalHash } from "../store/row-keys.ts";
import type { Engine } from "./engine.ts";

/** Queues a message about no single remediation for every channel; the sweep sends it. Raises `StoreUnreachable`. */
export async function tellChannels(engine: Engine, kind: MessageKind, text: string): Promise<void> {
  const now = engine.clock.now();
  for (const { name: channel } of engine.configuration.channels) {
    const id = newRemediationId(signalHash(`${kind}|${channel}|${text}`), now, engine.randomness);
    const at = now.toISOString();
    const message = { kind, channel, remediationId: id, sequence: 1, at, remediation: null, text };
    await engine.table.transact(shardOf(id), [insertMessage(now, message)]);
  }
}

import { Conflict } from "../model/errors.ts";
import type { Remediation } from "../model/remediation.ts";
import type { Word } from "../model/word.ts";
import type { Change } from "./commit.ts";
import type { Engine } from "./engine.ts";
import { heed, spokenOf } from "./heed.ts";

/**
 * Says no to what has not begun; the rule's cooldown follows, and a no again is no change. Raises `Refused` for an unknown
 * id, `Conflict` where it is too late, `Retryable` while somebody else drives.
 */
export async function reject(engine: Engine, id: string, by: Word): Promise<Remediation> {
  await spokenOf(engine, id);
  return heed(engine, id, (record) => {
    if (record.state === "rejected") return null;
    if (record.state === "pending" || record.state === "awaiting-approval") return rejection(by);
    const { state, approval } = record;
    throw new Conflict(
      approval === null
        ? `remediation ${id} is ${state} and waits for nobody`
        : `remediation ${id} was approved by ${approval.who} and is ${state}`,
      state === "applying" || state === "verifying" || state === "in-force"
        ? `Take it back with \`reflex revert ${id}\`.`
        : `See what became of it with \`reflex show ${id}\`.`,
    );
  });
}

/** The end of what a person did not want; nothing of it was written. */
export function rejection(by: Word): Change {
  return {
    state: "rejected",
    reason: `rejected: ${by.why}`,
    who: by.who,
    what: "rejected",
    patch: { revertedBy: by },
    due: null,
    goOn: false,
    messages: ["ended"],
  };
}

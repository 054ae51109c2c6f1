import { Refused, Retryable } from "../model/errors.ts";
import type { Remediation } from "../model/remediation.ts";
import { isRemediationId } from "../store/row-keys.ts";
import { sendNow } from "./deliver.ts";
import { drive, type Push } from "./drive.ts";
import { type Engine, later, WORK_MS } from "./engine.ts";
import { readRecord } from "./read-record.ts";

/** The remediation that a person speaks of. Raises `Refused` where there is none. */
export async function spokenOf(engine: Engine, id: string): Promise<Remediation> {
  const record = isRemediationId(id) ? await readRecord(engine, id) : null;
  if (record !== null) return record;
  throw new Refused(`there is no remediation ${id.slice(0, 60)}`, "Look up its id with `reflex list`.");
}

/**
 * Does what a person's word asks of a remediation: the word is judged and written down under its lease, then driven as
 * far as it goes now. Raises `Retryable` while somebody else drives, and what `push` raises.
 */
export async function heed(engine: Engine, id: string, push: Push): Promise<Remediation> {
  const driven = await drive(engine, id, later(engine.clock.now(), WORK_MS), { push });
  if (driven.outcome === "newer") {
    throw new Retryable(
      `remediation ${id} was written by a newer version`,
      "Ask again once the update has reached every instance.",
      { retryAfterMs: 60_000 },
    );
  }
  if (driven.outcome !== "rest") {
    throw new Retryable(`remediation ${id} is being worked on`, "Ask again in a moment.", {
      retryAfterMs: 5_000,
    });
  }
  await sendNow(engine, driven.messages);
  return driven.record ?? spokenOf(engine, id);
}

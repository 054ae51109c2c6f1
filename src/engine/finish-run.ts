import type { Remediation } from "../model/remediation.ts";
import type { Begun } from "./begin.ts";
import { sendNow } from "./deliver.ts";
import { drive } from "./drive.ts";
import { type Engine, later, WORK_MS } from "./engine.ts";
import { readRecord } from "./read-record.ts";

/** Drives what a person began as far as it goes now, and tells of it: the record then, or null where there is none. */
export async function finishRun(engine: Engine, begun: Begun): Promise<Remediation | null> {
  const until = later(engine.clock.now(), WORK_MS);
  const from = begun.drive === null ? {} : { claimed: begun.drive };
  const driven = begun.drive !== null || begun.wake ? await drive(engine, begun.id, until, from) : null;
  await sendNow(engine, [...begun.messages, ...(driven?.messages ?? [])]);
  return driven?.record ?? (await readRecord(engine, begun.id));
}

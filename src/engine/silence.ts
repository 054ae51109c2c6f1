import { CONTROL } from "../store/row-keys.ts";
import { RowConflict, StoreUnreachable } from "../store/table.ts";
import { SCHEMA } from "../store/target-row.ts";
import type { Engine } from "./engine.ts";
import { tellChannels } from "./tell-channels.ts";

const LAST_EVENT = "last-event";
const SILENCE_TOLD = "silence-told";
/** The note is kept this coarse, so that it costs one transaction in ten minutes and not one a batch. */
const NOTE_MS = 600_000;

/** Notes that events came. A note that cannot be written is only late: the next batch writes it. */
export async function noteEvent(engine: Engine, events: number): Promise<void> {
  const now = engine.clock.now();
  const known = engine.recent.lastEventNoted;
  if (events === 0 || (known !== null && now.getTime() - known.getTime() < NOTE_MS)) return;
  try {
    await engine.table.transact(CONTROL, [
      { do: "upsert", key: LAST_EVENT, cells: { schema: SCHEMA, at: now.toISOString() } },
    ]);
    engine.recent.lastEventNoted = now;
  } catch (error) {
    if (!(error instanceof RowConflict || error instanceof StoreUnreachable)) throw error;
  }
}

/** A broken export is silent: tells the channels when no event came for too long, once per silence. */
export async function tellSilence(engine: Engine): Promise<void> {
  const now = engine.clock.now();
  const [last, told] = await Promise.all([
    engine.table.get(CONTROL, LAST_EVENT),
    engine.table.get(CONTROL, SILENCE_TOLD),
  ]);
  // Before the first event there is nothing to compare with: the wait begins now.
  if (last === null) {
    await engine.table.transact(CONTROL, [
      { do: "upsert", key: LAST_EVENT, cells: { schema: SCHEMA, at: now.toISOString() } },
    ]);
    return;
  }
  const since = String(last.cells["at"]);
  const silentMs = now.getTime() - new Date(since).getTime();
  if (silentMs < engine.configuration.silenceMs || told?.cells["since"] === since) return;
  const hours = Math.floor(silentMs / 3_600_000);
  await tellChannels(
    engine,
    "silence",
    `No event has come from Defender for ${hours} hours (since ${since}). Look whether continuous export still sends to the hub.`,
  );
  await engine.table.transact(CONTROL, [
    { do: "upsert", key: SILENCE_TOLD, cells: { schema: SCHEMA, since } },
  ]);
}

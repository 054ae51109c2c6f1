import { CONTROL, PARKED } from "../store/row-keys.ts";
import { SCHEMA } from "../store/target-row.ts";
import { type Engine, later } from "./engine.ts";
import { parkedNotes } from "./parked-events.ts";
import { tellChannels } from "./tell-channels.ts";

const TOLD = "parked-told";
/** What a clock that is behind parks still counts: the youngest minutes are looked at an hour later. */
const SKEW_MS = 5 * 60_000;
const MOST_COUNTED = 5_000;
const REASONS_TOLD = 3;
const LONGEST_REASON = 160;

/** Tells the channels how many events were parked since that was last told, with the most frequent reasons; asked once an hour. */
export async function tellParkedGrowth(engine: Engine): Promise<void> {
  const told = await engine.table.get(CONTROL, TOLD);
  const to = later(engine.clock.now(), -SKEW_MS);
  const from = told === null ? undefined : new Date(String(told.cells["at"]));
  if (from !== undefined && from >= to) return;
  const reasons = new Map<string, number>();
  let count = 0;
  const range = parkedNotes(from === undefined ? { to } : { from, to });
  let at: string | undefined = range.from;
  while (at !== undefined && count < MOST_COUNTED) {
    const page: Awaited<ReturnType<typeof engine.table.range>> = await engine.table.range(
      PARKED,
      { from: at, to: range.to },
      1_000,
    );
    for (const { cells } of page.rows) {
      const reason = String(cells["reason"]).slice(0, LONGEST_REASON);
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    count += page.rows.length;
    at = page.next;
  }
  if (count > 0) await tellChannels(engine, "parked", sentence(count, at !== undefined, reasons, from));
  await engine.table.transact(CONTROL, [
    { do: "upsert", key: TOLD, cells: { schema: SCHEMA, at: to.toISOString() } },
  ]);
}

function sentence(
  count: number,
  more: boolean,
  reasons: ReadonlyMap<string, number>,
  since: Date | undefined,
): string {
  const frequent = [...reasons]
    .sort(([a, times], [b, others]) => others - times || (a < b ? -1 : 1))
    .slice(0, REASONS_TOLD)
    .map(([reason, times]) => `${reason.replace(/[.!?]$/, "")} (${times})`);
  const many = `${more ? "Over " : ""}${count} ${count === 1 ? "event was" : "events were"} parked`;
  const when = since === undefined ? "" : ` since ${since.toISOString()}`;
  return `${many}${when}: nothing was done about ${count === 1 ? "it" : "them"}. Most frequent reasons: ${frequent.join("; ")}. Look with reflex parked list, then replay or drop.`;
}

import { CONTROL } from "../store/row-keys.ts";
import { RowConflict } from "../store/table.ts";
import { SCHEMA } from "../store/target-row.ts";
import { writeDailyRoot } from "./daily-root.ts";
import type { Engine } from "./engine.ts";
import { tellForeignMarks } from "./foreign-marks.ts";
import { goesByCommand } from "./pace.ts";
import { tellParkedGrowth } from "./parked-growth.ts";
import { removeOldParked } from "./parked-replay.ts";
import { retire } from "./retention.ts";
import { retireBudgets } from "./retire-budgets.ts";
import { tellSilence } from "./silence.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What a sweep does besides: hourly retention, silence and what was parked, daily the root over all heads and the search for marks that nobody owns. */
export async function hourlyAndDaily(engine: Engine, until: Date): Promise<void> {
  if (engine.clock.now() < until && (await isMyTurn(engine, "hourly", HOUR_MS))) {
    await tellSilence(engine);
    await retireBudgets(engine, until);
    await tellParkedGrowth(engine);
    await retire(engine, until);
    await removeOldParked(engine, until);
  }
  if (engine.clock.now() < until && (await isMyTurn(engine, "daily", DAY_MS))) {
    await writeDailyRoot(engine);
    await tellForeignMarks(engine, (cluster) => !goesByCommand(cluster));
  }
}

/** What is to be done daily in the clusters of a slow pace: the search for marks that nobody owns. */
export async function dailyOfSlow(engine: Engine): Promise<void> {
  if (await isMyTurn(engine, "daily-slow", DAY_MS)) await tellForeignMarks(engine, goesByCommand);
}

/** One sweep of all that run takes the turn: whoever replaces the row first. */
async function isMyTurn(engine: Engine, name: string, everyMs: number): Promise<boolean> {
  const now = engine.clock.now();
  const key = `turn-${name}`;
  const row = await engine.table.get(CONTROL, key);
  if (row !== null && now.getTime() - new Date(String(row.cells["at"])).getTime() < everyMs) return false;
  const cells = { schema: SCHEMA, at: now.toISOString() };
  try {
    await engine.table.transact(CONTROL, [
      row === null ? { do: "insert", key, cells } : { do: "replace", key, cells, etag: row.etag },
    ]);
    return true;
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
    return false;
  }
}

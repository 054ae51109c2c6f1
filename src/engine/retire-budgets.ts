import { BUDGET } from "../store/row-keys.ts";
import { type Row, RowConflict } from "../store/table.ts";
import { NewerSchema } from "../store/target-row.ts";
import { decodeBudgetRow, hourKey, hourOf, type Use } from "./budget-rows.ts";
import { eachRow } from "./each-row.ts";
import { type Engine, later } from "./engine.ts";
import { releasedUses } from "./shares.ts";

/** Rows of an hour are kept this long after it, for whoever looks; nothing asks for them. */
const KEPT_MS = 24 * 3_600_000;
const PER_TRANSACTION = 90;

/** Removes the budget rows of past hours, and the rows of shares of which nothing is held any more. Raises `StoreUnreachable`. */
export async function retireBudgets(engine: Engine, until: Date): Promise<void> {
  const past = hourKey(hourOf(later(engine.clock.now(), -KEPT_MS)), { kind: "", name: "" });
  const keys: string[] = [];
  for await (const row of eachRow(engine.table, BUDGET, { from: "h!", to: past })) keys.push(row.key);
  for (let start = 0; start < keys.length && engine.clock.now() < until; start += PER_TRANSACTION) {
    const some = keys.slice(start, start + PER_TRANSACTION);
    await orMoved(() =>
      engine.table.transact(
        BUDGET,
        some.map((key) => ({ do: "delete", key, etag: "*" })),
      ),
    );
  }
  for await (const row of eachRow(engine.table, BUDGET, { from: "s!", to: "s!~" })) {
    if (engine.clock.now() >= until) return;
    const uses = usesOf(row);
    if (uses === null || (await releasedUses(engine, uses)).size < uses.length) continue;
    await orMoved(() => engine.table.transact(BUDGET, [{ do: "delete", key: row.key, etag: row.etag }]));
  }
}

/** Null: a newer version wrote it, and retires its own. */
function usesOf(row: Row): readonly Use[] | null {
  try {
    return [...decodeBudgetRow(row).uses.values()];
  } catch (error) {
    if (!(error instanceof NewerSchema)) throw error;
    return null;
  }
}

/** Somebody else is at it, or the answer was lost: the next hour finds what is left. */
async function orMoved(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
  }
}

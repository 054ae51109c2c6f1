import { z } from "zod";
import type { Remediation } from "../model/remediation.ts";
import { CONTROL, signalHash } from "../store/row-keys.ts";
import { type Operation, type Row, RowConflict, StoreUnreachable } from "../store/table.ts";
import { SCHEMA } from "../store/target-row.ts";
import { noteControl } from "./control-history.ts";
import { type Engine, later } from "./engine.ts";
import type { Trip } from "./switches.ts";
import { tellChannels } from "./tell-channels.ts";

/** How a remediation ended that speaks against its rule. */
export type BadOutcome = "failed" | "reverted";

const outcomesSchema = z.array(
  z.object({ id: z.string(), at: z.string(), outcome: z.enum(["failed", "reverted"]) }),
);
type Outcomes = z.infer<typeof outcomesSchema>;

/** Outcomes that are remembered of one rule; a configuration that asks for more trips at this many. */
const REMEMBERED = 100;
const TRIES = 10;

/** Key in `control` of the row that says that a rule is tripped. */
export function tripKey(rule: string): string {
  return `switch!trip!${signalHash(rule)}`;
}

function outcomesKey(rule: string): string {
  return `outcomes!${signalHash(rule)}`;
}

/**
 * Notes that a remediation failed, or that a person took it back; each counts once, however often this is asked. Where
 * there are too many within the configured time, its rule only observes from now on and the channels are told, once.
 * Asked right before the end is written. A person's own run trips nothing. Raises `StoreUnreachable`.
 */
export async function noteOutcome(
  engine: Engine,
  { id, rule, signal }: Pick<Remediation, "id" | "rule" | "signal">,
  outcome: BadOutcome,
): Promise<void> {
  if (signal.kind === "manual") return;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const row = await engine.table.get(CONTROL, outcomesKey(rule.name));
    if (row !== null && row.cells["told"] === true) return;
    const noted = withOutcome(engine, outcomesOf(row), id, outcome);
    const { after } = engine.configuration.breaker;
    const trips = noted.length >= Math.min(after, REMEMBERED);
    // Told before it is noted as told: who dies in between leaves it to the next, who tells the same message.
    if (trips) await trip(engine, rule.name, noted);
    try {
      await engine.table.transact(CONTROL, [write(rule.name, row, noted, trips)]);
      return;
    } catch (error) {
      // Somebody else noted one, or it was us: the next look shows it.
      if (!(error instanceof RowConflict)) throw error;
    }
  }
  throw new StoreUnreachable(`the store refused ${TRIES} times to note how ${id} ended`);
}

function outcomesOf(row: Row | null): Outcomes {
  return row === null ? [] : outcomesSchema.parse(JSON.parse(String(row.cells["recent"])));
}

/** The outcomes within the configured time, this one among them once. */
function withOutcome(engine: Engine, known: Outcomes, id: string, outcome: BadOutcome): Outcomes {
  const now = engine.clock.now();
  const since = later(now, -engine.configuration.breaker.withinMs).toISOString();
  const mine = known.find((one) => one.id === id) ?? { id, at: now.toISOString(), outcome };
  return [...known.filter((one) => one.id !== id), mine].filter(({ at }) => at > since).slice(-REMEMBERED);
}

function write(rule: string, row: Row | null, noted: Outcomes, told: boolean): Operation {
  const key = outcomesKey(rule);
  const cells = { schema: SCHEMA, recent: JSON.stringify(noted), told };
  return row === null ? { do: "insert", key, cells } : { do: "replace", key, cells, etag: row.etag };
}

async function trip(engine: Engine, rule: string, outcomes: Outcomes): Promise<void> {
  const count = (of: BadOutcome): number => outcomes.filter(({ outcome }) => outcome === of).length;
  const parts = [
    ...(count("failed") > 0 ? [`${count("failed")} failed`] : []),
    ...(count("reverted") > 0 ? [`people took ${count("reverted")} back`] : []),
  ];
  const hours = Math.round(engine.configuration.breaker.withinMs / 360_000) / 10;
  const why = `of its remediations ${parts.join(" and ")} within ${hours} hours`;
  const tripped = await writeTrip(engine, { rule, why, since: engine.clock.now().toISOString() });
  engine.switches.forget();
  const text = `Rule ${rule} only observes from now on: ${tripped.why}. Look at them (reflex report ${rule}), then: reflex resume --rule ${rule} --reason TEXT`;
  await tellChannels(engine, "tripped", text, { of: rule, since: new Date(tripped.since) });
}

/** The trip as it stands in the table: ours, which goes into the control history with it, or that of whoever was first. */
async function writeTrip(engine: Engine, tripped: Trip): Promise<Trip> {
  const key = tripKey(tripped.rule);
  const cells = { schema: SCHEMA, switch: JSON.stringify(tripped) };
  const { rule, why } = tripped;
  try {
    await noteControl(engine, { what: "trip", word: null, details: { rule, why } }, [
      { do: "insert", key, cells },
    ]);
    return tripped;
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
    const row = await engine.table.get(CONTROL, key);
    return row === null ? tripped : (JSON.parse(String(row.cells["switch"])) as Trip);
  }
}

/** Lets a tripped rule act again, and forgets what tripped it. Raises `StoreUnreachable`. */
export async function clearTrip(engine: Engine, rule: string): Promise<void> {
  for (const key of [outcomesKey(rule), tripKey(rule)]) {
    try {
      await engine.table.transact(CONTROL, [{ do: "delete", key, etag: "*" }]);
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
    }
  }
  engine.switches.forget();
}

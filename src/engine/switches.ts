import { z } from "zod";
import type { Clock } from "../model/clock.ts";
import { CONTROL } from "../store/row-keys.ts";
import type { Row, Table } from "../store/table.ts";
import { eachRow } from "./each-row.ts";

const pauseOfSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("all") }),
  z.object({ kind: z.enum(["cluster", "rule", "playbook"]), name: z.string() }),
]);
const pauseSchema = z.object({ of: pauseOfSchema, who: z.string(), why: z.string(), since: z.string() });
const tripSchema = z.object({ rule: z.string(), why: z.string(), since: z.string() });

/** What a person can hold: everything, or one cluster (ARM id), rule or playbook. */
export type PauseOf = Readonly<z.infer<typeof pauseOfSchema>>;

/** One thing that is held, with who did it and why; `since` in ISO 8601. */
export type Pause = Readonly<z.infer<typeof pauseSchema>>;

/** A rule that only observes since it failed, or was taken back, too often; `since` in ISO 8601. */
export type Trip = Readonly<z.infer<typeof tripSchema>>;

/** Everything that is switched off, as it was read at one moment. */
export interface SwitchState {
  readonly pauses: readonly Pause[];
  readonly trips: readonly Trip[];
}

/** No forward write is begun on a look that is older (engine design: five seconds). */
export const OLDEST_LOOK_MS = 5_000;

/** Reads what people and breakers have switched off: one range of `control`, at most five seconds old. */
export class Switches {
  readonly #table: Table;
  readonly #clock: Clock;
  #read: { readonly at: number; readonly state: Promise<SwitchState> } | null = null;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  /** What is switched off, as seen at most five seconds ago. Raises `StoreUnreachable`: who cannot look does not write. */
  async now(): Promise<SwitchState> {
    const at = this.#clock.now().getTime();
    const known = this.#read;
    if (known !== null && at - known.at < OLDEST_LOOK_MS && at >= known.at) return known.state;
    const read = { at, state: this.#look() };
    this.#read = read;
    try {
      return await read.state;
    } catch (error) {
      if (this.#read === read) this.#read = null;
      throw error;
    }
  }

  /** The next question looks again: somebody has just changed a switch here. */
  forget(): void {
    this.#read = null;
  }

  async #look(): Promise<SwitchState> {
    const found: Switch[] = [];
    for await (const one of switchRows(this.#table)) found.push(one);
    return {
      pauses: found.flatMap((one) => ("pause" in one ? [one.pause] : [])),
      trips: found.flatMap((one) => ("trip" in one ? [one.trip] : [])),
    };
  }
}

/** One row of what is switched off. */
export type Switch = { readonly key: string } & ({ readonly pause: Pause } | { readonly trip: Trip });

const TRIP = "switch!trip!";
const SWITCH_ROWS = { from: "switch!", to: "switch!~" };

/**
 * Everything that stands switched off. A row that this version cannot read holds everything: it was written to hold
 * something. Raises `StoreUnreachable`.
 */
export async function* switchRows(table: Table): AsyncGenerator<Switch> {
  for await (const row of eachRow(table, CONTROL, SWITCH_ROWS)) yield switchIn(row);
}

function switchIn(row: Row): Switch {
  const { key } = row;
  const content = contentOf(row);
  const trip = key.startsWith(TRIP) ? tripSchema.safeParse(content) : null;
  if (trip?.success === true) return { key, trip: trip.data };
  const pause = pauseSchema.safeParse(content);
  if (pause.success) return { key, pause: pause.data };
  const why = `the row ${key} of the table cannot be read by this version`;
  return { key, pause: { of: { kind: "all" }, who: "engine", why, since: new Date(0).toISOString() } };
}

function contentOf(row: Row): unknown {
  try {
    return JSON.parse(String(row.cells["switch"]));
  } catch {
    return null;
  }
}

import { Retryable } from "../model/errors.ts";
import { BUDGET } from "../store/row-keys.ts";
import { RowConflict } from "../store/table.ts";
import { NewerSchema } from "../store/target-row.ts";
import { type BudgetRow, decodeBudgetRow, hourOf, startOf, UNUSED } from "./budget-rows.ts";
import { type Drawn, draw, type Taking, type Wish } from "./draw-budget.ts";
import type { Engine } from "./engine.ts";
import { tellChannels } from "./tell-channels.ts";

interface Waiting {
  readonly taking: Taking;
  readonly resolve: (refused: Wish | null) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One of those who try at the same time always wins, and a process tries once for all that it takes. So nobody sleeps:
 * each try begins with a look at the rows, whose time differs enough.
 */
const TRIES = 12;
/** Of a transaction, which takes a hundred rows. */
const MOST_ROWS = 90;
const MOST_TAKINGS = 200;
const ROWS_REMEMBERED = 1_000;

/** One for each process; it remembers rows only to save reads. */
const tills = new WeakMap<Engine, Till>();

/**
 * Takes of every row that a taking wishes of, or of none, in one transaction: null, or the wish that found no room. What
 * this process takes at the same time goes in one transaction, so that a storm does not conflict with itself. Tells the
 * channels once in an hour of a full row. Raises `StoreUnreachable`, and `Retryable` where others were always faster.
 */
export function takeFromRows(engine: Engine, taking: Taking): Promise<Wish | null> {
  const till = tills.get(engine) ?? new Till(engine);
  tills.set(engine, till);
  return till.take(taking);
}

class Till {
  readonly #engine: Engine;
  readonly #known = new Map<string, BudgetRow>();
  #queue: Waiting[] = [];
  #busy = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  take(taking: Taking): Promise<Wish | null> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ taking, resolve, reject });
      if (!this.#busy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#queue.length > 0) {
      const group = this.#nextGroup();
      const takings = group.map(({ taking }) => taking);
      try {
        const answers = await this.#settle(takings);
        for (const [index, { resolve }] of group.entries()) resolve(answers[index] ?? null);
      } catch (error) {
        for (const key of keysOf(takings)) this.#known.delete(key);
        for (const { reject } of group) reject(error);
      }
    }
    this.#busy = false;
  }

  /** The most urgent that wait, as many as one transaction takes. */
  #nextGroup(): Waiting[] {
    const sorted = this.#queue.toSorted((a, b) => a.taking.urgency - b.taking.urgency);
    const keys = new Set<string>();
    const group: Waiting[] = [];
    for (const one of sorted) {
      const more = new Set([...keys, ...keysOf([one.taking])]);
      if (group.length > 0 && (more.size > MOST_ROWS || group.length === MOST_TAKINGS)) break;
      for (const key of more) keys.add(key);
      group.push(one);
    }
    const taken = new Set(group);
    this.#queue = this.#queue.filter((one) => !taken.has(one));
    return group;
  }

  async #settle(takings: readonly Taking[]): Promise<readonly (Wish | null)[]> {
    let fresh = false;
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const hour = hourOf(this.#engine.clock.now());
      const drawn = await this.#draw(takings, hour, fresh);
      for (const wish of drawn.news) await this.#tell(wish, hour);
      if (drawn.operations.length === 0 || (await this.#written(drawn))) return drawn.answers;
      fresh = true;
    }
    throw new Retryable("many take of the same budgets at this moment", "It is tried again by itself.", {
      retryAfterMs: 1_000,
    });
  }

  /** No answer rests on what was only remembered: either the transaction checks it, or it is looked at afresh. */
  async #draw(takings: readonly Taking[], hour: string, fresh: boolean): Promise<Drawn> {
    const remembered = fresh ? null : await draw(takings, this.#known, hour, false);
    return remembered?.checked ? remembered : draw(takings, await this.#read(keysOf(takings)), hour, true);
  }

  /** False: the table refused it. It may be our own success that is told so: whether a use stands there is seen by reading. */
  async #written({ operations, rows }: Drawn): Promise<boolean> {
    try {
      const etags = await this.#engine.table.transact(BUDGET, operations);
      for (const [key, etag] of etags) this.#remember(key, { ...(rows.get(key) ?? UNUSED), etag });
      return true;
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
      return false;
    }
  }

  async #read(keys: readonly string[]): Promise<ReadonlyMap<string, BudgetRow>> {
    const rows = await Promise.all(
      keys.map(async (key): Promise<[string, BudgetRow]> => {
        const stored = await this.#engine.table.get(BUDGET, key);
        return [key, stored === null ? UNUSED : decoded(stored)];
      }),
    );
    for (const [key, row] of rows) this.#remember(key, row);
    return new Map(rows);
  }

  #remember(key: string, row: BudgetRow): void {
    this.#known.delete(key);
    this.#known.set(key, row);
    if (this.#known.size <= ROWS_REMEMBERED) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  /** Before it is noted: who dies in between leaves it to the next who finds the row full. */
  async #tell({ key, tells }: Wish, hour: string): Promise<void> {
    if (tells !== null) await tellChannels(this.#engine, "budget", tells, { of: key, since: startOf(hour) });
  }
}

function keysOf(takings: readonly Taking[]): readonly string[] {
  return [...new Set(takings.flatMap(({ wishes }) => wishes.map(({ key }) => key)))];
}

function decoded(row: Parameters<typeof decodeBudgetRow>[0]): BudgetRow {
  try {
    return decodeBudgetRow(row);
  } catch (error) {
    if (!(error instanceof NewerSchema)) throw error;
    throw new Retryable("a newer version keeps the budgets", "It goes on once all run that version.", {
      retryAfterMs: 30_000,
    });
  }
}

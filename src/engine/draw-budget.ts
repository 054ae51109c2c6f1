import type { Operation } from "../store/table.ts";
import { type About, type BudgetRow, UNUSED, type Use, writeBudgetRow } from "./budget-rows.ts";

/** What one taking wants of one row. */
export interface Wish {
  readonly key: string;
  readonly about: About;
  readonly use: Use;
  /** The row's uses may weigh so much, with mine. */
  readonly most: number;
  /** What is held at a time, not used up in an hour: mine goes where there is no other, and is noted anew each time. */
  readonly share: {
    /** Of these uses, those that hold nothing any more. */
    readonly freed: (uses: readonly Use[]) => Promise<ReadonlySet<string>>;
  } | null;
  /** What a person reads when there is no room, and what the channels are told once in the hour; null: nothing. */
  readonly over: string;
  readonly tells: string | null;
}

/** All that one target takes at once: of every row or of none. The most urgent (0) draw first. */
export interface Taking {
  readonly wishes: readonly Wish[];
  readonly urgency: number;
}

/** What drawing came to: for each taking the wish that found no room, or null; and what is to be written. */
export interface Drawn {
  readonly answers: readonly (Wish | null)[];
  readonly operations: readonly Operation[];
  readonly rows: ReadonlyMap<string, BudgetRow>;
  /** Full rows of which nobody has been told in this hour. */
  readonly news: readonly Wish[];
  /** Every answer is a yes that the transaction itself checks: no fresh look is needed. */
  readonly checked: boolean;
}

/** Notes tell seconds. One of another moment is written anew: it may be about an episode that has ended since. */
const NOTED_MS = 1_000;

/**
 * Lets takings draw from rows, one after another; pure but for `freed`. Rows that nobody may let go of in vain (`fresh`
 * is false: they were only remembered) are not pruned.
 */
export async function draw(
  takings: readonly Taking[],
  seen: ReadonlyMap<string, BudgetRow>,
  hour: string,
  fresh: boolean,
): Promise<Drawn> {
  const rows = new Map(seen);
  const abouts = new Map<string, About>();
  const pruned = new Set<string>();
  const news: Wish[] = [];
  const full = async (wish: Wish): Promise<boolean> => {
    if (hasRoom(rowOf(rows, wish), wish)) return false;
    if (!fresh || wish.share === null || pruned.has(wish.key)) return true;
    pruned.add(wish.key);
    const row = rowOf(rows, wish);
    const freed = await wish.share.freed([...row.uses.values()].filter(({ id }) => id !== wish.use.id));
    if (freed.size === 0) return true;
    abouts.set(wish.key, wish.about);
    rows.set(wish.key, { ...row, uses: new Map([...row.uses].filter(([id]) => !freed.has(id))) });
    return !hasRoom(rowOf(rows, wish), wish);
  };
  const answers: (Wish | null)[] = [];
  for (const { wishes } of takings) {
    const refused = await firstFull(wishes, full);
    answers.push(refused);
    for (const wish of refused === null ? wishes : []) {
      if (isNoted(rowOf(rows, wish), wish)) continue;
      const row = rowOf(rows, wish);
      abouts.set(wish.key, wish.about);
      rows.set(wish.key, { ...row, uses: new Map(row.uses).set(wish.use.id, wish.use) });
    }
    if (refused !== null && refused.tells !== null && rowOf(rows, refused).told !== hour) {
      news.push(refused);
      abouts.set(refused.key, refused.about);
      rows.set(refused.key, { ...rowOf(rows, refused), told: hour });
    }
  }
  const checked = answers.every((answer) => answer === null) && allWritten(takings, abouts);
  const operations = [...abouts].map(([key, about]) => writeBudgetRow(key, about, rows.get(key) ?? UNUSED));
  return { answers, operations, rows, news, checked };
}

async function firstFull(
  wishes: readonly Wish[],
  full: (wish: Wish) => Promise<boolean>,
): Promise<Wish | null> {
  for (const wish of wishes) if (await full(wish)) return wish;
  return null;
}

function rowOf(rows: ReadonlyMap<string, BudgetRow>, { key }: Wish): BudgetRow {
  return rows.get(key) ?? UNUSED;
}

/** The same target twice in an hour counts once; of what is held at a time each is weighed again. */
function hasRoom({ uses }: BudgetRow, { use, most, share }: Wish): boolean {
  if (share === null && uses.has(use.id)) return true;
  const others = [...uses.values()].filter(({ id }) => id !== use.id);
  const held = others.reduce((sum, { weight }) => sum + weight, 0);
  return held + use.weight <= most || (share !== null && others.length === 0);
}

function isNoted({ uses }: BudgetRow, { use, share }: Wish): boolean {
  const noted = uses.get(use.id);
  if (noted === undefined) return false;
  return (
    share === null ||
    (noted.weight === use.weight && Math.floor(use.at / NOTED_MS) === Math.floor(noted.at / NOTED_MS))
  );
}

function allWritten(takings: readonly Taking[], written: ReadonlyMap<string, unknown>): boolean {
  return takings.every(({ wishes }) => wishes.every(({ key }) => written.has(key)));
}

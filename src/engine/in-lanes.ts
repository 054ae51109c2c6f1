/** What is known of the lanes that share the places, asked anew before each item. */
export interface Lanes {
  /** Nothing more of this lane is begun. */
  isOpen(lane: string): boolean;
  /** Lanes with fewer go first. */
  failures(lane: string): number;
  /** So many at a time while other lanes wait, and so many at all. */
  width(lane: string): { readonly fair: number; readonly most: number };
}

interface Lane<T> {
  readonly name: string;
  readonly items: { readonly item: T; readonly order: number }[];
  running: number;
}

/**
 * Does `act` for every item, at most `limit` at a time, each lane's in order of the list and among lanes the first of the
 * list, so that a slow lane delays no other: it has its width at most while others wait. What is left of a lane that was
 * opened is not begun. Rejects with the first fault after all have settled.
 */
export async function inLanes<T>(
  limit: number,
  items: readonly T[],
  laneOf: (item: T) => string,
  lanes: Lanes,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = new Map<string, Lane<T>>();
  for (const [order, item] of items.entries()) {
    const name = laneOf(item);
    const lane = waiting.get(name) ?? { name, items: [], running: 0 };
    waiting.set(name, lane);
    lane.items.push({ item, order });
  }
  for (const lane of waiting.values()) lane.items.reverse();
  const faults: unknown[] = [];
  const underWay = new Set<Promise<void>>();
  const begin = (lane: Lane<T>, item: T): void => {
    lane.running += 1;
    const done = act(item)
      .catch((error: unknown) => void faults.push(error))
      .then(() => {
        lane.running -= 1;
        underWay.delete(done);
      });
    underWay.add(done);
  };
  for (;;) {
    const lane = underWay.size < limit ? nextLane([...waiting.values()], lanes) : null;
    const next = lane?.items.pop();
    if (lane !== null && next !== undefined) begin(lane, next.item);
    else if (underWay.size > 0) await Promise.race(underWay);
    else break;
  }
  if (faults.length > 0) throw faults[0];
}

/** The lane whose turn it is: within its fair width, fewest failures, first of the list; else one that uses idle places. */
function nextLane<T>(all: readonly Lane<T>[], lanes: Lanes): Lane<T> | null {
  const ready = all.filter(
    ({ name, items, running }) => items.length > 0 && !lanes.isOpen(name) && running < lanes.width(name).most,
  );
  const fair = ready.filter(({ name, running }) => running < lanes.width(name).fair);
  const byTurn = (a: Lane<T>, b: Lane<T>): number =>
    lanes.failures(a.name) - lanes.failures(b.name) || orderOf(a) - orderOf(b);
  const [first] = fair.length > 0 ? fair.sort(byTurn) : ready.sort((a, b) => a.running - b.running);
  return first ?? null;
}

function orderOf<T>({ items }: Lane<T>): number {
  return items.at(-1)?.order ?? Number.POSITIVE_INFINITY;
}

/** What may happen to a task at a point. `lose` and `repeat` are for whoever asked: see the scheduled table. */
export type Fault =
  | { readonly do: "crash" | "lose" | "repeat" }
  | { readonly do: "freeze"; readonly ms: number };

/** Decides about one point; `index` counts the points of its task from 0, so that "crash at the k-th" can be said. */
export type Faults = (point: {
  readonly task: string;
  readonly name: string;
  readonly index: number;
}) => Fault | null;

/** Picks one of the named options: one way through the schedule. The option `TIME_PASSES` comes last, if it is there. */
export type Choice = (options: readonly string[]) => number;

/** The option of letting the clock go on to the first sleeper although somebody could run now. */
export const TIME_PASSES = "time passes";

/** Numbers from 0 up to 1 that depend on the seed alone (a 32-bit linear congruence, mixed). */
export function createRandom(seed: number): () => number {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32;
  };
}

/** Any task is as likely as another; time passes at one of eight steps, so that leases mostly suffice. */
export function seededChoice(random: () => number): Choice {
  return (names) => {
    const tasks = names.at(-1) === TIME_PASSES ? names.length - 1 : names.length;
    const timePasses = tasks < names.length && random() < 1 / 8;
    return timePasses ? tasks : Math.floor(random() * tasks);
  };
}

/** At each point, with these probabilities: a crash, a lost answer, a repeat by the client, or a freeze of up to `freezeMs`. */
export function randomFaults(
  random: () => number,
  rates: { crash?: number; lose?: number; repeat?: number; freeze?: number; freezeMs?: number },
): Faults {
  return () => {
    let left = random();
    for (const kind of ["crash", "lose", "repeat", "freeze"] as const) {
      left -= rates[kind] ?? 0;
      if (left < 0) {
        return kind === "freeze"
          ? { do: kind, ms: Math.ceil(random() * (rates.freezeMs ?? 180_000)) }
          : { do: kind };
      }
    }
    return null;
  };
}

/**
 * Runs `once` with every way to choose, depth first, at most `most` of them, and returns how many there were.
 * `once` must do the same for the same choices. A failure names nothing by itself: print the scheduler's trace.
 */
export async function everySchedule(most: number, once: (choose: Choice) => Promise<void>): Promise<number> {
  const path: { chosen: number; of: number }[] = [];
  for (let runs = 1; ; runs += 1) {
    let depth = 0;
    await once((names) => {
      const known = path[depth];
      if (known === undefined) {
        path.push({ chosen: 0, of: names.length });
      } else if (known.of !== names.length) {
        throw new Error(
          `The same choices led elsewhere: ${names.join(", ")} instead of ${known.of} options.`,
        );
      }
      depth += 1;
      return known?.chosen ?? 0;
    });
    let last = path.at(-1);
    while (last !== undefined && last.chosen + 1 === last.of) {
      path.pop();
      last = path.at(-1);
    }
    if (last === undefined || runs === most) {
      return runs;
    }
    last.chosen += 1;
  }
}

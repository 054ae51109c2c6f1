/** How far a rule may go, weakest first (house rules: a ceiling can only lower it). */
export const MODES = ["off", "observe", "approve", "enforce"] as const;

/** One of the four modes. */
export type Mode = (typeof MODES)[number];

/** The weakest of the given modes. */
export function lowestMode(first: Mode, ...others: readonly Mode[]): Mode {
  return others.reduce((low, mode) => (MODES.indexOf(mode) < MODES.indexOf(low) ? mode : low), first);
}

import { lowestMode, MODES, type Mode } from "./mode.ts";
import type { RuleAsItWas } from "./remediation.ts";
import { type TimeWindow, WEEKDAYS } from "./rule.ts";

/** What of a rule says how far it goes, and when. */
type Moded = Pick<RuleAsItWas, "mode" | "windows">;

/** Day of the week (0 is Monday) and minute of the day, as a clock on the wall shows them. */
interface WallClock {
  readonly day: number;
  readonly minute: number;
}

/**
 * The rule's mode at a moment: of the first of its windows that holds, else its own. A window holds while a clock in its
 * zone shows a time in it, so what a change of the clock leaves out does not occur, and what it repeats holds twice.
 * Where the time cannot be told, the lowest mode that the rule has. The ceiling is not applied.
 */
export function modeAt(rule: Moded, at: Date): Mode {
  for (const window of rule.windows) {
    const clock = wallClock(at, window.timezone);
    if (clock === null) return lowestMode(rule.mode, ...rule.windows.map(({ mode }) => mode));
    if (holds(window, clock)) return window.mode;
  }
  return rule.mode;
}

/** The highest mode that the rule has at any time. The ceiling is not applied. */
export function highestMode({ mode, windows }: Moded): Mode {
  return windows.reduce(
    (high, one) => (MODES.indexOf(one.mode) > MODES.indexOf(high) ? one.mode : high),
    mode,
  );
}

function holds({ days, from, to }: TimeWindow, { day, minute }: WallClock): boolean {
  const begin = minuteOf(from);
  const end = minuteOf(to);
  const begins = (on: number) => days.some((name) => name === WEEKDAYS[(on + 7) % 7]);
  if (begin < end) return begins(day) && minute >= begin && minute < end;
  return (begins(day) && minute >= begin) || (begins(day - 1) && minute < end);
}

/** Minutes of `HH:MM`. */
function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

const DAYS: readonly string[] = WEEKDAYS;
const formats = new Map<string, Intl.DateTimeFormat>();

/** Null for a zone that this machine does not know, and for a time that is none. */
function wallClock(at: Date, timezone: string): WallClock | null {
  try {
    const parts = formatOf(timezone).formatToParts(at);
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)?.value ?? "";
    const day = DAYS.indexOf(part("weekday").toLowerCase());
    const minute = Number(part("hour")) * 60 + Number(part("minute"));
    return day === -1 ? null : { day, minute };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** One per zone: making one reads tables, using it does not. */
function formatOf(timezone: string): Intl.DateTimeFormat {
  const known = formats.get(timezone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  formats.set(timezone, format);
  return format;
}

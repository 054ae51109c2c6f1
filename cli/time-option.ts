import { parseDuration } from "../src/rules/index.ts";
import { Stop } from "./stop.ts";

const ISO = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** A time as ISO 8601 in UTC, written as `2h` (so long ago) or as ISO 8601, in UTC where it names no zone. Raises `Stop`. */
export function timeOption(name: string, text: string | undefined, now: Date): string | undefined {
  if (text === undefined) return undefined;
  const ago = parseDuration(text);
  const time = ago === null ? isoTime(text) : new Date(now.getTime() - ago).toISOString();
  if (time !== null) return time;
  throw new Stop(2, `${name} ${text} is no time; write 2h for two hours ago, or 2026-03-02T08:00:00Z`);
}

/** A time written as ISO 8601, in UTC, which it is in where it names no zone; null: it is none. */
export function isoTime(text: string): string | null {
  const written = ISO.exec(text);
  const time = new Date(
    written !== null && text.includes("T") && written[1] === undefined ? `${text}Z` : text,
  );
  return written !== null && !Number.isNaN(time.getTime()) ? time.toISOString() : null;
}
